"""Random lists of contacts, against the records that come of them: every row is told,
what is here stays, a second import changes nothing."""

import csv
import io
import random

from odoo.tests import tagged

from .move_in_common import MoveInCase

_NAMES = (
    *("Al Noor Trading", "محمد بن راشد", "O'Brien & Sons", "=1+1", "A,B", 'The "Best"'),
    *("Café Zoë", "  Two  Blanks ", "Line\nBreak", "شركة الخليج", "x" * 200),
)
_COLUMNS = (
    *("id", "email", "name", "phone", "city", "country", "trn", "tags", "lists"),
    *("status", "marketing_consent", "lang", "source", "Shop Size"),
)


def make_rows(dice, count):
    """Rows as people keep them: some without an address, some twice, some that have
    opted out, some with nonsense."""
    people = [f"p{n}" for n in range(count)]
    rows = []
    for _row in range(count):
        who = dice.choice(people)
        email = f"{who}@{dice.choice(['a', 'b'])}.example"
        email = dice.choice([email, email, email.upper(), "", "nobody", f"<{email}>"])
        rows.append(
            {
                "id": dice.choice(["", who]),
                "email": email,
                "name": dice.choice([*_NAMES, f"Name {who}", ""]),
                "phone": dice.choice(["", "+971 4 555 0101", "٠٤٥٥٥٠١٠١"]),
                "city": dice.choice(["", "Dubai", "دبي"]),
                "country": dice.choice(["", "AE", "Atlantis", "United Arab Emirates"]),
                "trn": dice.choice(["", "", "100-1234-5670-0003"]),
                "tags": dice.choice(["", "VIP", '"Retail, large",VIP']),
                "lists": dice.choice(["", "Monthly", "Monthly,Key"]),
                "status": dice.choice(["", "subscribed", "unsubscribed", "cleaned"]),
                "marketing_consent": dice.choice(["", "yes", "no", "perhaps"]),
                "lang": dice.choice(["", "ar", "en", "xx"]),
                "source": dice.choice(["", "fair"]),
                "Shop Size": dice.choice(["", "Large", "=cmd()"]),
            }
        )
    return rows


def write_csv(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@tagged("post_install", "-at_install")
class TestMoveInRandom(MoveInCase):
    def _read_all(self):
        """What the records hold that an import may touch."""
        partners = self.env["res.partner"].with_company(self.company)
        names = ("name", "email", "phone", "city", "country_id", "vat", "category_id")
        names += ("lang", "chaser_source", "chaser_marketing_consent", "properties")
        stops = self.env["chaser.suppression"].search(
            [("company_id", "=", self.company.id)]
        )
        segments = self.env["chaser.segment"].search(
            [("company_id", "=", self.company.id)]
        )
        return {
            "partners": {
                row["id"]: row for row in partners.search([]).read(list(names))
            },
            "stops": sorted(stops.mapped(lambda s: (s.email, s.reason, s.is_active))),
            "segments": {s.name: sorted(s.partner_ids.ids) for s in segments},
        }

    def test_random_lists(self):
        for seed in range(6):
            with self.subTest(seed=seed):
                self._try(random.Random(seed))

    def _try(self, dice):
        rows = make_rows(dice, 40)
        here = self._make_customer(
            "Kept", f"p{dice.randrange(40)}@a.example", city="Sharjah"
        )
        before = self._read_all()
        imp = self._check(("contacts.csv", write_csv(rows)))
        self.assertEqual(self._read_all(), before, "a check changes nothing")
        promised = self._figures(imp)
        imp.action_import()
        self.assertEqual(imp.state, "done", imp.message)
        figures = self._figures(imp)
        self.assertEqual(sum(figures["contact"].values()), len(rows), "each row counts")
        self.assertEqual(figures["contact"], promised["contact"], "as the check said")
        told = {line.row for line in imp.line_ids if line.step == "contact"}
        refused = [line for line in imp.line_ids if line.action == "refused"]
        self.assertTrue(all(line.row and line.reason for line in refused))
        after = self._read_all()
        for id_, row in before["partners"].items():
            for name, value in row.items():
                if value and name not in ("category_id", "properties"):
                    self.assertEqual(after["partners"][id_][name], value, name)
        self.assertEqual(here.city, "Sharjah")
        new = set(after["partners"]) - set(before["partners"])
        self.assertEqual(len(new), figures["contact"].get("new", 0))
        self.assertTrue(told)
        emails = [after["partners"][id_]["email"] for id_ in new]
        emails = [email.lower() for email in emails if email]
        self.assertEqual(len(set(emails)), len(emails), "nobody twice")
        # Whoever has opted out in any row of theirs is stopped, and has no consent.
        out = {
            row["email"].strip("<>").lower()
            for row in rows
            if row["status"] in ("unsubscribed", "cleaned") and "@" in row["email"]
        }
        stopped = {email for email, _reason, active in after["stops"] if active}
        self.assertLessEqual(out, stopped)
        for id_ in new:
            if (after["partners"][id_]["email"] or "").strip("<>").lower() in stopped:
                self.assertFalse(after["partners"][id_]["chaser_marketing_consent"])
        self.assertTrue(set(map(tuple, before["stops"])) <= set(after["stops"]))
        imp.action_import()
        self.assertFalse({"new", "changed"} & set(self._figures(imp)["contact"]))
        again = imp.copy({"attachment_ids": [(6, 0, imp.attachment_ids.ids)]})
        again.action_check()
        again.action_import()
        self.assertEqual(self._read_all(), after, "twice is once")
