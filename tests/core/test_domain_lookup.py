"""The records of a domain from a name server on loopback; nothing else is asked."""

import base64

import pytest
from core.mail import domain_lookup
from core.mail.domain_lookup import NoAnswer, NoLibrary, Records, WrongName, look_up
from core.mail.domain_records import explain
from support.name_server import NameServer

KEY = base64.b64encode(b"k" * 294).decode()
DKIM = f"v=DKIM1; k=rsa; p={KEY}"
RECORDS = {
    "pop.example": [
        "google-site-verification=abc",
        "v=spf1 include:_spf.google.com -all",
    ],
    "_dmarc.pop.example": ["v=DMARC1; p=reject; rua=mailto:d@pop.example"],
    # A key is longer than one piece of a record may be (RFC 6376 §3.6.2.2).
    "google._domainkey.pop.example": [DKIM],
    "own._domainkey.pop.example": [f"v=DKIM1; t=y; p={KEY}"],
    "xn--mgbh0fb.example": ["v=spf1 mx -all"],
    "empty.example": [],
}


def ask(domain, **options):
    with NameServer(RECORDS) as server:
        return look_up(domain, server.make_resolver(), **options), server.asked


def test_all_three_are_found_and_explained():
    found, asked = ask("pop.example", host="smtp.gmail.com")
    assert found == Records(
        RECORDS["pop.example"][1], DKIM, RECORDS["_dmarc.pop.example"][0], "google"
    )
    assert asked == [
        "pop.example",
        "_dmarc.pop.example",
        "google._domainkey.pop.example",
    ]
    codes = [one.code for one in explain(found.spf, found.dkim, found.dmarc, "google")]
    assert codes == ["spf_good", "dkim_good", "dmarc_good"]


def test_the_name_of_the_key_that_a_person_knows():
    found, asked = ask("pop.example", host="mail.pop.example", selector=" own ")
    assert (found.selector, asked[-1]) == ("own", "own._domainkey.pop.example")
    assert len(asked) == 3, "no other name is guessed"


def test_what_does_not_exist_is_empty():
    for domain in ("nothing.example", "empty.example"):
        found, asked = ask(domain, host="mail.nothing.example")
        assert found == Records()
        assert len(asked) == 2 + len(domain_lookup.guess_selectors(""))


def test_two_records_are_both_said():
    records = {"pop.example": ["v=spf1 mx -all", "v=spf1 a -all"]}
    with NameServer(records) as server:
        found = look_up("pop.example", server.make_resolver())
    assert [one.code for one in explain(found.spf, "", "")][0] == "spf_many"


def test_a_domain_in_arabic():
    found, asked = ask("مثال.example")
    assert (found.spf, asked[0]) == ("v=spf1 mx -all", "xn--mgbh0fb.example")


@pytest.mark.parametrize("domain", ["", "no domain", "x" * 70 + ".example", "a..b"])
def test_what_is_no_domain(domain):
    with NameServer() as server, pytest.raises(WrongName):
        look_up(domain, server.make_resolver())


@pytest.mark.parametrize("selector", ["a b", "x" * 64, "-x", "google;drop", "ü"])
def test_what_is_no_selector(selector):
    with NameServer(RECORDS) as server, pytest.raises(WrongName):
        look_up("pop.example", server.make_resolver(), selector=selector)
    assert server.asked == []


def test_a_server_that_says_nothing():
    with NameServer(silent=True) as server, pytest.raises(NoAnswer):
        look_up("pop.example", server.make_resolver(patience=0.2))


def test_without_the_library(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "dns", None)
    monkeypatch.setitem(sys.modules, "dns.exception", None)
    assert not domain_lookup.is_available()
    with pytest.raises(NoLibrary):
        domain_lookup.make_resolver()
