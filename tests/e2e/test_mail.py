"""Out through a real Postfix, back into a mailbox that a real Dovecot serves, and read
from there."""

import email
import smtplib

import pytest
from support.mail_servers import Dovecot, Postfix

pytestmark = pytest.mark.skipif(bool(Postfix.usable()), reason=Postfix.usable())

MAILBOX = """
customers = env["res.partner"].search([("name", "like", "Customer ")], order="id")
customers[0].email, customers[1].email = "nobody-here@local.example", "customer@local.example"
provider = env["chaser.provider"].create({{
    "kind": "smtp", "email": "accounts@local.example", "smtp_host": "127.0.0.1", "smtp_port": {smtp}, "smtp_encryption": "none", "batch_pause": 0,
    "read_method": "imap", "imap_host": "127.0.0.1", "imap_port": {imap}, "imap_encryption": "none", "imap_login": "own", "imap_user": "accounts",
    "imap_password": {password!r}}})
provider.action_test_connection()
assert provider.state == "connected", provider.last_error
provider.action_test_reading()
assert provider.is_reading, provider.read_error
env.cr.commit()
"""  # noqa: E501


@pytest.fixture
def servers():
    with (
        Dovecot() as dovecot,
        Postfix(dovecot, ["accounts", "customer", "other"]) as postfix,
    ):
        yield dovecot, postfix


def build(world, servers, more=""):
    """Two customers and a mailbox that sends and is read through the real servers;
    returns the one that is read."""
    dovecot, postfix = servers
    world.build(customers=2, mailboxes=0)
    world.shell(
        MAILBOX.format(smtp=postfix.port, imap=dovecot.port, password=dovecot.password)
        + more
    )
    return dovecot


def read(world):
    """Lets the scheduled job run now."""
    world.query(
        "UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC' - interval '1 "
        "minute' WHERE cron_name LIKE '%%read answers%%'"
    )


def events(world):
    return dict(
        world.query(
            """SELECT r.recipient_email, string_agg(e.event_type, ' ' ORDER BY e.id)
            FROM chaser_reminder r JOIN chaser_event e ON e.reminder_id = r.id
            WHERE e.event_type NOT IN ('opened', 'clicked') GROUP BY 1"""
        )
    )


def fetch_mails(dovecot, user):
    with dovecot.connect(user) as session:
        session.select("INBOX", readonly=True)
        found = session.fetch("1:*", "(BODY.PEEK[])")[1]
        return [
            email.message_from_bytes(item[1])
            for item in found
            if isinstance(item, tuple)
        ]


def test_report_and_answer_come_back(world, servers):
    dovecot = build(world, servers)
    world.start()
    world.queue()
    world.wait_until(lambda: world.states() == {"sent": 2})

    world.wait_until(
        lambda: read(world)
        or "bounced" in events(world).get("nobody-here@local.example", "")
    )
    assert world.query("SELECT email, reason FROM chaser_suppression") == [
        ("nobody-here@local.example", "hard_bounce")
    ]
    assert world.query(
        "SELECT kind, verdict, state, matched_by FROM chaser_inbound"
    ) == [("bounce", "hard", "matched", "reference")]

    [reminder] = fetch_mails(dovecot, "customer")
    answer = email.message.EmailMessage()
    answer["From"], answer["To"], answer["Subject"] = (
        "customer@local.example",
        "accounts@local.example",
        f"Re: {reminder['Subject']}",
    )
    answer["In-Reply-To"], answer["Message-ID"] = (
        reminder["Message-ID"],
        "<answer-1@local.example>",
    )
    answer.set_content("سيتم السداد يوم الخميس\n")
    private = email.message.EmailMessage()
    private["From"], private["To"], private["Subject"] = (
        "friend@private.example",
        "accounts@local.example",
        "for the person alone",
    )
    with smtplib.SMTP("127.0.0.1", servers[1].port) as session:
        session.send_message(private)
        session.send_message(answer)
    world.wait_until(
        lambda: read(world) or "replied" in events(world)["customer@local.example"]
    )
    assert events(world) == {
        "nobody-here@local.example": "sent bounced",
        "customer@local.example": "sent replied",
    }
    assert world.query(
        "SELECT code, source FROM chaser_hold WHERE released_at IS NULL"
    ) == [("reply", "mail")]
    assert world.query(
        "SELECT count(*) FROM mail_message WHERE model = 'res.partner' AND body "
        "LIKE '%%سيتم السداد%%'"
    ) == [(1,)]
    assert world.query("SELECT count(*) FROM chaser_inbound") == [(2,)], (
        "the private mail is not stored"
    )
    assert all(b"Seen" not in line for line in dovecot.flags("accounts")), (
        "nothing was marked"
    )
    assert " ERROR " not in world.logs(), world.logs()[-3000:]


def test_killed_while_reading(world, servers):
    """SIGKILL while the mailbox is read: every answer counts once."""
    dovecot = build(
        world, servers, "\ncustomers[0].email = 'other@local.example'\nenv.cr.commit()"
    )
    server = world.start()
    world.queue()
    world.wait_until(lambda: world.states() == {"sent": 2})
    [[message_id]] = world.query(
        "SELECT message_id FROM chaser_reminder WHERE recipient_email = "
        "'customer@local.example'"
    )
    for number in range(40):
        mail = (
            "From: customer@local.example\r\nMessage-ID: "
            f"<a{number}@local.example>\r\nIn-Reply-To: {message_id}\r\n\r\nanswer "
            f"{number}"
        )
        dovecot.deliver("accounts", mail.encode())
    for _ in range(3):
        taken = world.query("SELECT count(*) FROM chaser_inbound WHERE kind = 'reply'")[
            0
        ][0]
        world.wait_until(
            lambda taken=taken: read(world)
            or world.query("SELECT count(*) FROM chaser_inbound WHERE kind = 'reply'")[
                0
            ][0]
            > min(taken, 39)
        )
        world.kill(server)
        server = world.start()
    world.wait_until(
        lambda: read(world)
        or world.query("SELECT count(*) FROM chaser_inbound WHERE kind = 'reply'")
        == [(40,)]
    )
    assert world.query(
        "SELECT count(*), count(DISTINCT provider_event_id) FROM chaser_event "
        "WHERE event_type = 'replied'"
    ) == [(40, 40)]
    assert world.query(
        "SELECT count(*) FROM mail_message WHERE model = 'res.partner' AND body "
        "LIKE '%%answer %%' AND message_type = 'email'"
    ) == [(40,)]
    assert world.query(
        "SELECT count(*) FROM chaser_hold WHERE released_at IS NULL"
    ) == [(1,)]


REPORT = """From: MAILER-DAEMON@mx.example
To: accounts@local.example
Subject: Delivery report {number}
Message-ID: <report-{number}@mx.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

See below.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
{blocks}
--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
--b--
"""
BLOCK = """
Final-Recipient: rfc822; {address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {words}
"""
ABSENT = """From: customer@local.example
To: accounts@local.example
Subject: رد تلقائي: خارج المكتب
Message-ID: <absent@local.example>
In-Reply-To: {message_id}
Auto-Submitted: auto-replied
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

أنا في إجازة حتى يوم الأحد.
"""


def test_delay_full_mailbox_and_absence_stop_nobody(world, servers):
    """Reports with several recipients and an Arabic out-of-office, in a real mailbox,
    read by the running program."""
    dovecot = build(
        world, servers, "\ncustomers[0].email = 'other@local.example'\nenv.cr.commit()"
    )
    world.start()
    world.queue()
    world.wait_until(lambda: world.states() == {"sent": 2})
    ids = dict(world.query("SELECT recipient_email, message_id FROM chaser_reminder"))
    stranger = BLOCK.format(
        address="copy@elsewhere.example",
        action="failed",
        status="5.1.1",
        words="550 5.1.1 no such user",
    )
    reports = [
        BLOCK.format(
            address="other@local.example",
            action="delayed",
            status="4.4.1",
            words="connection timed out",
        ),
        stranger
        + BLOCK.format(
            address="other@local.example",
            action="failed",
            status="5.2.2",
            words="552 5.2.2 mailbox full",
        ),
    ]
    mails = [
        REPORT.format(
            number=number, blocks=blocks, message_id=ids["other@local.example"]
        )
        for number, blocks in enumerate(reports)
    ]
    for mail in [*mails, ABSENT.format(message_id=ids["customer@local.example"])]:
        dovecot.deliver("accounts", mail.replace("\n", "\r\n").encode())
    world.wait_until(
        lambda: read(world)
        or world.query("SELECT count(*) FROM chaser_inbound") == [(3,)]
    )
    assert set(world.query("SELECT kind, verdict FROM chaser_inbound")) == {
        ("bounce", "delayed"),
        ("bounce", "hard"),
        ("auto_reply", None),
    }, "the list shows the worst of a report's recipients"
    happened = events(world)
    assert happened["other@local.example"].startswith("sent deferred bounced"), happened
    assert "replied" not in happened["customer@local.example"]
    assert world.query(
        "SELECT count(*) FROM chaser_suppression WHERE email IN "
        "('customer@local.example', 'copy@elsewhere.example')"
    ) == [(0,)]
    assert world.query(
        "SELECT count(*) FROM chaser_hold WHERE released_at IS NULL"
    ) == [(0,)], "an absence is no answer"
    assert " ERROR " not in world.logs(), world.logs()[-3000:]


def test_what_a_crash_left_open_is_looked_for_in_the_sent_folder(world, servers):
    """Killed between sending and recording: the real mailbox is asked. If the message
    is found, it was sent; else a user decides."""
    dovecot = build(
        world, servers, "\ncustomers[0].email = 'other@local.example'\nenv.cr.commit()"
    )
    ids = {}
    world.queue()
    for name in ("customer", "other"):
        ids[name] = f"<chaser.{name}@local.example>"
        world.query(f"""UPDATE chaser_reminder SET state = 'sending', attempt_count = 1, message_id = '{ids[name]}',
                          attempted_at = now() AT TIME ZONE 'UTC' - interval '5 minutes' WHERE recipient_email = '{name}@local.example'""")  # noqa: E501
    dovecot.deliver(
        "accounts",
        f"Message-ID: {ids['customer']}\r\nSubject: reminder\r\n\r\nx".encode(),
        folder="Sent",
    )
    world.start()
    world.query(
        "UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC' - interval '1 "
        "minute' WHERE cron_name LIKE '%%send from mailbox%%'"
    )
    world.wait_until(
        lambda: world.query(
            "SELECT count(*) FROM chaser_reminder WHERE reason_code IN "
            "('found_sent', 'undecided_unseen')"
        )
        == [(2,)]
    )
    assert dict(
        world.query(
            "SELECT recipient_email, state || ' ' || is_undecided FROM chaser_reminder"
        )
    ) == {"customer@local.example": "sent false", "other@local.example": "failed true"}
    assert fetch_count(dovecot, "customer") == 0, "nothing was sent again"
    assert " ERROR " not in world.logs(), world.logs()[-3000:]


def fetch_count(dovecot, user):
    with dovecot.connect(user) as session:
        return int(session.select("INBOX", readonly=True)[1][0])
