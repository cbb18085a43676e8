"""Between which values a number makes sense, refused in words that name the field: a
negative interval or a link that is valid for minus one day would be taken by the
database and understood by nobody."""

from odoo.exceptions import ValidationError

# Ten years, in days: a typing mistake beyond it would reach past the calendar.
DAYS = 3650
COUNT = 1_000_000
AMOUNT = 1e15


def check_numbers(records, limits):
    """For a model's ``@api.constrains``.

    :param limits: field → (least, most), both included
    :raises ValidationError: naming field, record and what may be entered
    """
    for record in records:
        for name, (least, most) in limits.items():
            # A NaN, which JSON can carry, is between no two numbers.
            if least <= record[name] <= most:
                continue
            raise ValidationError(
                record.env._(
                    "“%(field)s” of “%(record)s” cannot be %(value)s: it lies between "
                    "%(least)s and %(most)s.",
                    field=record._fields[name]._description_string(record.env),
                    record=record.display_name or "",
                    value=_write(record[name]),
                    least=_write(least),
                    most=_write(most),
                )
            )


def _write(number):
    return f"{number:,.10g}" if isinstance(number, float) else f"{number:,}"
