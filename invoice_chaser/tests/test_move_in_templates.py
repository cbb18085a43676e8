import csv
import io
from pathlib import Path

from odoo.tests import tagged
from odoo.tools import file_open

from .move_in_common import MoveInCase

FOLDER = Path(__file__).resolve().parents[1] / "static/import_templates"
MODELS = [path.stem.replace("_", ".") for path in sorted(FOLDER.glob("*.csv"))]


@tagged("post_install", "-at_install")
class TestImportTemplates(MoveInCase):
    """Odoo's own import: each example comes in as it stands."""

    def test_every_model_that_a_manager_fills_in_has_one(self):
        """But for those that the program makes, and mailboxes, whose secrets stay out
        of files."""
        made = {
            *("chaser.campaign", "chaser.level", "chaser.provider", "chaser.import"),
            *("chaser.import.file", "chaser.import.column", "chaser.webhook.event"),
        }
        filled = {
            name
            for name, model in self.registry.items()
            if name.startswith("chaser.")
            and not model._abstract
            and not model._transient
            and model._auto
            and self.env[name].with_user(self.mover).has_access("create")
        }
        self.assertEqual(filled - made, set(MODELS))

    def test_each_example_comes_in(self):
        self._make_customer("Al Noor Trading LLC", "alnoor-llc@customer.example")
        for model in MODELS:
            with self.subTest(model=model):
                Model = self.env[model].with_user(self.mover)
                Model = Model.with_context(allowed_company_ids=self.company.ids)
                [template] = Model.get_import_templates()
                self.assertIn(Model._description, template["label"])
                with file_open(template["template"].lstrip("/")) as stream:
                    header, *rows = csv.reader(io.StringIO(stream.read()))
                result = Model.load(header, rows)
                self.assertFalse(
                    [m for m in result["messages"] if m.get("type") == "error"],
                    result["messages"],
                )
                self.assertTrue(result["ids"])
                for record in Model.browse(result["ids"]):
                    self.assertIn(
                        record.company_id, self.company | self.env["res.company"]
                    )
