"""A real browser: a manager writes, checks, compares, previews and moves letters."""

import email
import os
from email import policy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ARABIC = """
env["res.lang"]._activate_lang("ar_001")
env["ir.module.module"]._load_module_terms(["invoice_chaser"], ["ar_001"])
env.ref("base.user_admin").write({"password": "admin", "email": "admin@pop.example"})
env["res.partner"].search([("name", "=", "Customer 0")]).ref = "C-77"
env.cr.commit()
"""
EXPECTED = (
    # Merge tags are chips with words; the source is behind a switch.
    'chips: "Salutation with the contact\'s name"',
    # Opened, clicked into, and saved with something else: to the letter as before.
    "left alone: true",
    "subject chips: 2",
    "subject: Reminder for {{ customer_name }} again: please pay {{ total_due }} now",
    "chips gone: 1",
    "chips missing: 0",
    # A tag, its words and a changed plural stand where they were put, and nothing else
    # is another.
    "body_html to the letter: true",
    "other_body_html to the letter: true",
    "arabic direction: rtl",
    "arabic subject: تذكير بالسداد إلى {{ customer_name }}",
    "line 1: the merge tag “total_deu” does not exist. Did you mean “total_due”?",
    "versions: 2 Versions",
    # What the picker put in and what was typed after it are kept, although another page
    # was opened at once.
    "Your number is {{ customer_reference }} with us.\n",
    "رقمكم لدينا {{ customer_reference }}\n",
    "side by side: 2 ltr rtl",
    "sample: Dear Ahmed Al Mansoori,",
    "real: Dear Customer 0, 3",
    "both: 2",
    "phone: true",
    "desktop: false",
    "text: true",
    "headers: Message-ID, Date, From, To, Subject, List-Unsubscribe, "
    "List-Unsubscribe-Post",
    "sent: Sample sent. admin@pop.example",
    "finding: Warning English, subject The subject is in capitals",
    "exported: 7",
    "row: From elsewhere New Import",
    "| From elsewhere |",
    "phone list: 0",
    "phone form: 0",
)


def test_letter_in_both_languages(world, tmp_path):
    world.build(customers=2)
    world.shell(ARABIC)
    world.start()
    world.queue()
    world.wait_until(lambda: world.states() == {"sent": 2})
    before = len(world.received())
    [[used]] = world.query(
        "SELECT DISTINCT v.template_id FROM chaser_reminder r JOIN "
        "chaser_template_version v ON v.id = r.template_version_id"
    )
    folder = os.environ.get("CHASER_SHOTS", str(tmp_path))
    output = world.run(
        [
            "bash",
            "-c",
            (
                '. dev/lib.sh; CHASER_NODE="$CACHE/node" node '
                f'{ROOT}/tests/e2e/templates.js {world.url} {used} "Customer 0" '
                f"{folder}"
            ),
        ]
    )
    for line in EXPECTED:
        assert line in output, f"{line}\n{output}"
    assert len(world.received()) == before + 1
    message = email.message_from_bytes(world.received()[-1].raw, policy=policy.default)
    assert message["To"] == "admin@pop.example"
    assert (
        message["Subject"].startswith("[Sample] ")
        and "Customer 0" in message["Subject"]
    )
    assert "C-77" in message.get_body(("plain",)).get_content()
    assert world.query(
        "SELECT number FROM chaser_template_version WHERE template_id = %s ORDER BY 1",
        used,
    ) == [(1,), (2,)]
    assert " ERROR " not in world.logs(), world.logs()[-3000:]
