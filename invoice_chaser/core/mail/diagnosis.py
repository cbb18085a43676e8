"""What a mail server's words, or the network's, mean for whoever set up the mailbox: a
cause, for which the addon has a sentence in the user's language with what to change.
Pure; nothing is asked again.

The words are those of OpenSSL and the C library as Python gives them, of smtplib and of
the services' own pages (Google a/answer/3726730 and 185833, Microsoft "Enable or
disable SMTP AUTH" and "Deprecation of Basic authentication", Amazon SES "SMTP response
codes", Zoho "SMTP configuration").
"""

import re
from dataclasses import dataclass

# Ports on which servers speak TLS from the first byte (RFC 8314), and those on which
# they begin without it.
TLS_PORTS, PLAIN_PORTS = (465, 2465), (25, 587, 2525, 2587)
MICROSOFT = re.compile(r"office365|outlook|hotmail|live\.com", re.I)
GOOGLE = re.compile(r"gmail|google", re.I)


@dataclass(frozen=True)
class Settings:
    """How the mailbox is set. ``encryption``: ``starttls``, ``ssl`` or ``none``."""

    host: str = ""
    port: int = 0
    encryption: str = ""
    user: str = ""


# In this order: the first that fits. Codes are keys of the sentences.
_CAUSES = tuple(
    (code, re.compile(pattern, re.I))
    for code, pattern in (
        (
            "host_unknown",
            r"name or service not known|nodename nor servname|getaddrinfo",
        ),
        ("host_unknown", r"no address associated|name resolution|label (?:empty|too)"),
        ("refused", r"connection refused|errno 111|actively refused"),
        ("no_way", r"network is unreachable|no route to host|errno 101|errno 113"),
        ("certificate_name", r"hostname mismatch|ip address mismatch|doesn't match"),
        ("certificate_expired", r"certificate has expired|certificate is not yet"),
        (
            "certificate_own",
            r"self[- ]signed certificate|unable to get (?:local )?issuer",
        ),
        ("certificate_own", r"certificate[_ ]verify[_ ]failed"),
        (
            "starttls_missing",
            r"starttls extension not supported|starttls not supported",
        ),
        (
            "tls_unexpected",
            r"wrong[_ ]version[_ ]number|record layer failure|http request",
        ),
        ("tls_old", r"unsupported protocol|no protocols available|handshake failure"),
        ("app_password", r"application-specific password|app(?:lication)? password"),
        (
            "app_password",
            r"\b534\b.{0,300}5\.7\.9|invalidsecondfactor|web ?login required",
        ),
        (
            "basic_off",
            r"basic authentication is (?:disabled|blocked)|5\.7\.139|5\.7\.30",
        ),
        (
            "basic_off",
            r"smtpclientauthentication is disabled|client was not authenticat",
        ),
        (
            "login_method",
            r"no suitable authentication|smtp auth extension not supported",
        ),
        ("login_chars", r"characters that this server's login cannot take"),
        ("sender_foreign", r"sendas|not owned by (?:user|auth)|not allowed to send as"),
        (
            "sender_foreign",
            r"sender address rejected: not owned|5\.7\.60|from address is not verified",
        ),
        (
            "sender_unproven",
            r"not verified|identity .{0,300}check|not authori[sz]ed to use",
        ),
        (
            "password",
            r"\b535\b|5\.7\.8|authentication (?:failed|unsuccessful|credentials)",
        ),
        (
            "password",
            r"invalid (?:login|credentials)|username and password not accepted",
        ),
        (
            "login_needed",
            r"\b530\b|authentication (?:is )?required|must (?:first )?authenticate",
        ),
        ("login_needed", r"not logged in|login first|log(?:in)? in first"),
        (
            "starttls_needed",
            r"must issue a starttls|encryption required|starttls first",
        ),
        (
            "relay",
            r"relay(?:ing)? (?:access )?(?:denied|not permitted)|unable to relay",
        ),
        ("blocked", r"blocked|blacklist|blocklist|spamhaus|reputation|bad dns|\bptr\b"),
        ("limit", r"quota|limit exceeded|too many|rate limit|daily|throttl"),
        ("full", r"mailbox (?:is )?full|5\.2\.2|storage"),
        (
            "sender_refused",
            r"sender address rejected|domain .{0,300}not (?:found|exist)",
        ),
    )
)
_CLOSED = re.compile(
    r"unexpectedly closed|connection reset|eof occurred|errno 104", re.I
)
_SLOW = re.compile(r"timed out|timeout|errno 110", re.I)


def diagnose(said: str, settings: Settings) -> str:
    """The cause behind what was said; ``other`` where it is none that is known here,
    empty where nothing was said.

    Silence and closed lines say nothing themselves; then the port and the encryption
    tell: who speaks plainly to a port with TLS waits for a greeting that never comes.
    """
    if not said:
        return ""
    if _CLOSED.search(said) or _SLOW.search(said):
        if settings.encryption != "ssl" and settings.port in TLS_PORTS:
            return "tls_expected"
        if settings.encryption == "ssl" and settings.port in PLAIN_PORTS:
            return "tls_unexpected"
        return "slow" if _SLOW.search(said) else "closed"
    for code, pattern in _CAUSES:
        if pattern.search(said):
            if code == "password" and GOOGLE.search(settings.host):
                return "app_password"
            if code == "password" and MICROSOFT.search(settings.host):
                return "basic_off"
            return code
    return "other"


CODES = tuple(
    dict.fromkeys(
        [code for code, _pattern in _CAUSES]
        + ["tls_expected", "slow", "closed", "other"]
    )
)


@dataclass(frozen=True)
class Preset:
    """What a service wants of a mailbox that sends by SMTP. ``host`` may hold
    ``{domain}``; ``daily`` messages in 24 hours and ``minute`` are what the service
    allows, less what a person needs for their own mail."""

    host: str
    port: int
    encryption: str
    daily: int
    minute: int


# Google and Microsoft: their own pages; cPanel hosts commonly allow 200 to 300 an hour;
# Zoho by its plan. All can be changed on the mailbox.
PRESETS = {
    "google": Preset("smtp.gmail.com", 587, "starttls", 1500, 20),
    "gmail": Preset("smtp.gmail.com", 587, "starttls", 400, 15),
    "microsoft": Preset("smtp.office365.com", 587, "starttls", 2000, 10),
    "outlook": Preset("smtp-mail.outlook.com", 587, "starttls", 200, 10),
    "zoho": Preset("smtppro.zoho.com", 465, "ssl", 300, 5),
    "cpanel": Preset("mail.{domain}", 465, "ssl", 500, 3),
    "ses": Preset("email-smtp.me-central-1.amazonaws.com", 587, "starttls", 5000, 60),
    "own": Preset("mail.{domain}", 587, "starttls", 500, 20),
}
