"""The records of a sender's domain, asked for in DNS by dnspython, where it is
installed and where the company has switched it on. ``domain_records`` explains them."""

import re
from dataclasses import dataclass

import idna

# Seconds that all questions to one server may take together: a person waits for them.
PATIENCE = 5.0
# Under which name the common services keep their DKIM key, by the mailbox's kind or
# its server's name; the names of hosting companies and mail servers for all others.
_SELECTORS = (
    (re.compile(r"gmail|google", re.I), ("google",)),
    (re.compile(r"office365|outlook", re.I), ("selector1", "selector2")),
    (re.compile(r"zoho", re.I), ("zoho", "zmail")),
)
_USUAL = ("default", "mail", "dkim", "s1", "k1")
# RFC 1035 §2.3.4, for the name before ._domainkey.
_SELECTOR = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,61}[a-z0-9_])?", re.I)


class NoLibrary(Exception):
    """dnspython is not installed."""


class NoAnswer(Exception):
    """DNS does not answer in time, or refuses to."""


class WrongName(Exception):
    """This is no name of a domain, or of a DKIM key."""


@dataclass(frozen=True)
class Records:
    """TXT records as ``domain_records.explain`` reads them, one a line; empty where
    there is none. ``selector``: the name under which the DKIM key was found."""

    spf: str = ""
    dkim: str = ""
    dmarc: str = ""
    selector: str = ""


def is_available() -> bool:
    try:
        return bool(_load())
    except NoLibrary:
        return False


def make_resolver():
    """Asks the name servers of the machine.

    :raises NoLibrary: without dnspython
    :raises NoAnswer: the machine knows no name server
    """
    dns = _load()
    try:
        resolver = dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration as error:
        raise NoAnswer(str(error)) from None
    resolver.lifetime = PATIENCE
    return resolver


def look_up(domain: str, resolver, host: str = "", selector: str = "") -> Records:
    """What DNS says of a domain.

    :param host: the mailbox's server or kind, which tells where its DKIM key is
    :param selector: the name of the DKIM key where a person knows it
    :raises WrongName: the domain or the selector is no name
    :raises NoAnswer: DNS says nothing in time
    """
    try:
        name = idna.encode(domain.strip().rstrip("."), uts46=True).decode()
    except idna.IDNAError:
        raise WrongName(domain) from None
    given = selector.strip()
    if given and not _SELECTOR.fullmatch(given):
        raise WrongName(given)
    spf = [one for one in _ask(resolver, name) if one.lower().startswith("v=spf1")]
    dmarc = [
        one
        for one in _ask(resolver, f"_dmarc.{name}")
        if one.lower().startswith("v=dmarc1")
    ]
    dkim, found = [], ""
    for one in (given,) if given else guess_selectors(host):
        dkim = _ask(resolver, f"{one}._domainkey.{name}")
        if dkim:
            found = one
            break
    return Records("\n".join(spf), "\n".join(dkim), "\n".join(dmarc), found)


def guess_selectors(host: str) -> tuple[str, ...]:
    return next(
        (names for pattern, names in _SELECTORS if pattern.search(host)), _USUAL
    )


def _ask(resolver, name: str) -> list[str]:
    """The TXT records of a name, each in one piece (RFC 7208 §3.3)."""
    dns = _load()
    try:
        answer = resolver.resolve(f"{name}.", "TXT")
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel):
        raise WrongName(name) from None
    except (dns.exception.DNSException, OSError) as error:
        raise NoAnswer(str(error)) from None
    return [b"".join(row.strings).decode("utf-8", "replace") for row in answer]


def _load():
    try:
        import dns.exception  # noqa: PLC0415 (optional)
        import dns.name  # noqa: PLC0415
        import dns.resolver  # noqa: PLC0415
    except ImportError as error:
        raise NoLibrary(str(error)) from None
    return dns
