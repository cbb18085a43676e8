"""What Meta says of a number, its account and the token, as findings that a person can
act on.

Source: Meta, "Business phone numbers", "Messaging health status", "Messaging limits",
"Debug token"."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .webhook import read_end, read_limit

SCOPES = (
    "business_management",
    "whatsapp_business_management",
    "whatsapp_business_messaging",
)
# A token that ends is told so many days before.
TOKEN_NOTICE = timedelta(days=14)
_QUALITIES = {"GREEN", "YELLOW", "RED"}


@dataclass(frozen=True)
class Finding:
    """``sentence``: key of the catalogue of reasons; ``blocks``: nothing can be sent
    until a person has acted."""

    sentence: str
    params: dict = field(default_factory=dict)
    blocks: bool = False


def _find(sentence, blocks=False, **params):
    return Finding(f"whatsapp_check_{sentence}", params, blocks)


@dataclass(frozen=True)
class Facts:
    """What is kept of a number. ``limit``: unique persons in 24 hours, 0 for none, None
    where Meta does not say; ``quality``: ``green``, ``yellow``, ``red`` or empty."""

    number: str = ""
    name: str = ""
    status: str = ""
    quality: str = ""
    limit: int | None = None
    portfolio: str = ""
    currency: str = ""
    token_expires: datetime | None = None


def read_facts(number: dict, account: dict, token: dict) -> Facts:
    """From the responses of ``read_number``, ``read_account`` and ``read_token``; the
    last two may be empty."""
    owner = account.get("owner_business_info")
    quality = _word(number.get("quality_rating"))
    return Facts(
        number=_text(number.get("display_phone_number")),
        name=_text(number.get("verified_name")),
        status=_word(number.get("status")),
        quality=quality.lower() if quality in _QUALITIES else "",
        limit=read_limit(number.get("whatsapp_business_manager_messaging_limit")),
        portfolio=_text(owner.get("id")) if isinstance(owner, dict) else "",
        currency=_text(account.get("currency")),
        token_expires=read_end(token.get("expires_at")),
    )


def explain(
    number: dict, account: dict, token: dict, subscriptions: list, app_id: str, now
) -> list[Finding]:
    """All findings, those that block first. ``now``: UTC without zone."""
    found = [
        *_explain_token(token, app_id, now),
        *_explain_number(number),
        *_explain_health(number.get("health_status")),
        *_explain_quality(number),
        *_explain_subscriptions(subscriptions, app_id),
    ]
    return sorted(found, key=lambda one: not one.blocks)


def is_well(sentence: str) -> bool:
    """Whether a finding says that something is in order."""
    return sentence.startswith("whatsapp_check_ok_")


def confirm(number: dict, token: dict, found: list[str]) -> list[Finding]:
    """What is in order, so that a person sees all that was looked at.

    :param found: sentences of what is not
    """
    facts = read_facts(number, {}, token)
    bad = {one.removeprefix("whatsapp_check_") for one in found}
    made = []
    if facts.status == "CONNECTED":
        made.append(_find("ok_number", detail=facts.number, name=facts.name))
    if facts.quality == "green":
        made.append(_find("ok_quality"))
    if facts.limit is not None:
        word = "ok_limit" if facts.limit else "ok_no_limit"
        made.append(_find(word, detail=f"{facts.limit:,}"))
    if not any(one.startswith("health_") for one in bad):
        made.append(_find("ok_health"))
    if token and not bad & {"token_invalid", "scopes", "other_app", "token_ends"}:
        if facts.token_expires:
            date = facts.token_expires.date().isoformat()
            made.append(_find("ok_token_until", date=date))
        else:
            made.append(_find("ok_token"))
    if not bad & {"not_subscribed", "no_proof", "account"}:
        made.append(_find("ok_reports"))
    return made


def _explain_token(token, app_id, now):
    if not token:
        return
    if token.get("is_valid") is False:
        yield _find("token_invalid", True)
    scopes = token.get("scopes")
    missing = set(SCOPES) - set(map(str, scopes if isinstance(scopes, list) else ()))
    if missing:
        # Without the first one only the billing pages are out of reach.
        blocks = bool(missing - {"business_management"})
        yield _find("scopes", blocks, detail=", ".join(sorted(missing)))
    told = _text(token.get("app_id"))
    if app_id and told and told != app_id:
        yield _find("other_app", True, detail=told)
    expires = read_end(token.get("expires_at"))
    if expires and expires <= now + TOKEN_NOTICE:
        yield _find("token_ends", expires <= now, date=expires.date().isoformat())


def _explain_number(number):
    status = _word(number.get("status"))
    if status and status != "CONNECTED":
        code = {
            "PENDING": "register",
            "DISCONNECTED": "register",
            "UNVERIFIED": "verify",
            "FLAGGED": "flagged",
            "RESTRICTED": "restricted",
            "BANNED": "banned",
            "RATE_LIMITED": "restricted",
            "DELETED": "gone",
            "MIGRATED": "gone",
        }.get(status, "status")
        yield _find(code, code != "flagged", detail=status)
    if _word(number.get("platform_type")) == "NOT_APPLICABLE":
        yield _find("register", True, detail="NOT_APPLICABLE")
    if _word(number.get("name_status")) in ("DECLINED", "NONE", "EXPIRED"):
        yield _find("name", False, detail=_word(number.get("name_status")))


def _explain_quality(number):
    quality = _word(number.get("quality_rating"))
    if quality in ("YELLOW", "RED"):
        yield _find(f"quality_{quality.lower()}")
    if read_limit(number.get("whatsapp_business_manager_messaging_limit")) is None:
        yield _find("limit_unknown")


def _explain_health(health):
    """Each part of the chain (number, account, business, app) with what Meta says of
    it."""
    for entity in _rows(health, "entities"):
        state = _word(entity.get("can_send_message"))
        if state in ("", "AVAILABLE"):
            continue
        words = [
            " ".join(
                filter(
                    None,
                    (
                        _text(error.get("error_description")),
                        _text(error.get("possible_solution")),
                    ),
                )
            )
            for error in _rows(entity, "errors")
        ]
        more = entity.get("additional_info")
        words += [_text(one) for one in more] if isinstance(more, list) else []
        part = {
            "PHONE_NUMBER": "health_number",
            "WABA": "health_account",
            "BUSINESS": "health_business",
            "APP": "health_app",
        }.get(_word(entity.get("entity_type")), "health_other")
        yield _find(
            part, state == "BLOCKED", detail=" ".join(filter(None, words))[:400]
        )


def _explain_subscriptions(subscriptions, app_id):
    apps = set()
    for one in subscriptions:
        data = one.get("whatsapp_business_api_data") if isinstance(one, dict) else None
        apps.add(_text(data.get("id")) if isinstance(data, dict) else "")
    apps.discard("")
    if not apps or (app_id and app_id not in apps):
        yield _find("not_subscribed")


def _rows(value, name):
    """The dictionaries of a list."""
    rows = value.get(name) if isinstance(value, dict) else None
    rows = rows if isinstance(rows, list) else []
    return [row for row in rows if isinstance(row, dict)]


def _text(value):
    return str(value) if isinstance(value, (str, int)) else ""


def _word(value):
    return value.strip().upper() if isinstance(value, str) else ""
