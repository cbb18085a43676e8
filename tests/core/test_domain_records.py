import base64

import pytest
from core.mail.domain_records import explain, explain_dkim, explain_dmarc, explain_spf

KEY_2048 = base64.b64encode(b"k" * 294).decode()
KEY_1024 = base64.b64encode(b"k" * 162).decode()
KEY_512 = base64.b64encode(b"k" * 94).decode()


def codes(found):
    return [one.code for one in found]


@pytest.mark.parametrize(
    ("text", "host", "expected"),
    [
        ("v=spf1 include:_spf.google.com ~all", "smtp.gmail.com", ["spf_good"]),
        ("v=spf1 mx -all", "", ["spf_good"]),
        ('pop.example. 300 IN TXT "v=spf1 mx -all"', "", ["spf_good"]),
        # One value in pieces (RFC 7208 §3.3).
        ('"v=spf1 include:a.example " "include:b.example -all"', "", ["spf_good"]),
        ("", "", ["spf_missing"]),
        ("google-site-verification=abc", "", ["spf_missing"]),
        ("v=spf1 mx -all\nv=spf1 a -all", "", ["spf_many"]),
        ("v=spf1 +all", "", ["spf_everybody"]),
        ("v=spf1 mx all", "", ["spf_everybody"]),
        ("v=spf1 mx ?all", "", ["spf_open"]),
        ("v=spf1 mx", "", ["spf_open"]),
        ("v=spf1 redirect=_spf.pop.example", "", ["spf_good"]),
        ("v=spf1 mx -all", "smtp.office365.com", ["spf_service"]),
        (
            "v=spf1 " + " ".join(f"include:{n}.example" for n in range(11)) + " -all",
            "",
            ["spf_lookups"],
        ),
        ("v=spf10 mx -all", "", ["spf_missing"]),
    ],
)
def test_spf(text, host, expected):
    assert codes(explain_spf(text, host)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"v=DKIM1; k=rsa; p={KEY_2048}", ["dkim_good"]),
        (f'"v=DKIM1; k=rsa; p={KEY_2048[:200]}" "{KEY_2048[200:]}"', ["dkim_good"]),
        (f"k=rsa; p={KEY_2048}", ["dkim_good"]),
        (f"v=DKIM1; p={KEY_1024}", ["dkim_old"]),
        (f"v=DKIM1; p={KEY_512}", ["dkim_short"]),
        (f"v=DKIM1; t=y; p={KEY_2048}", ["dkim_test"]),
        (
            f"v=DKIM1; k=ed25519; p={base64.b64encode(b'x' * 32).decode()}",
            ["dkim_good"],
        ),
        ("v=DKIM1; p=", ["dkim_revoked"]),
        ("v=DKIM1; p=not base64!", ["dkim_broken"]),
        ("", ["dkim_missing"]),
    ],
)
def test_dkim(text, expected):
    assert codes(explain_dkim(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v=DMARC1; p=reject; rua=mailto:d@pop.example", ["dmarc_good"]),
        ("v=DMARC1;p=quarantine;rua=mailto:d@pop.example", ["dmarc_good"]),
        ("v=DMARC1; p=none; rua=mailto:d@pop.example", ["dmarc_none"]),
        ("v=DMARC1; p=none", ["dmarc_none", "dmarc_silent"]),
        ("v=DMARC1; p=perhaps", ["dmarc_broken"]),
        ("v=DMARC1; rua=mailto:x@y.example", ["dmarc_broken"]),
        ("v=DMARC1; p=none\nv=DMARC1; p=reject", ["dmarc_many"]),
        ("", ["dmarc_missing"]),
    ],
)
def test_dmarc(text, expected):
    assert codes(explain_dmarc(text)) == expected


def test_all_three_in_their_order():
    assert [one.record for one in explain("", "", "")] == ["spf", "dkim", "dmarc"]
