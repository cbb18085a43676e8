from psycopg2 import IntegrityError

from odoo.exceptions import ValidationError
from odoo.models import MAGIC_COLUMNS
from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_send import SendCase

# Whose numbers a person sets.
_MODELS = (
    "res.company",
    "res.partner",
    "chaser.level",
    "chaser.policy",
    "chaser.provider",
    "chaser.campaign",
    "chaser.template",
)
# Any number makes sense: the order of a list, or a colour.
_FREE = {"sequence", "color"}
# Negative numbers that mean something.
_NEGATIVE = {("chaser.level", "days_overdue"): "before the due date"}
# 0 that means nothing.
_NOT_ZERO = {
    ("res.company", "chaser_consolidation_min_invoices"),
    ("res.company", "chaser_bounce_limit"),
    ("chaser.provider", "batch_size"),
    ("chaser.provider", "max_attempts"),
    ("chaser.provider", "smtp_port"),
    ("chaser.provider", "imap_port"),
}


class WalkCase(SendCase):
    """Walks over what this addon adds to models, found by introspection."""

    def _get_record(self, model):
        made = {
            "res.company": lambda: self.company,
            "res.partner": lambda: self.customer,
            "chaser.level": lambda: self.reminder.level_id,
            "chaser.policy": lambda: self.env["chaser.policy"].create({"name": "P"}),
            "chaser.provider": lambda: self.provider,
            "chaser.campaign": lambda: self.campaign,
            "chaser.template": lambda: self.env["chaser.template"].search([], limit=1),
        }
        return made[model]()

    def _get_decided(self, model):
        """Fields of ours that a person writes: stored, or stored by what they enter."""
        own = model.startswith("chaser.")
        for name, field in self.env[model]._fields.items():
            ours = "invoice_chaser" in (field._modules or ())
            if (
                (ours or own and name not in MAGIC_COLUMNS)
                and field.store
                and not field.readonly
                and not field.related
                and not name.endswith("_sealed")
                and name not in ("message_ids", "website_message_ids")
            ):
                yield name, field


@tagged("post_install", "-at_install")
class TestNumbers(WalkCase):
    """Nothing that makes no sense can be saved: every number of every setting."""

    def _get_numbers(self):
        for model in _MODELS:
            for name, field in self._get_decided(model):
                numeric = field.type in ("integer", "float", "monetary")
                if numeric and name not in _FREE:
                    yield model, name, field

    @mute_logger("odoo.sql_db")
    def _refuses(self, record, name, value):
        """Whether it is refused; in words that a person reads."""
        try:
            with self.env.cr.savepoint() as savepoint:
                record[name] = value
                record.flush_recordset()
                savepoint.rollback()
        except ValidationError as error:
            label = record._fields[name]._description_string(self.env)
            return label in str(error) and str(record.display_name) in str(error)
        except IntegrityError:
            return "only by the database"
        finally:
            record.invalidate_recordset()
        return False

    def test_walk(self):
        self.assertGreater(len(list(self._get_numbers())), 30)
        taken = []
        for model, name, field in self._get_numbers():
            record = self._get_record(model)
            nonsense = [10**9 if field.type == "integer" else 1e16]
            if (model, name) not in _NEGATIVE:
                nonsense.append(-1)
            if (model, name) in _NOT_ZERO:
                nonsense.append(0)
            # Odoo itself cannot round a NaN amount.
            if field.type == "float" and not field.get_digits(self.env):
                nonsense.append(float("nan"))
            for value in nonsense:
                if name == "chaser_monthly_limit" and value > 0:
                    continue
                if self._refuses(record, name, value) is not True:
                    taken.append((model, name, value))
        self.assertFalse(taken)

    def test_usual_values_are_taken(self):
        self.provider.jitter_max = 10
        for model, name, field in self._get_numbers():
            record = self._get_record(model)
            value = 2 if field.type == "integer" else 2.0
            with self.subTest(model=model, name=name):
                self.assertFalse(self._refuses(record, name, value))
