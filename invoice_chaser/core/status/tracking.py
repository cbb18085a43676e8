"""Opens and clicks: tokens, and the verdict whether a person or a machine was at
work."""

import re
import secrets
from datetime import timedelta

from lxml import html as lxml_html
from ua_parser import parse as parse_user_agent

_TOKEN = re.compile(r"^[A-Za-z0-9_-]{20,64}$")
# The secret part of our links and of Odoo's portal links, and what stands in its place.
_IN_LINK = re.compile(
    r"(/chaser/(?:[a-z]|whatsapp|webhook/[a-z]{1,20})/|[?&;]access_token=)[A-Za-z0-9_-]{8,}"
)
REMOVED = "removed"
_REMOVED_LINK = re.compile(rf"/chaser/([a-z])/{REMOVED}\b")
_REMOVED_ACCESS = re.compile(rf"/my/invoices/(\d+)\?access_token={REMOVED}\b")
_KEPT_LINK = re.compile(rf"/chaser/c/{REMOVED}/(\d+)$")
_LINK_TEXT = 200
# Position of the link that no person can see; only a program that reads the mail's
# source follows it.
HIDDEN_POSITION = 0
TOO_SOON = timedelta(seconds=5)
BURST_LINKS, BURST_WINDOW = 3, timedelta(seconds=10)
_PIXEL_TOO_SOON = TOO_SOON

_ROBOTS = re.compile(
    r"(?<!cu)bot\b|crawl|spider|scan|preview|python-|curl/|wget/|java/|go-http|okhttp|headless|barracuda|mimecast|proofpoint"
    r"|safelinks|bingpreview|symantec|forcepoint|trendmicro|sophos|facebookexternalhit|slackbot|whatsapp|libwww",
    re.I,
)
# Google's image proxy names itself when a person opens; its prefetch comes with an
# ancient Chrome/Edge instead.
_GOOGLE_PROXY = "GoogleImageProxy"
_GMAIL_PREFETCH = re.compile(r"Chrome/42\.0\.2311\.135.{0,80}Edge/12\.246")


def new_token() -> str:
    """192 bits of randomness, URL-safe."""
    return secrets.token_urlsafe(24)


def valid_token(token: str) -> bool:
    """Whether it has a token's form, so that nothing else reaches the database."""
    return bool(_TOKEN.fullmatch(token or ""))


def mask_tokens(text: str) -> str:
    """The text without the secret part of its links, for what people read and for
    logs."""
    return _IN_LINK.sub(rf"\1{REMOVED}", text)


def read_link_texts(html: str) -> dict[str, str]:
    """What a person read on each tracked link of a kept message, by the link as it is
    kept (``…/chaser/c/removed/3``) and by its position (``3``)."""
    if "/chaser/c/" not in (html or ""):
        return {}
    texts = {}
    for anchor in lxml_html.fromstring(html).iter("a"):
        link = anchor.get("href") or ""
        if found := _KEPT_LINK.search(link):
            words = " ".join(anchor.text_content().split())[:_LINK_TEXT]
            texts[link] = texts[found[1]] = words
    return texts


def restore_tokens(text: str, tokens: dict[str, str], access: dict[int, str]) -> str:
    """The message as it was sent, from what is kept of it.

    :param tokens: by the letter in the link's path (``c``, ``o``, ``u``, ``p``)
    :param access: portal tokens by invoice id
    """
    text = _REMOVED_LINK.sub(
        lambda link: f"/chaser/{link[1]}/{tokens.get(link[1]) or REMOVED}", text
    )
    return _REMOVED_ACCESS.sub(
        lambda link: (
            f"/my/invoices/{link[1]}?access_token={access.get(int(link[1])) or REMOVED}"
        ),
        text,
    )


def judge(
    event_type: str,
    method: str,
    user_agent: str,
    since_sent: timedelta | None,
    position: int | None = None,
) -> tuple[str, str]:
    """Verdict (``human``, ``machine``, ``unknown``) and the key of its reason for one
    open or click.

    Rules after the services' documented habits: image proxies, prefetch of Apple Mail
    and Gmail, scanners of links.
    """
    agent = user_agent or ""
    if method != "GET":  # HEAD, and OPTIONS, which Odoo lets through
        return "machine", "head"
    if event_type == "clicked" and position == HIDDEN_POSITION:
        return "machine", "hidden_link"
    if _ROBOTS.search(agent):
        return "machine", "known_agent"
    if not agent.strip():
        return "machine", "no_agent"
    if _GMAIL_PREFETCH.search(agent):
        return "machine", "prefetch"
    if since_sent is None or since_sent < TOO_SOON:
        return "machine", "too_soon"
    if _GOOGLE_PROXY in agent:
        return "human", "proxy"
    if event_type == "opened" and agent.strip() == "Mozilla/5.0":
        return "unknown", "privacy_proxy"
    return "human", ""


def describe_agent(user_agent: str) -> tuple[str, str]:
    """Device type (``desktop``, ``phone``, ``tablet``, ``other``) and mail client or
    browser, as far as it tells."""
    agent = user_agent or ""
    if _GOOGLE_PROXY in agent:
        return "other", "Gmail"
    result = parse_user_agent(agent[:500])
    family = result.user_agent.family if result.user_agent else ""
    system = result.os.family if result.os else ""
    device = result.device.family if result.device else ""
    if (
        "iPad" in device
        or "Tablet" in device
        or (system == "Android" and "Mobile" not in agent)
    ):
        kind = "tablet"
    elif system in ("iOS", "Android", "Windows Phone"):
        kind = "phone"
    elif system:
        kind = "desktop"
    else:
        kind = "other"
    return kind, family
