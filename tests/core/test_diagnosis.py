import pytest
from core.mail.diagnosis import CODES, PRESETS, Settings, diagnose

SERVER = Settings("mail.pop.example", 587, "starttls", "accounts")


@pytest.mark.parametrize(
    ("said", "settings", "cause"),
    [
        # What a first day showed (Python, OpenSSL, smtplib and a real server).
        ("[Errno 111] Connection refused", SERVER, "refused"),
        ("[Errno -2] Name or service not known", SERVER, "host_unknown"),
        (
            "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)",
            Settings("h", 587, "ssl"),
            "tls_unexpected",
        ),
        ("STARTTLS extension not supported by server.", SERVER, "starttls_missing"),
        ("535 5.7.8 Authentication credentials invalid", SERVER, "password"),
        (
            "Connection unexpectedly closed: timed out",
            Settings("h", 465, "starttls"),
            "tls_expected",
        ),
        ("530 5.7.0 Authentication required", SERVER, "login_needed"),
        # The same silence on another port is only slow.
        ("timed out", SERVER, "slow"),
        ("Connection unexpectedly closed", SERVER, "closed"),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname "
            "mismatch, certificate is not valid for 'mail.pop.example'.",
            SERVER,
            "certificate_name",
        ),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate "
            "has expired (_ssl.c:1006)",
            SERVER,
            "certificate_expired",
        ),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed "
            "certificate",
            SERVER,
            "certificate_own",
        ),
        ("[Errno 101] Network is unreachable", SERVER, "no_way"),
        # The services' own words.
        (
            "534 5.7.9 Application-specific password required. For more information, "
            "go to https://support.google.com/mail/?p=InvalidSecondFactor",
            Settings("smtp.gmail.com", 587, "starttls", "u"),
            "app_password",
        ),
        (
            "535 5.7.8 Username and Password not accepted.",
            Settings("smtp.gmail.com", 587, "starttls", "u"),
            "app_password",
        ),
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is "
            "disabled for the Tenant.",
            Settings("smtp.office365.com", 587, "starttls", "u"),
            "basic_off",
        ),
        (
            "550 5.7.30 Basic authentication is not supported for Client Submission.",
            Settings("smtp.office365.com", 587, "starttls", "u"),
            "basic_off",
        ),
        (
            "553 5.7.1 <b@pop.example>: Sender address rejected: not owned by user a",
            SERVER,
            "sender_foreign",
        ),
        (
            "554 Message rejected: Email address is not verified. The following "
            "identities failed the check in region US-EAST-1",
            SERVER,
            "sender_unproven",
        ),
        ("554 5.7.1 <x@y>: Relay access denied", SERVER, "relay"),
        ("No suitable authentication method found.", SERVER, "login_method"),
        ("421 4.7.0 Must issue a STARTTLS command first", SERVER, "starttls_needed"),
        ("554 5.7.1 Service unavailable; blocked using Spamhaus", SERVER, "blocked"),
        ("450 4.2.1 daily limit exceeded", SERVER, "limit"),
        ("Something that nobody knows", SERVER, "other"),
        ("", SERVER, ""),
    ],
)
def test_causes(said, settings, cause):
    assert diagnose(said, settings) == cause
    assert not cause or cause in CODES


def test_presets_are_usable():
    for preset in PRESETS.values():
        assert (preset.encryption == "ssl") == (preset.port == 465)
        assert preset.host and preset.daily and preset.minute
