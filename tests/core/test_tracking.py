"""Tokens, verdicts, devices."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from core.status.tracking import (
    HIDDEN_POSITION,
    describe_agent,
    judge,
    mask_tokens,
    new_token,
    read_link_texts,
    valid_token,
)

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, "
    "like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) "
    "AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
IPAD = (
    "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/16.6 "
    "Mobile/15E148 Safari/604.1"
)
PIXEL = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, "
    "like Gecko) Chrome/130.0.0.0 "
    "Mobile Safari/537.36"
)
CUBOT = (
    "Mozilla/5.0 (Linux; Android 11; CUBOT P50) AppleWebKit/537.36 (KHTML, "
    "like Gecko) Chrome/130.0.0.0 "
    "Mobile Safari/537.36"
)
TAB = (
    "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, "
    "like Gecko) Chrome/130.0.0.0 "
    "Safari/537.36"
)
MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) "
    "Version/17.4 Safari/605.1.15"
)
OUTLOOK = (
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; "
    ".NET4.0C; Microsoft Outlook 16.0.17531; "
    "ms-office; MSOffice 16)"
)
GMAIL = (
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com "
    "GoogleImageProxy)"
)
PREFETCH = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
)
LATER, AT_ONCE = timedelta(minutes=10), timedelta(seconds=1)

VERDICTS = [
    ("opened", "GET", CHROME, LATER, None, "human", ""),
    ("clicked", "GET", CHROME, LATER, 1, "human", ""),
    ("opened", "GET", IPHONE, LATER, None, "human", ""),
    ("opened", "GET", CUBOT, LATER, None, "human", ""),
    ("opened", "GET", OUTLOOK, LATER, None, "human", ""),
    ("opened", "GET", CHROME, timedelta(seconds=6), None, "human", ""),
    ("opened", "GET", GMAIL, LATER, None, "human", "proxy"),
    ("opened", "GET", GMAIL, AT_ONCE, None, "machine", "too_soon"),
    ("opened", "GET", PREFETCH, LATER, None, "machine", "prefetch"),
    ("opened", "GET", "Mozilla/5.0", LATER, None, "unknown", "privacy_proxy"),
    ("opened", "GET", " Mozilla/5.0 ", LATER, None, "unknown", "privacy_proxy"),
    ("clicked", "GET", "Mozilla/5.0", LATER, 1, "human", ""),
    ("opened", "HEAD", CHROME, LATER, None, "machine", "head"),
    ("clicked", "HEAD", CHROME, LATER, 0, "machine", "head"),
    ("clicked", "GET", CHROME, LATER, HIDDEN_POSITION, "machine", "hidden_link"),
    ("opened", "GET", CHROME, LATER, HIDDEN_POSITION, "human", ""),
    ("opened", "GET", "", LATER, None, "machine", "no_agent"),
    ("opened", "GET", "   ", LATER, None, "machine", "no_agent"),
    ("opened", "GET", None, LATER, None, "machine", "no_agent"),
    ("opened", "GET", CHROME, AT_ONCE, None, "machine", "too_soon"),
    ("opened", "GET", CHROME, timedelta(0), None, "machine", "too_soon"),
    ("opened", "GET", CHROME, timedelta(seconds=-30), None, "machine", "too_soon"),
    ("opened", "GET", CHROME, None, None, "machine", "too_soon"),
    *(
        ("clicked", "GET", agent, LATER, 1, "machine", "known_agent")
        for agent in (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (compatible; bingbot/2.0)",
            "python-requests/2.32",
            "curl/8.5.0",
            "Wget/1.21",
            "Java/17.0.1",
            "Go-http-client/2.0",
            "okhttp/4.12",
            "Barracuda Sentinel (EE)",
            "Mimecast URL Scanner",
            "Mozilla/5.0 HeadlessChrome/120",
            "Slackbot-LinkExpanding 1.0",
            "facebookexternalhit/1.1",
            "WhatsApp/2.23 A",
            "Mozilla/5.0 BingPreview/1.0b",
            "proofpoint-urldefense",
        )
    ),
]


@pytest.mark.parametrize(
    ("event", "method", "agent", "since", "position", "verdict", "reason"), VERDICTS
)
def test_judge(event, method, agent, since, position, verdict, reason):
    assert judge(event, method, agent, since, position) == (verdict, reason)


def test_tokens_are_long_random_and_valid():
    tokens = {new_token() for _run in range(1000)}
    assert len(tokens) == 1000
    assert all(valid_token(token) and len(token) >= 32 for token in tokens)


@pytest.mark.parametrize(
    "token",
    [
        "",
        None,
        "short",
        "x" * 19,
        "x" * 65,
        "x" * 30 + "\n",
        "\n" + "x" * 30,
        "x" * 30 + "/",
        "x" * 30 + "'",
        "x" * 30 + "%00",
        "x" * 30 + "\x00",
        "ا" * 30,
        "x" * 30 + " ",
        "../" * 10,
        "١" * 30,
    ],
)
def test_other_texts_are_no_token(token):
    assert valid_token(token) is False


@pytest.mark.parametrize(
    ("agent", "kind", "client"),
    [
        (CHROME, "desktop", "Chrome"),
        (MAC, "desktop", "Safari"),
        (OUTLOOK, "desktop", "Outlook"),
        (IPHONE, "phone", "Mobile Safari"),
        (PIXEL, "phone", "Chrome Mobile"),
        (CUBOT, "phone", "Chrome Mobile"),
        (IPAD, "tablet", "Mobile Safari"),
        (TAB, "tablet", "Chrome"),
        (GMAIL, "other", "Gmail"),
        ("", "other", ""),
        (None, "other", ""),
        ("what is this", "other", ""),
    ],
)
def test_describe_agent(agent, kind, client):
    assert describe_agent(agent) == (kind, client)


def test_words_of_links():
    kept = mask_tokens(
        '<p><a href="https://o.example/chaser/c/aaaaaaaaaaaaaaaaaaaaaaaa/1">INV/1</a>'
        '<a href="https://o.example/chaser/c/aaaaaaaaaaaaaaaaaaaaaaaa/2"><b>View</b>\n'
        ' and pay</a><a href="https://elsewhere.example/c/3">no</a>'
        '<a href="https://o.example/chaser/c/aaaaaaaaaaaaaaaaaaaaaaaa/3">'
        f"{'ع' * 500}</a></p>"
    )
    texts = read_link_texts(kept)
    assert (texts["1"], texts["2"], texts["3"]) == ("INV/1", "View and pay", "ع" * 200)
    assert texts["https://o.example/chaser/c/removed/2"] == "View and pay"
    assert len(texts) == 6
    for nothing in ("", None, "no link", "<a href='/chaser/c/x'>"):
        assert read_link_texts(nothing) == {}


@pytest.mark.parametrize(
    "agent",
    [
        "x" * 100_000,
        "\x00\r\n",
        "(" * 5000,
        "Mozilla/5.0 (" + "a;" * 50_000,
        "😀 عربي",
        "\udc80",
    ],
)
def test_hostile_agents_are_answered(agent):
    assert judge("opened", "GET", agent, LATER)[0] in ("human", "machine", "unknown")
    assert describe_agent(agent)[0] in ("desktop", "phone", "tablet", "other")


def test_recipe_for_a_proxy_hides_every_token():
    """The patterns that docs/threats.md gives for nginx, as they stand there."""
    page = Path(__file__).resolve().parents[2] / "docs" / "threats.md"
    recipe = re.search(r"```nginx\n(.*?)```", page.read_text(), re.S)[1]
    maps = [
        re.findall(r'"~(\^.*?\$)"\s+"([^"]*)";', part)
        for part in recipe.split("map ")[1:]
    ]
    assert [len(rules) for rules in maps] == [2, 2]

    def log(rules, text):
        for pattern, shown in rules:
            found = re.search(pattern.replace("(?<", "(?P<"), text)
            if found:
                for name, value in found.groupdict().items():
                    shown = shown.replace(f"${{{name}}}", value)
                return shown
        return text

    token = new_token()
    for path in (
        f"/chaser/p/{token}",
        f"/chaser/p/{token}?lang=ar",
        f"/chaser/c/{token}/3",
        f"/chaser/o/{token}.gif",
        f"/chaser/u/{token}",
        f"/chaser/a/{token}",
        f"/chaser/webhook/mailgun/{token}",
        f"/chaser/whatsapp/{token}",
        f"/my/invoices/6?access_token={token}",
        f"/my/invoices/6?report_type=pdf&access_token={token}&download=true",
        f"/web/content/5?access_token={token}",
    ):
        for rules, text in zip(maps, (path, f"https://pop.example{path}"), strict=True):
            shown = log(rules, text)
            assert token not in shown and "removed" in shown
            assert mask_tokens(path).split("removed")[0] in shown
    for rules, text in zip(maps, ("/web?x=1", "https://pop.example/web"), strict=True):
        assert log(rules, text) == text
