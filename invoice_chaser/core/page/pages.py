"""The small public pages: unsubscribe and "this link is not valid", without a session,
in the customer's language."""

from ..letter.html_layout import LAYOUT, get_colors

# A page without script and without anything from elsewhere, in nobody's frame.
PLAIN_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_TEXTS = {
    "en": {
        "ask_title": "Stop payment reminders?",
        "ask": "Payment reminders to %s will stop. Your invoices stay open and can "
        "still be paid.",
        "ask_button": "Stop reminders",
        "done_title": "Reminders stopped",
        "done": "%s will receive no more payment reminders.",
        "invalid_title": "This link is no longer valid",
        "invalid": "The link has expired or is incomplete. Please contact the sender "
        "of the message.",
    },
    "ar": {
        "ask_title": "هل تريدون إيقاف رسائل التذكير بالدفع؟",
        "ask": "سيتوقف إرسال رسائل التذكير بالدفع إلى %s. تبقى فواتيركم مفتوحة ويمكن "
        "سدادها.",
        "ask_button": "إيقاف التذكيرات",
        "done_title": "تم إيقاف التذكيرات",
        "done": "لن تصل رسائل تذكير بالدفع إلى %s بعد الآن.",
        "invalid_title": "هذا الرابط لم يعد صالحًا",
        "invalid": "انتهت صلاحية الرابط أو أنه غير مكتمل. يُرجى التواصل مع مُرسل "
        "الرسالة.",
    },
}


def get_headers(policy: str = PLAIN_POLICY) -> list[tuple[str, str]]:
    """What every response of a public route says: not kept, not found, not framed."""
    return [
        ("Cache-Control", "no-store, private, max-age=0"),
        ("X-Robots-Tag", "noindex"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", policy),
    ]


def _page(lang: str, title: str, lines: list[str], **extra: str) -> str:
    values = {
        "action": "",
        "button": "",
        "company": "",
        **extra,
        **get_colors(extra.get("color", "")),
    }
    return LAYOUT.get_template("unsubscribe.html.jinja").render(
        lang=lang, title=title, lines=lines, **values
    )


def confirm_page(
    lang: str, email: str, action: str, company: str, color: str = ""
) -> str:
    texts = _TEXTS[lang]
    return _page(
        lang,
        texts["ask_title"],
        [texts["ask"] % email],
        action=action,
        button=texts["ask_button"],
        company=company,
        color=color,
    )


def done_page(lang: str, email: str, company: str, color: str = "") -> str:
    texts = _TEXTS[lang]
    return _page(
        lang, texts["done_title"], [texts["done"] % email], company=company, color=color
    )


def invalid_page() -> str:
    """In both languages: whose link it was is not known."""
    return _page(
        "en",
        f"{_TEXTS['en']['invalid_title']} · {_TEXTS['ar']['invalid_title']}",
        [_TEXTS["en"]["invalid"], _TEXTS["ar"]["invalid"]],
    )
