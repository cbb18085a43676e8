"""Golden files per tool (invented content), habits of dates and numbers, merge tags."""

import io
import random
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from core.letter.merge_tags import MERGE_TAGS
from core.move_in.convert import STEPS_OF_KIND, Reader, scan
from core.move_in.csv_text import find_encoding, guess_separator
from core.move_in.foreign_tags import translate_tags
from core.move_in.habits import (
    ASK,
    Habit,
    email_keys,
    guess_decimal,
    guess_order,
    read_day,
    read_email,
    read_moment,
    read_number,
    read_truth,
)
from core.move_in.problems import FileProblem, ValueProblem
from core.move_in.recognise import recognise
from core.move_in.tables import open_tables
from core.move_in.words import split_tags
from openpyxl import Workbook

DATA = Path(__file__).parent / "data/move_in"
GOLDEN = {
    "mailchimp/subscribed_email_audience_export_4f2a.csv": ("mailchimp", "contacts"),
    "mailchimp/unsubscribed_email_audience_export_4f2a.csv": ("mailchimp", "contacts"),
    "mailchimp/cleaned_email_audience_export_4f2a.csv": ("mailchimp", "contacts"),
    "mailchimp/campaigns.csv": ("mailchimp", "campaigns"),
    "mailchimp/granular_activity/opens/778899_may-statement.csv": (
        "mailchimp",
        "events",
    ),
    "listmonk/subscribers.csv": ("listmonk", "contacts"),
    "listmonk/api_subscribers.json": ("listmonk", "contacts"),
    "brevo/export_contacts.csv": ("brevo", "contacts"),
    "brevo/logs.csv": ("brevo", "events"),
    "mautic/contacts.csv": ("mautic", "contacts"),
    "mautic/report_dnc.csv": ("mautic", "stopped"),
    "chaser/customers.csv": ("chaser", "contacts"),
    "chaser/invoices.csv": ("chaser", "invoices"),
    "odoo/res.partner.csv": ("odoo", "contacts"),
    "older/contacts.csv": ("", "contacts"),
    "older/lists.csv": ("", "lists"),
    "older/list_members.csv": ("", "members"),
    "older/suppressions.csv": ("", "stopped"),
    "older/templates.json": ("", "templates"),
    "older/campaigns.csv": ("", "campaigns"),
    "older/sends.csv": ("", "sends"),
    "older/events.csv": ("", "events"),
    "older/promises.csv": ("", "promises"),
    "older/notes.csv": ("", "notes"),
}


def read(name, step, raw=None, habit=None):
    """The records of a step of a golden file (or of ``raw`` under that name)."""
    raw = (DATA / name).read_bytes() if raw is None else raw
    [table] = open_tables(name, raw)
    found = recognise(table.name, table.header)
    reader = Reader(table, found, scan(table, found), habit or Habit("dmy", "."))
    return [record for record in reader.records(step) if record]


@pytest.mark.parametrize("name", GOLDEN)
def test_each_file_is_recognised_and_read_without_a_problem(name):
    [table] = open_tables(name, (DATA / name).read_bytes())
    found = recognise(table.name, table.header)
    assert (found.tool, found.kind) == GOLDEN[name]
    assert set(found.columns) == set(table.header) or found.kind == "invoices"
    for step in STEPS_OF_KIND[found.kind]:
        for record in read(name, step):
            assert not record.problems, record


def test_mailchimp():
    folder = "mailchimp/{}_email_audience_export_4f2a.csv"
    huda, omar, sahara = read(folder.format("subscribed"), "contact")
    assert huda.key == "e1a2b3c401"
    assert huda.values["email"] == "Huda@Oasis-Foods.example"
    assert huda.values["emails"] == ["huda@oasis-foods.example"]
    assert huda.values["name"] == "Huda Saleh"
    assert huda.values["company"] == "Oasis Foods LLC"
    assert huda.values["street"] == "Shop 4, Al Wahda Street, Sharjah"
    assert huda.values["tags"] == ["VIP", "Retail, large"]
    assert huda.values["custom"] == {"Shop Size": "Large"}
    assert huda.values["consent"] is True
    assert huda.values["consent_at"] == datetime(2023, 3, 14, 8, 21, 10)
    assert huda.values["consent_proof"] == "OPTIN_IP 203.0.113.7"
    assert "consent" not in omar.values, "put on the list by somebody: not asked"
    assert sahara.values["name"] == "محمد الهاشمي"
    assert [note.values["note"] for note in read(folder.format("subscribed"), "note")]
    assert not read(folder.format("subscribed"), "stopped")
    [left] = read(folder.format("unsubscribed"), "stopped")
    assert left.values == {
        "email": "leave@gulfbolt.example",
        "emails": ["leave@gulfbolt.example"],
        "reason": "unsubscribed",
        "stopped_at": datetime(2023, 9, 9, 9, 15, 30),
        "note": "NORMAL",
    }
    [contact] = read(folder.format("unsubscribed"), "contact")
    assert "consent" not in contact.values, "it was taken back"
    [gone] = read(folder.format("cleaned"), "stopped")
    assert (gone.values["reason"], gone.values["stopped_at"]) == (
        "hard_bounce",
        datetime(2022, 2, 3, 4, 5, 6),
    )
    [campaign] = read("mailchimp/campaigns.csv", "campaign")
    assert campaign.key == "778899"
    assert campaign.values["started_at"] == datetime(2024, 5, 12, 9, 0)
    opens = read("mailchimp/granular_activity/opens/778899_may-statement.csv", "event")
    assert [event.values["event_type"] for event in opens] == ["opened"] * 3
    assert {event.values["campaign"] for event in opens} == {"778899"}
    assert len({event.key for event in opens}) == 3


def test_listmonk():
    grove, _silver, dhow = read("listmonk/subscribers.csv", "contact")
    assert grove.key == "5e91dda1-1c16-467d-9bf9-2a1e22b7d9ca"
    assert grove.values["custom"] == {
        "city": "Abu Dhabi",
        "terms days": "30",
        "routes": '["A", "B"]',
    }
    [stop] = read("listmonk/subscribers.csv", "stopped")
    assert (stop.key, stop.values["reason"]) == (
        "stop@silverkey.example",
        "unsubscribed",
    )
    [hold] = read("listmonk/subscribers.csv", "hold")
    assert hold.key == dhow.key
    [member] = read("listmonk/api_subscribers.json", "member")
    assert member.values["lists"] == ["Monthly statements"]


def test_brevo():
    rene, ada = read("brevo/export_contacts.csv", "contact")
    assert rene.values["name"] == "René Müller"
    assert rene.values["email"] == "rené@müller-cafe.example"
    assert rene.values["emails"][1] == "rené@xn--mller-cafe-9db.example"
    assert rene.values["custom"] == {"SEGMENT_SIZE": "groß"}
    assert rene.values["mobile"] == "971505550222"
    assert [stop.key for stop in read("brevo/export_contacts.csv", "stopped")] == [
        ada.values["email"]
    ]
    [first, second] = read("brevo/export_contacts.csv", "member")
    assert first.values["lists"] == ["Brevo 2", "Brevo 7"]
    events = read("brevo/logs.csv", "event")
    assert [event.values["event_type"] for event in events] == [
        *("sent", "delivered", "opened", "clicked", "sent", "bounced"),
    ]
    assert events[0].values["occurred_at"] == datetime(2024, 3, 4, 9), "4 March"


def test_mautic():
    [mona] = read("mautic/contacts.csv", "contact")
    assert mona.values["language"] == "ar"
    assert mona.values["custom"] == {
        "title": "Ms",
        "position": "Accountant",
        "branch_code": "F-7",
    }
    stops = read("mautic/report_dnc.csv", "stopped")
    assert [(stop.key, stop.values["reason"]) for stop in stops] == [
        ("mona@falcon.example", "hard_bounce"),
        ("khalid@falcon.example", "unsubscribed"),
    ], "one stopped for SMS alone may still get mail"


def test_chaser_and_odoo():
    [sami] = read("chaser/customers.csv", "contact")
    assert (sami.key, sami.values["name"]) == ("C-900", "Northwind Interiors LLC")
    assert sami.values["is_company"] and sami.values["contact_person"] == "Sami Odeh"
    [marble] = read("odoo/res.partner.csv", "contact")
    assert marble.key == "__export__.res_partner_501_aa"
    assert marble.values["vat"] == "100999888700003"
    assert marble.values["tags"] == ["Wholesale", "Marble"]


def test_older_tables():
    noor, harbour, pearl = read("older/contacts.csv", "contact")
    assert noor.values["contact_interval"] == 14
    assert noor.values["consolidation_max"] == Decimal("50000.00")
    assert noor.values["custom"] == {"region": "Dubai", "credit_days": "45"}
    assert noor.values["consent"] and noor.values["consent_proof"] == "signed form 118"
    assert "consent" not in harbour.values
    assert [stop.key for stop in read("older/contacts.csv", "stopped")] == [
        "stop@pearl.example"
    ]
    stops = read("older/suppressions.csv", "stopped")
    assert [(stop.key, stop.values["reason"]) for stop in stops] == [
        ("stop@pearl.example", "unsubscribed"),
        ("broken@harbour.example", "hard_bounce"),
        ("angry@harbour.example", "complaint"),
        ("odd@harbour.example", "import"),
    ]
    assert stops[0].values["stopped_at"] == datetime(2024, 3, 1, 6), "UTC"
    assert stops[3].values["note"] == "asked by phone"
    sends = read("older/sends.csv", "send")
    assert [send.key for send in sends] == ["901", "902", "903", "904"], "905 waited"
    assert sends[0].values["invoices"] == ["INV/OLD/1", "INV/OLD/2"]
    assert (sends[0].values["state"], sends[0].values["told_event"]) == (
        "sent",
        "opened",
    )
    kept, unknown = read("older/promises.csv", "promise")
    assert (kept.values["state"], kept.values["amount"]) == ("kept", Decimal("1500.50"))
    assert kept.values["date_promised"] == date(2024, 3, 20)
    assert unknown.values["state"] == ""


# --- how files are written ------------------------------------------------------------

ROWS = [
    ("email", "الاسم", "المدينة"),
    ("a@b.example", "محمد العلي", "دبي"),
    ("c@d.example", "شركة النور, المحدودة", "الشارقة"),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1256"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("start", ["", "sep={}\r\n", '"sep={}"\r\n'])
@pytest.mark.parametrize("eol", ["\n", "\r\n"])
def test_encodings_and_separators(encoding, separator, start, eol):
    lines = [separator.join(f'"{cell}"' for cell in row) for row in ROWS]
    text = start.format(separator) + eol.join(lines) + eol
    [table] = open_tables("a.csv", text.encode(encoding))
    assert tuple(table.header) == ROWS[0]
    rows = list(table.rows())
    assert [tuple(cells) for _number, cells in rows] == ROWS[1:]
    first = 3 if start else 2
    assert [number for number, _cells in rows] == [first, first + 1]
    assert list(table.rows()) == rows, "it can be read again"


def test_latin_letters_are_windows_1252():
    assert find_encoding("nom,ville\nRenée,Besançon\n".encode("cp1252")) == "cp1252"
    assert find_encoding("Größe,Straße\n".encode("cp1252")) == "cp1252"
    assert find_encoding("الاسم,b\n".encode("cp1256")) == "cp1256"


def test_a_decimal_comma_does_not_pass_for_a_separator():
    assert guess_separator("name;amount\nA;1,50\nB;2,75\nC;3,10\n") == ";"


def test_xlsx_keeps_types_and_formulas_as_text():
    book, raw = Workbook(), io.BytesIO()
    book.active.append(["email", "name", "consent_date", "phone"])
    book.active.append(
        ["a@b.example", '=HYPERLINK("http://x")', datetime(2024, 2, 1), 7]
    )
    book.save(raw)
    [record] = read("contacts.xlsx", "contact", raw.getvalue())
    assert record.values["name"] == '=HYPERLINK("http://x")'
    assert record.values["phone"] == "7"
    [table] = open_tables("contacts.xlsx", raw.getvalue())
    [(_number, cells)] = table.rows()
    assert cells[2] == datetime(2024, 2, 1)


@pytest.mark.parametrize(
    ("values", "order"),
    [
        (["13/01/2024", "01/02/2024"], "dmy"),
        (["01/02/2024", "01/13/2024"], "mdy"),
        (["01/02/2024"], ASK),
        (["02/02/2024"], None),
        (["2024-01-02", "", None], None),
        (["13/13/2024"], None),
        (["31.12.2024"], "dmy"),
        (["٣١/١٢/٢٠٢٤"], "dmy"),
    ],
)
def test_the_order_of_dates_is_proved_or_asked(values, order):
    assert guess_order(values) == order


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-02-01", datetime(2024, 2, 1)),
        ("2024-02-01T10:00:00+04:00", datetime(2024, 2, 1, 6)),
        ("2024-02-01 10:00:00 UTC", datetime(2024, 2, 1, 10)),
        ("2024-02-01T10:00:00.123Z", datetime(2024, 2, 1, 10)),
        ("01/02/2024", datetime(2024, 2, 1)),
        ("01-02-2024 23:15", datetime(2024, 2, 1, 23, 15)),
        ("1.2.24 9:05 pm", datetime(2024, 2, 1, 21, 5)),
        ("Feb 1, 2024 12:00 am", datetime(2024, 2, 1)),
        ("Thursday, 1 February 2024 at 10:00", datetime(2024, 2, 1, 10)),
        ("1706788800", datetime(2024, 2, 1, 12)),
        ("1706788800000", datetime(2024, 2, 1, 12)),
        ("٠١/٠٢/٢٠٢٤", datetime(2024, 2, 1)),
        ("\u200f01/02/2024", datetime(2024, 2, 1)),
        ("", None),
        ("N/A", None),
    ],
)
def test_moments(text, moment):
    assert read_moment(text, Habit("dmy")) == moment


def test_a_time_without_a_zone_is_of_the_zone_of_the_file():
    dubai = Habit("dmy", tz="Asia/Dubai")
    assert read_moment("2024-02-01 10:00", dubai) == datetime(2024, 2, 1, 6)
    assert read_moment(datetime(2024, 2, 1, 10), dubai) == datetime(2024, 2, 1, 6)
    assert read_day("2024-02-01", dubai) == date(2024, 2, 1), "a day is a day"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("13/13/2024", "date"),
        ("31/02/2024", "date"),
        ("soon", "date"),
        ("45291", "date"),
        ("2024-02-30", "date"),
        ("01/02/1444", "date_year"),
        ("1445-09-01", "date_year"),
        ("2024-01-01 25:00", "date"),
        ("2024-01-01 10:00+99:00", "date"),
    ],
)
def test_dates_that_are_none(text, code):
    with pytest.raises(ValueProblem) as raised:
        read_moment(text, Habit("dmy"))
    assert raised.value.code == code


def test_an_order_that_nobody_told_is_not_guessed():
    with pytest.raises(ValueProblem) as raised:
        read_moment("01/02/2024", Habit())
    assert raised.value.code == "date_order"


@pytest.mark.parametrize(
    ("text", "habit", "number"),
    [
        ("1,234.50", None, "1234.50"),
        ("1.234,50", None, "1234.50"),
        ("1 234,50", None, "1234.50"),
        ("١٬٢٣٤٫٥", None, "1234.5"),
        ("AED 1,234.50", None, "1234.50"),
        ("-12.5", None, "-12.5"),
        ("1,234", ".", "1234"),
        ("1,234", ",", "1.234"),
        ("1.234.567", None, "1234567"),
        ("12", None, "12"),
    ],
)
def test_numbers(text, habit, number):
    assert read_number(text, Habit(decimal=habit)) == Decimal(number)


def test_a_number_that_may_be_two_is_asked_for():
    assert guess_decimal(["1,234", "12"]) == ASK
    assert guess_decimal(["1,234", "12.5"]) == "."
    with pytest.raises(ValueProblem):
        read_number("1,234", Habit())
    with pytest.raises(ValueProblem):
        read_number("a lot", Habit())


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("A@B.example", "A@B.example"),
        ("Ahmed <a@b.example>", "a@b.example"),
        ("mailto:a@b.example", "a@b.example"),
        ("info@münchen.example", "info@münchen.example"),
        ("", ""),
    ],
)
def test_addresses(text, email):
    assert read_email(text) == email


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a@b.example, c@d.example", "email_many"),
        ("a b@c.example", "email"),
        ("a@b", "email"),
        ("a@.example", "email"),
        ("a@b..example", "email"),
        ("=cmd|'/c calc'!A1", "email"),
        ("nobody", "email"),
        ("a,b@c.example", "email"),
    ],
)
def test_addresses_that_are_none(text, code):
    with pytest.raises(ValueProblem) as raised:
        read_email(text)
    assert raised.value.code == code


def test_an_address_is_found_in_both_forms_of_its_domain():
    unicode_, ascii_ = (
        email_keys("Info@München.example"),
        email_keys("info@xn--mnchen-3ya.example"),
    )
    assert set(unicode_) == set(ascii_)


def test_truth_and_tags():
    assert read_truth("نعم") and not read_truth("لا") and not read_truth("")
    with pytest.raises(ValueProblem):
        read_truth("perhaps")
    assert split_tags('"VIP","Retail, large"') == ["VIP", "Retail, large"]
    assert split_tags("a; b;a") == ["a", "b"]
    assert split_tags([{"id": 2, "name": "Monthly"}, 7]) == ["Monthly", "7"]
    assert split_tags('["x", "y"]') == ["x", "y"]


def test_one_record_with_a_bad_value_does_not_spoil_the_others():
    raw = b"email,name,consent_date\na@b.example,A,13/13/2024\nb@b.example,B,1/2/2024\n"
    bad, good = read("contacts.csv", "contact", raw)
    assert bad.problems == [
        ("date", {"column": "consent_date", "detail": "13/13/2024"})
    ]
    assert (bad.row, good.row, good.problems) == (2, 3, [])


@pytest.mark.parametrize(
    ("text", "ours", "lost"),
    [
        ("Hi *|FNAME|*", "Hi {{ contact_name }}", []),
        ("*|MMERGE9|*", "*|MMERGE9|*", ["*|MMERGE9|*"]),
        ("{{ .Subscriber.FirstName }}", "{{ contact_name }}", []),
        ("{{ .Subscriber.Name }}", "{{ customer_name }}", []),
        (
            "{{ .Subscriber.Attribs.city }}",
            "{{ .Subscriber.Attribs.city }}",
            ["{{ .Subscriber.Attribs.city }}"],
        ),
        ("{{ contact.FIRSTNAME }}", "{{ contact_name }}", []),
        ("{{ params.amountDue }}", "{{ total_due }}", []),
        ("{contactfield=firstname|Friend}", "{{ contact_name }}", []),
        ("<a href='{unsubscribe_url}'>x</a>", "<a href=''>x</a>", []),
        (
            "{{customer.name}} owes {{ total_due }}",
            "{{ customer_name }} owes {{ total_due }}",
            [],
        ),
        (
            "[Customer Name], pay %amount_due%",
            "{{ customer_name }}, pay {{ total_due }}",
            [],
        ),
        ("a { color: red } 5 % of [sic] {x}", "a { color: red } 5 % of [sic] {x}", []),
        ("{{ loyalty }}", "{{ loyalty }}", ["{{ loyalty }}"]),
    ],
)
def test_merge_tags(text, ours, lost):
    assert translate_tags(text, MERGE_TAGS) == (ours, lost)


@pytest.mark.parametrize("seed", range(30))
def test_random_contact_lists_come_back_as_they_were(seed):
    """Whatever names and notes hold, in each form of file: the same rows, nothing
    executed, nothing lost."""
    random_ = random.Random(seed)
    alphabet = "ab ,;|'\"\n=+@-éüدبيمحمد٣"
    rows = [
        [f"u{number}@x{seed}.example"]
        + [
            "".join(random_.choices(alphabet, k=random_.randint(0, 12))).strip()
            for _column in range(3)
        ]
        for number in range(random_.randint(1, 30))
    ]
    header = ["email", "name", "city", "note"]
    separator = random_.choice([",", ";", "\t", "|"])
    lines = [
        separator.join('"' + cell.replace('"', '""') + '"' for cell in row)
        for row in [header, *rows]
    ]
    encoding = random_.choice(["utf-8", "utf-8-sig", "utf-16"])
    [table] = open_tables("contacts.csv", "\r\n".join(lines).encode(encoding))
    assert [cells for _number, cells in table.rows()] == rows
    found = recognise(table.name, table.header)
    reader = Reader(table, found, scan(table, found), Habit())
    records = list(reader.records("contact"))
    assert [record.values["email"] for record in records] == [row[0] for row in rows]
    assert len({record.key for record in records}) == len(rows)


def test_a_torn_file_is_refused_before_its_good_rows_are_taken():
    raw = b"email,name\n" + b"a@b.example,A\n" * 500 + b'z@b.example,"Z\n'
    [table] = open_tables("contacts.csv", raw)
    with pytest.raises(FileProblem) as raised:
        scan(table, recognise(table.name, table.header))
    assert raised.value.params["row"] == 502
