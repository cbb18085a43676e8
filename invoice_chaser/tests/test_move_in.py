from datetime import datetime

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .move_in_common import MoveInCase

MAILCHIMP = tuple(
    f"mailchimp/{part}_email_audience_export_4f2a.csv"
    for part in ("subscribed", "unsubscribed", "cleaned")
)


@tagged("post_install", "-at_install")
class TestMoveIn(MoveInCase):
    def _stopped(self, email):
        return self.env["chaser.suppression"].search(
            [("company_id", "=", self.company.id), ("email", "=", email)]
        )

    # -- what comes in

    def test_a_check_changes_nothing_and_says_what_would(self):
        partners = self.env["res.partner"].search_count([])
        imp = self._check(*MAILCHIMP)
        self.assertEqual(imp.state, "checked")
        self.assertEqual(
            self._figures(imp),
            {
                "stopped": {"new": 2},
                "contact": {"new": 5},
                "note": {"new": 1},
            },
        )
        self.assertEqual(self.env["res.partner"].search_count([]), partners)
        self.assertFalse(self._stopped("leave@gulfbolt.example"))
        line = imp.line_ids.filtered(lambda line: line.name == "Huda Saleh")[:1]
        self.assertIn("Shop Size: \u2068Large\u2069", line.difference_text)

    def test_mailchimp(self):
        imp = self._take_in(*MAILCHIMP)
        huda = self._partner("huda@oasis-foods.example")
        self.assertEqual(huda.email, "Huda@Oasis-Foods.example", "stored as written")
        self.assertEqual(huda.company_name, "Oasis Foods LLC")
        self.assertEqual(huda.phone.replace(" ", ""), "+971505550111")
        self.assertEqual(set(huda.category_id.mapped("name")), {"VIP", "Retail, large"})
        self.assertTrue(huda.chaser_marketing_consent)
        self.assertEqual(huda.chaser_consent_at, datetime(2023, 3, 14, 8, 21, 10))
        self.assertEqual(huda.chaser_consent_proof, "OPTIN_IP 203.0.113.7")
        properties = {
            one["string"]: one.get("value")
            for one in huda.read(["properties"])[0]["properties"]
        }
        self.assertEqual(properties["Shop Size"], "Large")
        self.assertFalse(
            self._partner("omar@desertline.example").chaser_marketing_consent,
            "consent is never guessed",
        )
        lina = self._partner("leave@gulfbolt.example")
        self.assertFalse(lina.chaser_marketing_consent)
        stop = self._stopped("leave@gulfbolt.example")
        self.assertEqual(stop.reason, "unsubscribed")
        self.assertEqual(stop.suppressed_at, datetime(2023, 9, 9, 9, 15, 30))
        self.assertIn("unsubscribed_email_audience", stop.source)
        self.assertEqual(self._stopped("gone@oldmill.example").reason, "hard_bounce")
        self._assert_second_run_changes_nothing(imp)

    def test_listmonk(self):
        imp = self._take_in("listmonk/subscribers.csv", "listmonk/api_subscribers.json")
        grove = self._partner("accounts@palmgrove.example")
        segment = self.env["chaser.segment"].search(
            [("name", "=", "Monthly statements")]
        )
        self.assertEqual(segment.partner_ids, grove)
        self.assertTrue(self._stopped("stop@silverkey.example"))
        hold = self.env["chaser.hold"].search(
            [("partner_id", "=", self._partner("wait@bluedhow.example").id)]
        )
        self.assertIn("Disabled in the other tool", hold.detail)
        hold.action_release()
        imp.action_import()
        self.assertEqual(
            len(
                self.env["chaser.hold"].search(
                    [("partner_id", "=", hold.partner_id.id)]
                )
            ),
            1,
            "a hold that a person released does not come back",
        )
        self._assert_second_run_changes_nothing(imp)

    def test_brevo_mautic_chaser_odoo(self):
        imp = self._take_in(
            "brevo/export_contacts.csv",
            "mautic/contacts.csv",
            "mautic/report_dnc.csv",
            "chaser/customers.csv",
            "chaser/invoices.csv",
            "odoo/res.partner.csv",
        )
        rene = self.env["res.partner"].search([("name", "=", "René Müller")])
        self.assertEqual(len(rene), 1)
        segment = self.env["chaser.segment"].search([("name", "=", "Brevo 7")])
        self.assertEqual(len(segment.partner_ids), 2)
        self.assertEqual(self._partner("mona@falcon.example").lang, "ar_001")
        self.assertTrue(self._stopped("mona@falcon.example"))
        self.assertFalse(self._stopped("sms@falcon.example"), "stopped for SMS alone")
        northwind = self._partner("sami@northwind-interiors.example")
        self.assertTrue(northwind.is_company)
        self.assertEqual(northwind.name, "Northwind Interiors LLC")
        marble = self._partner("accounts@crescent-marble.example")
        self.assertEqual(marble.vat, "100999888700003")
        self._assert_second_run_changes_nothing(imp)

    def test_older_contacts(self):
        self._take_in("older/contacts.csv", "older/lists.csv", "older/list_members.csv")
        noor = self.customer.with_company(self.company)
        self.assertEqual(noor.email, "finance@alnoor.example")
        self.assertEqual(noor.name, "Al Noor Trading", "what is here stays")
        self.assertEqual(noor.preferred_contact_interval, 14)
        self.assertEqual(noor.consolidation_preference, "enabled")
        self.assertEqual(noor.max_consolidation_amount, 50000)
        self.assertEqual(noor.chaser_source, "trade fair")
        self.assertEqual(noor.chaser_consent_proof, "signed form 118")
        key = self.env["chaser.segment"].search([("name", "=", "Key accounts")])
        self.assertEqual(key.description, "Written to by hand")
        self.assertEqual(key.partner_ids, self.customer)
        monthly = self.env["chaser.segment"].search([("name", "=", "Monthly")])
        self.assertEqual(
            monthly.partner_ids,
            self.customer | self._partner("billing@harbour.example"),
        )

    # -- safety

    def test_nothing_is_made_less_stopped(self):
        Suppression = self.env["chaser.suppression"]
        Suppression._suppress(self.company, "a@b.example", "complaint", "a person")
        self._take_in(("contacts.csv", "email,name,status\na@b.example,A,subscribed\n"))
        self.assertEqual(self._stopped("a@b.example").reason, "complaint")
        self.assertTrue(self._stopped("a@b.example").is_active)
        self._take_in(("c.csv", "email,name,consent\na@b.example,A,yes\n"))
        self.assertFalse(
            self._partner("a@b.example").chaser_marketing_consent,
            "no consent for an address that is stopped",
        )

    def test_what_a_person_released_later_stays_released(self):
        csv = (
            "suppressions.csv",
            "email,reason,stopped_at\na@b.example,unsubscribed,{}\n",
        )
        old = (csv[0], csv[1].format("2024-01-01"))
        imp = self._take_in(old)
        self._stopped("a@b.example").action_release()
        imp.action_import()
        self.assertEqual(len(self._stopped("a@b.example")), 1)
        self.assertFalse(self._stopped("a@b.example").is_active)
        self.assertIn("let mail go there again", imp.line_ids.reason)

    def test_both_spellings_of_a_domain_are_stopped(self):
        self._take_in(
            ("suppressions.csv", "email,reason\ninfo@münchen.example,manual\n")
        )
        self.assertTrue(self._stopped("info@xn--mnchen-3ya.example"))
        door = self.env["chaser.channel.email"]
        for spelling in ("info@münchen.example", "info@xn--mnchen-3ya.example"):
            self.customer.email = spelling
            reach = door._read_reach(
                self.customer.with_company(self.company), self.company
            )
            self.assertEqual(reach[self.customer.id].stop.reason, "suppressed")

    def test_consent_is_written_only_where_it_is_said(self):
        self._take_in(
            (
                "contacts.csv",
                "email,name,marketing_consent,consent_date\n"
                "a@b.example,A,yes,2024-02-01\nb@b.example,B,no,\nc@b.example,C,,\n",
            )
        )
        self.assertTrue(self._partner("a@b.example").chaser_marketing_consent)
        self.assertFalse(self._partner("b@b.example").chaser_marketing_consent)
        self.assertFalse(self._partner("c@b.example").chaser_marketing_consent)

    def test_existing_values_stay_unless_told_otherwise(self):
        partner = self._make_customer("Kept LLC", "kept@b.example", phone="111")
        csv = ("contacts.csv", "email,name,phone,city\nkept@b.example,New,222,Dubai\n")
        self._take_in(csv)
        self.assertEqual((partner.name, partner.phone), ("Kept LLC", "111"))
        self.assertEqual(partner.city, "Dubai", "what was empty is filled in")
        imp = self._take_in(csv, on_existing="replace")
        self.assertEqual((partner.name, partner.phone), ("New", "222"))
        self._assert_second_run_changes_nothing(imp)

    # -- matching

    def test_matching_goes_by_id_vat_email_name(self):
        by_vat = self._make_customer("By Vat", "x1@v.example", vat="100123456700003")
        by_name = self._make_customer("By  Name LLC", False)
        imp = self._take_in(
            (
                "contacts.csv",
                "id,email,name,trn,city\n"
                "1,,Other Words,100-1234-5670-0003,C1\n"
                "2,,by name llc,,C2\n"
                "3,FINANCE@alnoor.example,Whoever,,C3\n"
                "4,new@v.example,New One,,C4\n",
            )
        )
        self.assertEqual(by_vat.city, "C1")
        self.assertEqual(by_name.city, "C2")
        self.assertEqual(self.customer.city, "C3")
        new = self._partner("new@v.example")
        new.write({"email": "changed@v.example", "name": "Renamed"})
        imp = self._take_in(
            ("contacts.csv", "id,email,name,city,zip\n4,new@v.example,New One,C4,77\n")
        )
        self.assertEqual(new.zip, "77", "found by its id, whatever it is called now")
        self.assertEqual(self._figures(imp)["contact"], {"changed": 1})

    def test_doubtful_ones_wait_for_a_person(self):
        first = self._make_customer("Twin LLC", "one@t.example")
        second = self._make_customer("Twin LLC", "two@t.example")
        csv = (
            "contacts.csv",
            "id,email,name,city\n1,three@t.example,Twin LLC,A\n2,ok@t.example,Ok,B\n",
        )
        imp = self._take_in(csv)
        self.assertEqual(self._figures(imp)["contact"], {"doubtful": 1, "new": 1})
        line = imp.line_ids.filtered("candidate_ids")
        self.assertEqual(line.candidate_ids, first | second)
        with self.assertRaises(UserError):
            line.choice_partner_id = self.customer
        line.invalidate_recordset()
        line.choice_partner_id = second
        imp.action_import()
        self.assertEqual((first.city, second.city), (False, "A"))
        self._assert_second_run_changes_nothing(imp)
        imp = self._take_in(("contacts.csv", csv[1].replace("1,three", "9,four")))
        imp.line_ids.filtered("candidate_ids").action_create_new()
        imp.action_import()
        self.assertTrue(self._partner("four@t.example"))

    def test_vat_and_email_that_contradict_each_other_are_doubtful(self):
        vat = self._make_customer("V", "v@t.example", vat="100123456700003")
        mail = self._make_customer("M", "m@t.example")
        imp = self._check(
            ("contacts.csv", "email,name,vat\nm@t.example,X,100123456700003\n")
        )
        self.assertEqual(imp.line_ids.candidate_ids, vat | mail)

    def test_the_same_customer_twice_in_a_file_comes_in_once(self):
        imp = self._take_in(
            ("contacts.csv", "id,email,name\n1,a@b.example,A\n2,A@B.example,A2\n")
        )
        self.assertEqual(self._figures(imp)["contact"], {"new": 1, "refused": 1})
        self.assertIn("row 2", imp.line_ids.filtered(lambda x: x.row == 3).reason)
        self._partner("a@b.example")

    # -- refused records

    def test_bad_records_are_refused_with_row_and_column(self):
        imp = self._take_in(
            (
                "contacts.csv",
                "email,name,consent_date,consent\n"
                "a@b.example,A,13/13/2024,yes\nnobody,B,,\n"
                '"x@b.example, y@b.example",C,,\n'
                "d@b.example,D,,perhaps\n=cmd(),E,,\nf@b.example,F,31/12/2024,yes\n",
            )
        )
        self.assertEqual(self._figures(imp)["contact"], {"new": 1, "refused": 5})
        reasons = {line.row: line.reason for line in imp.line_ids}
        self.assertIn(
            "“13/13/2024” is no date (Consent Given On)",
            reasons[2].replace("consent_date", "Consent Given On"),
        )
        self.assertIn("“nobody” is no e-mail address", reasons[3])
        self.assertIn("more than one address", reasons[4])
        self.assertIn("neither yes nor no", reasons[5])

    def test_a_broken_file_stops_nothing_else_and_leaves_nothing(self):
        imp = self._take_in(
            ("bad.csv", 'email,name\na@b.example,A\nb@b.example,"B\n'),
            ("good.csv", "email,name\nc@b.example,C\n"),
        )
        self.assertIn(
            "Row 3: A quotation mark is opened",
            imp.file_ids.filtered(lambda file: file.name == "bad.csv").problem,
        )
        self._partner("c@b.example")
        self.assertFalse(
            self.env["res.partner"].search([("email", "=", "a@b.example")]),
            "of a broken file nothing comes in",
        )

    def test_formulas_stay_text(self):
        self._take_in(("contacts.csv", "email,name\na@b.example,=1+1\n"))
        self.assertEqual(self._partner("a@b.example").name, "=1+1")

    # -- questions

    def test_ambiguous_dates_and_numbers_are_asked_and_the_answer_is_kept(self):
        csv = (
            "contacts.csv",
            "email,name,consent,consent_date,max_consolidation_amount\n"
            'a@b.example,A,yes,01/02/2024,"1,234"\n',
        )
        imp = self._import(csv)
        imp.action_check()
        self.assertEqual(imp.state, "draft")
        self.assertIn("day first", imp.file_ids.question)
        with self.assertRaises(UserError):
            imp.action_import()
        imp.file_ids.date_order = "dmy"
        self.assertIn("point or a comma", imp.file_ids.question)
        imp.file_ids.decimal_sign = "."
        imp.action_check()
        imp.action_import()
        partner = self._partner("a@b.example")
        self.assertEqual(partner.chaser_consent_at, datetime(2024, 2, 1))
        self.assertEqual(partner.max_consolidation_amount, 1234)
        later = self._check((csv[0], csv[1].replace("a@b", "z@b")))
        self.assertEqual(later.file_ids.date_order, "dmy", "asked once")

    def test_an_unknown_table_is_mapped_and_the_mapping_is_kept(self):
        csv = ("x.csv", "Adresse courriel,Raison,Couleur\na@b.example,A,red\n")
        imp = self._import(csv)
        imp.action_check()
        self.assertIn("What does it hold", imp.file_ids.question)
        imp.file_ids.kind = "contacts"
        self.assertIn("Which column is", imp.file_ids.question)
        columns = imp.file_ids.column_ids
        columns[0].target = "email"
        columns[1].target = "name"
        columns[2].target = "custom"
        imp.action_check()
        imp.action_import()
        self.assertEqual(imp.state, "done")
        self._partner("a@b.example")
        later = self._check(("y.csv", csv[1].replace("a@b", "c@b")))
        self.assertEqual(
            later.file_ids.column_ids.mapped("target"), ["email", "name", "custom"]
        )

    # -- rights and companies

    def test_only_managers_with_the_right_to_make_contacts(self):
        with self.assertRaises(AccessError):
            self._import(("a.csv", "email,name\na@b.example,A\n"), user=self.accountant)
        manager = new_test_user(
            self.env,
            "no_contacts",
            "invoice_chaser.group_chaser_manager",
            company_id=self.company.id,
        )
        imp = self._import(("a.csv", "email,name\na@b.example,A\n"), user=manager)
        with self.assertRaisesRegex(UserError, "Contact Creation"):
            imp.action_check()

    def test_a_file_that_somebody_may_not_read_is_not_read_for_them(self):
        secret = self.env["ir.attachment"].create(
            {
                "name": "contacts.csv",
                "raw": b"email,name\nsecret@b.example,S\n",
                "res_model": "res.users",
                "res_id": self.env.ref("base.user_admin").id,
            }
        )
        imp = self._import(("a.csv", "email,name\na@b.example,A\n"))
        secret.write({"res_model": "ir.config_parameter", "res_id": 1})
        imp.sudo().attachment_ids = [(4, secret.id)]
        # Fresh from the database the list has only what the user may read.
        self.env.invalidate_all()
        imp.action_check()
        self.assertEqual(imp.sudo().file_ids.mapped("name"), ["a.csv"])

    def test_companies_do_not_see_each_other(self):
        other = self.env["res.company"].create({"name": "Other Trading"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "invoice_chaser.group_chaser_manager,base.group_partner_manager",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        theirs = self._make_customer("Theirs", "t@t.example", company_id=other.id)
        csv = ("contacts.csv", "id,email,name,city\n1,t@t.example,Theirs,X\n")
        imp = self._take_in(csv)
        self.assertEqual(self._figures(imp)["contact"], {"new": 1})
        self.assertFalse(theirs.city, "the other company's customer is not touched")
        own = self.env["res.partner"].search(
            [("email", "=", "t@t.example"), ("id", "!=", theirs.id)]
        )
        self.assertEqual(own.city, "X")
        with self.assertRaises(AccessError):
            imp.with_user(stranger).read(["name"])
        with self.assertRaises(AccessError):
            imp.line_ids.with_user(stranger).read(["name"])
        with self.assertRaises(AccessError):
            imp.attachment_ids.with_user(stranger).read(["raw"])
        self.env["ir.model.data"].create(
            {
                "module": "__export__",
                "name": "p_theirs",
                "model": "res.partner",
                "res_id": theirs.id,
            }
        )
        xml = "__export__.p_theirs"
        imp = self._check(
            ("res.partner.csv", f"id,name,email,vat,ref\n{xml},Theirs,q@t.example,,\n")
        )
        self.assertIn("another company", imp.line_ids.reason)
