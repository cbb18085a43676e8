"""Figures of a company that does not exist, in the shape of those that are read: what
an empty page shows, marked as a sample."""

from datetime import date, timedelta

from .receivables import BUCKETS

# A quarter of the sales stays open and gets a little better; thousands.
_SALES = 400.0
_OPEN = (340.0, 150.0, 70.0, 35.0, 45.0)


def make_now(company_id: int, currency_id: int) -> list[dict]:
    buckets = {
        name: 1000.0 * amount for name, amount in zip(BUCKETS, _OPEN, strict=True)
    }
    amounts = {**buckets, "credit": -12_000.0}
    return [
        {
            "company_id": company_id,
            "currency_id": currency_id,
            **amounts,
            **{f"{name}_currency": amount for name, amount in amounts.items()},
            "late_days": sum(
                buckets[name] * days
                for name, days in zip(BUCKETS[1:], (14, 44, 75, 130), strict=True)
            ),
            "in_payment": 0.0,
            "item_count": 212.0,
            "late_count": 118.0,
            "sales": 260_000.0,
            **_make_money(240_000.0, 17),
        }
    ]


def make_months(company_id: int, ends: list[date]) -> list[dict]:
    """The older the month, the worse."""
    rows = []
    for number, end in enumerate(reversed(ends)):
        worse = 1 + 0.03 * min(number, 12)
        amounts = {
            name: 1000.0 * amount * (worse if name != "not_due" else 1)
            for name, amount in zip(BUCKETS, _OPEN, strict=True)
        }
        sales = 1000.0 * _SALES * (1 + 0.05 * ((number * 7) % 5 - 2))
        rows.append(
            {
                "company_id": company_id,
                "date": end,
                **amounts,
                "credit": -10_000.0,
                "sales": sales,
                **_make_money(0.97 * sales, 16 + number),
                "due_base": 300_000.0,
                "due_rolled": 105_000.0 * worse,
                "one_base": 150_000.0,
                "one_rolled": 66_000.0 * worse,
                "two_base": 70_000.0,
                "two_rolled": 35_000.0 * worse,
                "three_base": 35_000.0,
                "three_rolled": 21_000.0 * worse,
            }
        )
    return rows[::-1]


def _make_money(paid: float, days_late: float) -> dict:
    return {
        "paid": paid,
        "paid_days": paid * days_late,
        "credited": 0.03 * paid,
        "written_off": 0.005 * paid,
    }


def make_collected(company_id: int) -> list[dict]:
    rows = []
    for language, sent in (("en", 180), ("ar", 120), ("both", 40)):
        row = {
            "company_id": company_id,
            "level_id": None,
            "language": language,
            "channel": "email",
            "sent_count": sent,
            "move_count": 3 * sent,
            "asked": 4000.0 * sent,
        }
        for days, rate in ((7, 0.18), (14, 0.31), (30, 0.47)):
            row |= {
                f"collected_{days}": rate * row["asked"],
                f"ripe_{days}_count": sent,
                f"hit_{days}_count": round(sent * rate),
                f"ripe_asked_{days}": row["asked"],
                f"ripe_collected_{days}": rate * row["asked"],
            }
        rows.append(row)
    return rows


def make_events(day: date) -> list[dict]:
    rows = []
    for number in range(8):
        monday = day - timedelta(days=day.weekday() + 7 * (7 - number))
        for kind, count in (
            ("sent", 40),
            ("opened", 24),
            ("clicked", 11),
            ("replied", 5),
            ("bounced", 1),
        ):
            rows.append(
                {
                    "day": monday,
                    "kind": kind,
                    "is_machine": False,
                    "number": count + (number * 5) % 7,
                }
            )
    return rows
