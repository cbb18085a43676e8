"""Reports of mail servers about mail they could not deliver, or not yet (RFC 3464), and
what others write instead."""

import contextlib
import logging
import re
from dataclasses import dataclass, replace
from email.message import Message

from flufl.bounce import all_failures

from ..mail import verdict
from . import budget, mime

# The library logs an error of one of its detectors as ours before it raises it; we go
# on without.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL + 1)

_DAEMON = re.compile(
    r"^(?:mailer-?daemon|post_?master|mail-?delivery|mdaemon|bounces?)(?:[+.=@-]|$)",
    re.I,
)
_SUBJECT = re.compile(
    r"undeliver|delivery (?:status|failure|has "
    r"failed|report|notification)|returned (?:mail|to sender)|failure notice"
    r"|mail (?:delivery )?(?:failed|failure|system error)"
    r"|could not be delivered|non remis|unzustellbar|delayed|تعذر تسليم|تعذّر "
    r"تسليم|لم يتم تسليم|غير قابلة? للتسليم|فشل التسليم",
    re.I,
)
_MAX_WORDS = 30_000
# Services that report by mail in a form of their own: Amazon SNS, Microsoft's JMRP.
_NOTIFIERS = ("no-reply@sns.amazonaws.com", "staff@hotmail.com", "staff@outlook.com")
_COPIES = (
    "message/rfc822",
    "message/global",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global-headers",
)
# Where a copied message begins: a line that says so, or header lines that no person
# writes.
_COPY = re.compile(
    r"^[ \t>*=_-]{0,80}(?:this is a copy of (?:the|your)|below (?:is|this "
    r"line is) (?:a copy|the)"
    r"|(?:the )?original (?:message|mail|e-?mail)(?: headers?)?(?: follows?| "
    r"below)?[ .:*=_-]{0,80}$"
    r"|(?:unsent|undelivered|returned) message (?:below|follows)|(?:the "
    r")?(?:message|mail) headers? follows?"
    r"|message header:?|(?:the )?header(?:s)? of the (?:original "
    r")?(?:message|mail)|copy of (?:the|your) (?:original )?message"
    r"|your (?:original )?message (?:follows|reads)|ursprüngliche "
    r"nachricht|message d'origine"
    r"|included is a copy|a copy of (?:the|your) (?:original )?message|start "
    r"of returned message"
    r"|begin(?:ning)? of (?:original|returned) message"
    r"|(?:received: "
    r"(?:from|by)|return-path:|dkim-signature:|mime-version:|x-mailer:|"
    r"arc-seal:|message-id: ?<))",
    re.I | re.M,
)
_FIELD = re.compile(
    r"(?:original-recipient|final-recipient|action|status|diagnostic-code|remote-mta|x-actual-recipient|last-attempt-date)\s?:",
    re.I,
)
_TOLD = re.compile(
    r"(?:could|can|was|were|is|has|have)(?: ?n[o'’]t|not)(?: been| be| be "
    r"able to be)? (?:delivered|sent|deliver)|undeliver|unable to deliver"
    r"|delivery (?:\w+ ){0,4}(?:failed|failure)|failed "
    r"(?:permanently|recipient|to deliver)|permanent (?:fatal )?error|rejected"
    r"|did ?n[o'’]t reach|did not reach|wasn[’']t "
    r"(?:delivered|found)|returned to sender|fatal error|attempting to deliver|bounced"
    r"|could ?n[o'’]t deliver|not able to deliver|wasn[’']t able to "
    r"deliver|mailbox.{0,30}(?:exceed|full)|(?:user|recipient|address) unknown"
    r"|konnte nicht zugestellt|n'a pas pu|no se ha podido|تعذر|تعذّر|لم يتم تسليم|فشل",
    re.I,
)
_DELAY = re.compile(
    r"\bdelay|will (?:be )?(?:retr|continue to (?:try|attempt))|still "
    r"(?:being )?(?:tr|attempt)|not yet (?:been )?delivered|warning only"
    r"|temporary (?:problem|failure)|you do not need to resend|تأخر",
    re.I,
)
_NO_RECIPIENT = re.compile(
    r"(?:message-?id|mail from|return-?path|envelope-from|reply-to|sender(?: "
    r"address)?|contact|write to|(?:^|\n)\s{0,20}from)"
    r"\s{0,3}[:=]?\s{0,3}<?$|<$(?<=message-id: <)",
    re.I,
)
_ORIGINAL_ID = re.compile(
    r"^[ \t>]*(?:X-Microsoft-Original-)?Message-ID:\s*(<[^<>\s]{3,250}>)", re.I | re.M
)


@dataclass(frozen=True)
class Failure:
    """One recipient of a report. ``verdict``: ``hard`` (the address does not exist),
    ``soft`` (it failed, another time may do), ``delayed`` (still being tried),
    ``policy`` (refused as spam or by a rule) or ``delivered``. ``widespread``: a
    refusal that the next message would meet as well."""

    address: str
    action: str = ""
    status: str = ""
    words: str = ""
    verdict: str = "soft"
    widespread: bool = False
    original: str = ""
    key: str = ""  # which rule of core.mail.verdict decided

    @property
    def addresses(self) -> tuple[str, ...]:
        """The address we wrote to, as far as the report knows it, then the one that
        failed (a forwarded mail has two)."""
        return tuple(dict.fromkeys(filter(None, (self.original, self.address))))


def looks_like_report(mail: Message) -> bool:
    """By its headers alone: worth reading as a report of a mail server."""
    if mime.sender(mail)[1] in _NOTIFIERS:
        return True
    content_type = mime.header(mail, "Content-Type").lower()
    return (
        content_type.startswith("multipart/report")
        or "delivery-status" in content_type
        or bool(mime.header(mail, "X-Failed-Recipients"))
        or bool(_DAEMON.match(mime.sender(mail)[1].partition("@")[0]))
        or mime.header(mail, "Return-Path") == "<>"
        or (
            bool(_SUBJECT.search(mime.header(mail, "Subject")))
            and not mime.header(mail, "In-Reply-To")
        )
    )


def read_failures(mail: Message) -> list[Failure]:
    """Every recipient that a report speaks of, whatever became of it; empty when it is
    no report."""
    failures = [
        failure for part in _status_parts(mail) for failure in _read_status_part(part)
    ]
    # The block names no address (a pipe, a path, only a domain); the words may.
    if not any(failure.addresses for failure in failures) and (
        failures or looks_like_report(mail)
    ):
        failures = _read_words(mail) or failures
    elif any(
        failure.key == "unclear" or failure.verdict == verdict.HARD
        for failure in failures
    ):
        failures = _explain(mail, failures)
    return _spare_groups(
        list({failure.addresses: failure for failure in reversed(failures)}.values())[
            ::-1
        ]
    )


def _explain(mail: Message, failures: list[Failure]) -> list[Failure]:
    """For blocks that give no reason, takes what the report says in words beside
    them."""
    text = own_words(mail)
    places, failed = _find_places(text), {failure.address for failure in failures}
    explained = []
    for failure in failures:
        budget.check()
        near = _judge_near(failure.address, text, places, failed, failure.action)
        if failure.verdict == verdict.HARD:
            # Some reports name the refused command in words only.
            stage = verdict.find_stage(near.words)
            found = verdict.judge(failure.action, failure.status, failure.words, stage)
            failure = _with(failure, found)
        elif failure.key == "unclear" and near.key != "unclear":
            failure = replace(near, original=failure.original, status=failure.status)
        explained.append(failure)
    return explained


def _with(failure: Failure, found: verdict.Judgement) -> Failure:
    return replace(
        failure,
        verdict=found.verdict,
        widespread=found.widespread,
        key=found.key,
        status=found.status,
    )


def _spare_groups(failures: list[Failure]) -> list[Failure]:
    """A group address that reached one of its members exists, even if other members do
    not."""
    members: dict[str, set] = {}
    for failure in failures:
        if failure.original:
            members.setdefault(failure.original, set()).add(failure.address)
    groups = {original for original, found in members.items() if len(found) > 1}
    return [
        replace(failure, original="")
        if failure.original in groups
        and failure.address != failure.original
        and failure.verdict == "hard"
        else failure
        for failure in failures
    ]


def original_ids(mail: Message) -> list[str]:
    """Message-IDs of the mail that the report is about: attached whole, as headers, or
    copied into the text."""
    found = []
    for part in mime.parts(mail):
        kind = mime.content_type(part)
        if kind in (
            "message/rfc822",
            "message/global",
            "text/rfc822-headers",
            "message/rfc822-headers",
            "message/global-headers",
        ):
            original = attached(part)
            ids = mime.message_ids(
                *(
                    mime.header(original, name)
                    for name in ("X-Microsoft-Original-Message-ID", "Message-ID")
                )
            )
            # A line that is no header, or an empty one, ends the headers too early.
            found += ids or _ORIGINAL_ID.findall(
                mime.content(part)[:20_000].decode("utf-8", "replace")
            )
        elif kind in ("text/plain", "text/html"):
            found += _ORIGINAL_ID.findall(mime.text_of(part))
    return list(dict.fromkeys(found))


def attached(part: Message) -> Message:
    """The message inside a part, however it was put there."""
    payload = part.get_payload()
    if (
        isinstance(payload, list)
        and payload
        and isinstance(payload[0], Message)
        and payload[0].keys()
    ):
        return payload[0]
    return mime.parse(mime.content(part) or str(payload).encode("utf-8", "replace"))


# -- standard reports


def _status_parts(mail: Message) -> list[Message]:
    return [
        part
        for part in mime.parts(mail)
        if mime.content_type(part)
        in ("message/delivery-status", "message/global-delivery-status")
    ]


def _read_status_part(part: Message) -> list[Failure]:
    payload = part.get_payload()
    blocks = (
        [block for block in payload if isinstance(block, Message)]
        if isinstance(payload, list)
        else []
    )
    if not any("final-recipient" in map(str.lower, block.keys()) for block in blocks):
        text = mime.decode(mime.content(part)) or "\n\n".join(map(str, blocks))
        blocks = [
            mime.parse(block.encode("utf-8", "replace"))
            for block in re.split(r"\r?\n[ \t]*\r?\n", text.strip())
        ]
    return [
        _read_block(block)
        for block in blocks[:500]
        if mime.header(block, "Final-Recipient")
        or mime.header(block, "Original-Recipient")
    ]


def _read_block(block: Message) -> Failure:
    budget.check()
    action = mime.header(block, "Action").lower().split(" ")[0].strip(";")
    status = mime.header(block, "Status").split(" ")[0]
    words = mime.header(block, "Diagnostic-Code")
    words = re.sub(r"^\s*[\w-]+\s*;\s*", "", words)[:500]
    found = verdict.judge(action, status, words)
    return Failure(
        address=_recipient(block, "Final-Recipient"),
        original=_recipient(block, "Original-Recipient"),
        action=action,
        status=found.status,
        words=words,
        verdict=found.verdict,
        widespread=found.widespread,
        key=found.key,
    )


def _recipient(block: Message, name: str) -> str:
    # "rfc822; a@b"; Exchange writes a bare address, others an X.400 one, and some
    # encode it (RFC 3461 xtext).
    found = mime.addresses(block, name)
    return (
        re.sub(r"\+([0-9a-f]{2})", lambda hit: chr(int(hit[1], 16)), found[0])
        if found and "+40" in found[0]
        else found[0]
        if found
        else ""
    )


def judge(action: str, status: str, words: str) -> tuple[str, bool, str]:
    """Verdict, whether it concerns more than this recipient, and the status in use."""
    found = verdict.judge(action, status, words)
    return found.verdict, found.widespread, found.status


# -- reports in words


def own_words(mail: Message) -> str:
    """What the server says itself, which ends where the copied message begins."""
    text = mime.body(mail).replace(mime.QUOTE_MARK, "")[:_MAX_WORDS]
    found = _COPY.search(text)
    return text[: found.start()] if found else text


def _read_words(mail: Message) -> list[Failure]:
    text = own_words(mail)
    blocks = _read_blocks_in_words(text)
    if blocks:
        return blocks
    if not _is_failure_told(mail, text):
        return []
    named, permanent, temporary = _find_named(mail, text)
    written = [
        address
        for address in _find_written(mail)
        if address not in _get_not_meant(mail)
    ]
    places = _find_places(text)
    told = [
        address
        for address in dict.fromkeys([*permanent, *named])
        if address not in temporary
    ]
    failed = (
        [address for address in told if address in written]
        or told
        or ([] if temporary else written[:1])
    )
    is_delayed = _is_delay_told(mail, text)
    if not failed and not temporary and _is_from_server(mail):
        # Our message is named, but not its recipient: that is known from the reminder.
        return [_judge_near("", text, [], set(), "delayed" if is_delayed else "failed")]
    failures = []
    for address in failed[:200]:
        budget.check()
        failure = _judge_near(
            address, text, places, set(failed), "delayed" if is_delayed else "failed"
        )
        # It was forwarded on the way: the address that we wrote to is only in the
        # returned copy.
        original = written[0] if len(written) == 1 and address not in written else ""
        failures.append(replace(failure, original=original))
    return failures + [
        Failure(
            address,
            "delayed",
            verdict="delayed",
            key="delayed",
            words=_get_words_near(address, text, places, {address})[0],
        )
        for address in sorted(temporary - set(failed))[:200]
    ]


def _is_from_server(mail: Message) -> bool:
    """A server's own mail, not that of a program which answers for somebody."""
    return bool(_DAEMON.match(mime.sender(mail)[1].partition("@")[0])) or mime.header(
        mail, "Content-Type"
    ).lower().startswith("multipart/report")


def _read_blocks_in_words(text: str) -> list[Failure]:
    """The fields of a standard report, written into the text."""
    lines = text.split("\n")
    fields = [line.strip() for line in lines if _FIELD.match(line.strip())]
    if not any(line.lower().startswith("final-recipient") for line in fields):
        return []
    # A field name that has occurred before begins a new block.
    blocks, names = [[]], set()
    for line in fields[:500]:
        name = line.partition(":")[0].lower()
        if name in names:
            blocks.append([])
            names = set()
        names.add(name)
        blocks[-1].append(line)
    parsed = [
        mime.parse("\n".join(block).encode("utf-8", "replace") + b"\n\n")
        for block in blocks
    ]
    return [
        _read_block(block) for block in parsed if mime.header(block, "Final-Recipient")
    ]


def _is_failure_told(mail: Message, text: str) -> bool:
    subject = mime.header(mail, "Subject")
    return bool(
        mime.header(mail, "X-Failed-Recipients")
        or _SUBJECT.search(subject)
        or _TOLD.search(text[:3000])
        or verdict.find_codes(text)
        or re.search(r"^\W{0,20}5\d\d[ -]", text[:3000], re.M)
    )


def _is_delay_told(mail: Message, text: str) -> bool:
    told = f"{mime.header(mail, 'Subject')} {text[:600]}"
    return bool(_DELAY.search(told)) and not _TOLD.search(text[:3000])


def _get_not_meant(mail: Message) -> set[str]:
    """Ourselves and the server that reports."""
    return {
        mime.sender(mail)[1],
        *mime.addresses(mail, "To", "Delivered-To", "Reply-To"),
    }


def _find_named(mail: Message, text: str) -> tuple[list[str], list[str], set[str]]:
    """Addresses in the server's words, those that it calls failed, and delayed ones."""
    not_meant = _get_not_meant(mail)
    named, ours = [], []
    for start, end in mime.find_address_spans(text):
        address, before = text[start:end].lower(), text[max(start - 40, 0) : start]
        if address.startswith(("postmaster@", "mailer-daemon@", "abuse@")):
            continue
        # An identifier, or who wrote: no recipient.
        if _NO_RECIPIENT.search(before) or len(address.partition("@")[0]) > 64:
            continue
        (ours if address in not_meant else named).append(address)
    # There is no other address: we wrote to ourselves, for a test.
    named = named or ours
    temporary, permanent = set(), set()
    with contextlib.suppress(
        Exception
    ):  # a detector of the library may stumble over any mail
        temporary, permanent = (
            _texts(found) for found in all_failures(_shorten(mail, text))
        )
    failed = mime.addresses(mail, "X-Failed-Recipients") + sorted(
        permanent & set(named)
    )
    return (
        list(dict.fromkeys(named)),
        list(dict.fromkeys(failed)),
        temporary & set(named),
    )


def _find_written(mail: Message) -> list[str]:
    """Whom the returned message was written to."""
    found = []
    for part in mime.parts(mail):
        if mime.content_type(part) in _COPIES:
            found += mime.addresses(attached(part), "X-Original-To", "To", "Cc")
    text = mime.body(mail).replace(mime.QUOTE_MARK, "")[:_MAX_WORDS]
    copy = _COPY.search(text)
    if copy:
        for line in text[copy.start() :].split("\n")[:200]:
            if line.lstrip("> \t").lower().startswith(("to:", "cc:")):
                found += mime.find_addresses(line)
    return list(dict.fromkeys(found))


def _find_places(text: str) -> list[tuple[int, int, str]]:
    return [
        (start, end, text[start:end].lower())
        for start, end in mime.find_address_spans(text)
    ]


def _shorten(mail: Message, text: str) -> Message:
    """The beginning of a report; the library tries hundreds of patterns at each line,
    so that a whole one takes too long."""
    short = Message()
    for name in ("From", "To", "Subject", "X-Mailer"):
        short[name] = mime.header(mail, name)[:300]
    short.set_payload(
        "\n".join(line[:300] for line in text[:20_000].split("\n")[:300]) + "\n"
    )
    return short


def _texts(found: frozenset) -> set[str]:
    texts = (
        address.decode("ascii", "ignore")
        if isinstance(address, bytes)
        else str(address)
        for address in found
    )
    return {address for text in texts for address in mime.find_addresses(text)[:1]}


def _judge_near(
    address: str, text: str, places: list, failed: set, action: str
) -> Failure:
    """By the words behind the address; where they say nothing, by those before it."""
    behind, before = _get_words_near(address, text, places, failed)
    words = behind
    if not verdict.find_rule(behind) and not verdict.find_codes(behind) and before:
        words = (
            f"{before} {behind}"
            if verdict.find_rule(before) or verdict.find_codes(before)
            else behind
        )
    found = verdict.judge(action, "", words)
    return Failure(
        address,
        action,
        found.status,
        words[:500],
        found.verdict,
        found.widespread,
        key=found.key,
    )


def _get_words_near(
    address: str, text: str, places: list, failed: set
) -> tuple[str, str]:
    """The words from the last place of the address up to the next failed one, and
    those before it."""
    mine = [place for place in places if place[2] == address]
    if not mine:
        return mime.clean(text[:1000], one_line=True)[:500], ""
    best = ("", "")
    for start, end, _address in mine[:5]:
        others = [
            place for place in places if place[2] in failed and place[2] != address
        ]
        stop = min((place[0] for place in others if place[0] > end), default=end + 800)
        last = max(
            (place[1] for place in others if place[1] < start),
            default=max(start - 400, 0),
        )
        found = (
            mime.clean(text[end : min(stop, end + 800)], one_line=True)[:500],
            mime.clean(text[max(last, start - 400) : start], one_line=True)[-400:],
        )
        if verdict.find_rule(found[0]) or verdict.find_codes(found[0]):
            return found
        best = best if best[0] or best[1] else found
    return best
