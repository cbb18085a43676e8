"""Reports in a server's own words, as far as they reach: whom they call failed, why."""

import contextlib
import logging
import re
from dataclasses import replace
from email.message import Message

from flufl.bounce import all_failures

from ..mail import verdict
from . import budget, mime
from .status_block import COPIES, Failure, attached, read_block

# The library logs an error of one of its detectors as ours before it raises it; we go
# on without.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL + 1)

DAEMON = re.compile(
    r"^(?:mailer-?daemon|post_?master|mail-?delivery|mdaemon|bounces?)(?:[+.=@-]|$)",
    re.I,
)
SUBJECT = re.compile(
    r"undeliver|non-?delivery|failed mail|delivery (?:status|failure|has "
    r"failed|report|notification)|returned (?:mail|to sender)|failure notice"
    r"|mail (?:delivery )?(?:failed|failure|system error)|not send mail"
    r"|(?:mail|message|delivery) (?:error|problem|rejected|bounced?)"
    r"|could not be delivered|non remis|unzustellbar|delayed|تعذر تسليم|تعذّر "
    r"تسليم|لم يتم تسليم|غير قابلة? للتسليم|فشل التسليم",
    re.I,
)
# What only mail is called, so that it needs no further proof.
SURE_SUBJECT = re.compile(
    r"undeliverable|undelivered (?:mail|message|e-?mail)|non-?delivery|failed mail"
    r"|delivery status|returned mail|failure notice|mail delivery (?:failed|failure)"
    r"|non remis|unzustellbar|تعذر تسليم|تعذّر تسليم|لم يتم تسليم|فشل تسليم",
    re.I,
)
# Two lines of our message, as some servers repeat them above their words.
_REPEATED = re.compile(r"(?:^|\n)[\s>*]{0,20}(?:to|cc|bcc)\s{0,3}:[^\n]{0,30}$", re.I)
MAX_WORDS = 30_000
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
    r"|returned message[ =*_-]{0,80}$"
    r"|(?:received: "
    r"(?:from|by)|return-path:|dkim-signature:|mime-version:|x-mailer:|"
    r"arc-seal:|message-id: ?<))",
    re.I | re.M,
)
_LABEL = re.compile(r"^\s{0,9}(?:(?:failed|recipient) )?(?:address|recipient):", re.I)
# Oracle's (Sun's) Messaging Server says first which message it speaks of.
_ABOUT = re.compile(
    r"relates to a message you sent with the following header fields:\n{1,3}"
    r"(?:[ \t]{1,8}[\w-]{1,40}:[^\n]{0,500}\n){1,20}",
    re.I,
)
_CODE_LINE = re.compile(r"^\W{0,20}5\d\d[ -]", re.M)
CODE = re.compile(
    r"^\W{0,20}5\d\d[ -]|(?:said|returned|response|replied|error)\s?:?\s{0,3}5\d\d[ -]",
    re.M | re.I,
)
_FOLDED = re.compile(r"(?<=,)\n(?:[> ]{0,10}[ \t])")
_FIELD = re.compile(
    r"(?:original-recipient|final-recipient|action|status|diagnostic-code|remote-mta|x-actual-recipient|last-attempt-date)\s?:",
    re.I,
)
TOLD = re.compile(
    r"(?:could|can|was|were|is|has|have)(?: ?n[o'’]t|not)(?: been| be| be "
    r"able to be)? (?:delivered|sent|deliver)|undeliver|unable to deliver"
    r"|delivery (?:\w+ ){0,4}(?:failed|failure|errors?)|failed "
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
_FOR_HOURS = re.compile(r"for (?:the )?(?:past|last) [\d.]+ (?:hour|minute|day)", re.I)
_NO_RECIPIENT = re.compile(
    r"(?:message-?id|mail from|return-?path|envelope-from|reply-to|sender(?: "
    r"address)?|contact|write to|(?:^|\n)\s{0,20}from)"
    r"\s{0,3}[:=]?\s{0,3}<?$|<$(?<=message-id: <)",
    re.I,
)


def own_words(mail: Message) -> str:
    """What the server says itself, which ends where the copied message begins."""
    text = mime.body(mail).replace(mime.QUOTE_MARK, "")[:MAX_WORDS]
    text = _ABOUT.sub("", text, count=1)
    found = _COPY.search(text)
    return text[: found.start()] if found else text


def read_words(mail: Message) -> list[Failure]:
    text = own_words(mail)
    blocks = _read_blocks_in_words(text)
    if blocks:
        return explain(mail, blocks)
    if not _is_failure_told(mail, text):
        return []
    named, permanent, temporary = _find_named(mail, text)
    written = [
        address
        for address in _find_written(mail)
        if address not in _get_not_meant(mail)
    ]
    places = find_places(text)
    told = [
        address
        for address in dict.fromkeys([*permanent, *named])
        if address not in temporary
    ]
    meant = {*written, *_find_listed(text, places)} if written else set()
    failed = (
        [address for address in told if address in meant]
        or told
        or ([] if temporary else written[:1])
    )
    is_delayed = _is_delay_told(mail, text)
    if not failed and not temporary and _is_from_server(mail):
        # Our message is named, but not its recipient: that is known from the reminder.
        return [judge_near("", text, [], set(), "delayed" if is_delayed else "failed")]
    failures = []
    for address in failed[:200]:
        budget.check()
        failure = judge_near(
            address, text, places, set(failed), "delayed" if is_delayed else "failed"
        )
        # It was forwarded on the way: the address that we wrote to is only in the
        # returned copy.
        is_passed_on = len(written) == 1 and written[0] not in failed
        original = written[0] if is_passed_on else ""
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


def _find_listed(text: str, places: list) -> set[str]:
    """Addresses that begin a line and are followed by the reason: a report may name
    more recipients than the copied headers, those of a copy."""
    listed = set()
    for start, end, address in places:
        budget.check()
        line = text[max(start - 40, 0) : start].rpartition("\n")[2]
        words = text[end : end + 300].partition("\n\n")[0]
        line = _LABEL.sub("", line).strip(" \t\r<>*0123456789.-")
        if not line and verdict.find_rule(words):
            listed.add(address)
    return listed


def explain(mail: Message, failures: list[Failure]) -> list[Failure]:
    """For blocks that give no reason, takes what the report says in words beside
    them."""
    text = own_words(mail)
    places, failed = find_places(text), {failure.address for failure in failures}
    explained = []
    for failure in failures:
        budget.check()
        near = judge_near(failure.address, text, places, failed, failure.action)
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


def _is_from_server(mail: Message) -> bool:
    """A server's own mail, not that of a program which answers for somebody."""
    return bool(DAEMON.match(mime.sender(mail)[1].partition("@")[0])) or mime.header(
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
        read_block(block) for block in parsed if mime.header(block, "Final-Recipient")
    ]


def _is_failure_told(mail: Message, text: str) -> bool:
    subject = mime.header(mail, "Subject")
    if mime.sender(mail)[1].startswith("mailer-daemon"):
        return True  # whatever it says, it answers for nobody
    if not mime.sender(mail)[1] or _is_from_server(mail):
        rule = verdict.find_rule(text[:1000])
        if rule and rule.verdict == verdict.HARD:
            return True
    return bool(
        mime.header(mail, "X-Failed-Recipients")
        or SUBJECT.search(subject)
        or TOLD.search(text[:3000])
        or verdict.find_codes(text)
        or _CODE_LINE.search(text[:3000])
    )


def _is_delay_told(mail: Message, text: str) -> bool:
    told = f"{mime.header(mail, 'Subject')} {text[:600]}"
    if _FOR_HOURS.search(told):
        return True
    return bool(_DELAY.search(told)) and not TOLD.search(text[:3000])


def _get_not_meant(mail: Message) -> set[str]:
    """Ourselves and the server that reports."""
    return {
        mime.sender(mail)[1],
        *mime.addresses(mail, "To", "Delivered-To", "Reply-To"),
    }


def _find_named(mail: Message, text: str) -> tuple[list[str], list[str], set[str]]:
    """Addresses in the server's words, those that it calls failed, and delayed ones."""
    not_meant = _get_not_meant(mail)
    named, ours, repeated = [], [], []
    for start, end in mime.find_address_spans(text):
        address, before = text[start:end].lower(), text[max(start - 40, 0) : start]
        if address.startswith(("postmaster@", "mailer-daemon@", "abuse@")):
            continue
        # An identifier, or who wrote: no recipient.
        if _NO_RECIPIENT.search(before) or len(address.partition("@")[0]) > 64:
            continue
        address = address.removeprefix("smtp=")
        is_repeated = _REPEATED.search(before)
        group = repeated if is_repeated else named
        (ours if address in not_meant else group).append(address)
    # There is no other address: we wrote to ourselves, for a test.
    named = named or repeated or ours
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
        if mime.content_type(part) in COPIES:
            found += mime.addresses(attached(part), "X-Original-To", "To", "Cc")
    text = mime.body(mail).replace(mime.QUOTE_MARK, "")[:MAX_WORDS]
    copy = _COPY.search(text)
    if copy:
        lines = _FOLDED.sub(" ", text[copy.start() : copy.start() + 20_000])
        for line in lines.split("\n")[:200]:
            if line.lstrip("> \t").lower().startswith(("to:", "cc:")):
                found += mime.find_addresses(line)
    return list(dict.fromkeys(found))


def find_places(text: str) -> list[tuple[int, int, str]]:
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


def judge_near(
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
