"""What a person wrote themselves, apart from the mail they answer to.

A line is taken for a quote only on proof: a mark in front of it under a line that says
who wrote, or a block of mail headers. In doubt it is shown: a quote too many does no
harm, a lost word may be the answer. Nothing here scans a text twice, so the time grows
with its length alone."""

import re

from . import budget

MAX_CHARS = 20_000
_MAX_LINES = 4_000
_HEAD = 400  # characters of a line that are looked at
# In front of a line that an HTML mail marks as quoted; never in what comes out.
QUOTE_MARK = "\ue000"
_MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"

# "… wrote:" as mail programs write it above a quote (Gmail, Apple, Thunderbird,
# Yahoo, Zoho). Words of the last part of the line.
_WROTE = re.compile(
    r"\b(?:wrote|writes|schrieb|écrit|a écrit|escribió|scritto|schreef|escreveu"
    r"|написал|написала|пишет|пише|yazdı|şunu yazdı|napisał|napisała|skrev|kirjoitti"
    r"|napsal|írta|scrisse)\b"
    r"|كتب|كتبت|كتبه|写道|寫道|लिखा|نوشت|تحریر کیا|লিখেছেন|എഴുതി|எழுதினார்|sumulat",
    re.I,
)
_OPENS = re.compile(
    r"(?:on|am|le|el|il|op|em|no "
    r"dia|в|пт|пн|вт|ср|чт|сб|вс|في|بتاريخ|يوم|در|کو|於|在)\s"
    r"|\d|\w+,? ",
    re.I,
)
# The beginning of such a line, where it goes on in the next.
_STARTS_DATED = re.compile(
    r"(?:[->*]{1,6} ?)?(?:(?:on|am|le|el|il|op|em|no "
    r"dia|den|dnia|в|пт|пн|вт|ср|чт|сб|вс"
    r"|في|بتاريخ|يوم|در|کو|於|在)\s[^\n]{0,30}[\d٠-٩۰-۹]|[\d٠-٩۰-۹]{1,4}[./-]"
    r"[\d٠-٩۰-۹])",
    re.I,
)
_MOMENT = re.compile(r"[\d٠-٩۰-۹]{1,2}[:٫.][\d٠-٩۰-۹]{2}")
# Names of header fields in mails that programs copy.
_FROM = (
    "from",
    "von",
    "de",
    "da",
    "van",
    "от",
    "kimden",
    "gönderen",
    "من",
    "المرسل",
    "از",
    "发件人",
    "寄件者",
    "प्रेषक",
    "منجانب",
    "expéditeur",
    "remitente",
)
_SENT = (
    "sent",
    "date",
    "gesendet",
    "datum",
    "envoyé",
    "enviado",
    "enviado el",
    "enviada em",
    "enviado em",
    "gönderildi",
    "fecha",
    "inviato",
    "data",
    "verzonden",
    "отправлено",
    "дата",
    "gönderme tarihi",
    "tarih",
    "تم الإرسال",
    "أُرسلت",
    "أرسلت",
    "تاريخ الإرسال",
    "التاريخ",
    "أرسل",
    "الإرسال",
    "تاريخ",
    "ارسال",
    "发送时间",
    "日期",
    "भेजा गया",
)
_TO = (
    "to",
    "an",
    "à",
    "para",
    "a",
    "aan",
    "кому",
    "kime",
    "alıcı",
    "إلى",
    "الى",
    "به",
    "收件人",
    "cc",
    "kopie",
    "copie",
    "نسخة",
    "抄送",
    "reply-to",
    "bcc",
)
_SUBJECT = (
    "subject",
    "betreff",
    "objet",
    "asunto",
    "oggetto",
    "onderwerp",
    "assunto",
    "тема",
    "konu",
    "الموضوع",
    "موضوع",
    "主题",
    "主旨",
    "विषय",
    "importance",
)
_FIELDS = {
    name: kind
    for kind, names in (
        ("from", _FROM),
        ("sent", _SENT),
        ("to", _TO),
        ("subject", _SUBJECT),
    )
    for name in names
}
_ORIGINAL = re.compile(
    r"(?:original message|original appointment|ursprüngliche "
    r"nachricht|message d'origine"
    r"|mensaje original|messaggio originale|oorspronkelijk bericht|mensagem original"
    r"|исходное сообщение|الرسالة الأصلية|رسالة أصلية|原始邮件|original e-?mail)",
    re.I,
)
_FORWARDED = re.compile(
    r"(?:forwarded|weitergeleitete|transféré|reenviado|inoltrato|doorgestuurd"
    r"|encaminhada|пересылаемое|رسالة معاد توجيهها|الرسالة المعاد توجيهها"
    r"|تمت إعادة توجيه|转发)",
    re.I,
)
_FORWARD_SUBJECT = re.compile(
    r"(?:re\s*:\s*)?(?:fw|fwd|wg|tr|rv|enc|doorst|i|إعادة توجيه|إعادة توجيه|转发)\s*:",
    re.I,
)
# Words with which a person points to an answer below or inside the quote.
_BELOW = re.compile(
    r"\b(?:below|inline|in-line|beneath|underneath|in (?:red|blue|green|bold|caps)"
    r"|in your (?:mail|e-?mail|message)|see my|my (?:answers|comments|replies))\b"
    r"|أدناه|ادناه|بالأسفل|بالاسفل|بالأحمر|بالاحمر|باللون|ردي على|ضمن رسالتكم",
    re.I,
)
_ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,100}\.[^\s<>@.]{2,20}")
_DATE = re.compile(r"[\d٠-٩۰-۹]{1,4}[^\n]{0,40}[\d٠-٩۰-۹]{1,2}")


def strip_quote(text: str, is_forward: bool = False) -> str:
    """The reply alone; the whole text where nothing would remain.

    :param text: plain text of a mail, any line ends; only the first 20,000
        characters are looked at
    """
    return split_quote(text, is_forward)[0]


def split_quote(text: str, is_forward: bool = False) -> tuple[str, str]:
    """What they wrote, and the quoted rest; together nothing is missing.

    :param is_forward: what was passed on to us is what they want to say, too
    """
    text = text[:MAX_CHARS].strip()
    lines = text.split("\n")
    if len(lines) > _MAX_LINES:
        # Long runs of empty lines are removed: no person writes them.
        lines = _squeeze(lines)
    own = _mark_own(lines, is_forward)
    if all(own) or not any(
        mine and line.strip() for mine, line in zip(own, lines, strict=True)
    ):
        return _join(lines), ""
    return (
        _join([line for line, mine in zip(lines, own, strict=True) if mine]),
        _join([line for line, mine in zip(lines, own, strict=True) if not mine]),
    )


def is_forwarded(subject: str) -> bool:
    return bool(_FORWARD_SUBJECT.match(subject[:60].strip(_MARKS + " ")))


def _mark_own(lines: list[str], is_forward: bool) -> list[bool]:
    """For each line whether it is theirs."""
    heads = [line[:_HEAD].strip(_MARKS + " \t\r*") for line in lines]
    quoted = [line.startswith(QUOTE_MARK) for line in lines]
    marked = [head.startswith(">") for head in heads]
    own = [not flag for flag in quoted]
    following = _find_following(heads)
    position, below_attribution = 0, any(quoted)
    while position < len(lines):
        budget.check()
        if quoted[position] or marked[position]:
            position += 1
            continue
        is_forward = is_forward or _starts_forward(heads[position])
        length = _count_attribution(heads, position, following, quoted, marked)
        if length:
            below_attribution = True
            own[position : position + length] = [False] * length
            after = following[position + length - 1]
            if after < len(lines) and (quoted[after] or marked[after]):
                position += length
                continue
        elif is_forward or not _starts_copy(heads, position, following):
            position += 1
            continue
        # A mail copied without quote marks reaches to the end of the text.
        above = " ".join(
            head for head, mine in zip(heads, own[:position], strict=False) if mine
        )
        if _may_go_on_below(above):
            own[position:] = [True] * (len(lines) - position)
            position += max(length, 1)
            continue
        own[position:] = [False] * (len(lines) - position)
        break
    if below_attribution or _is_quote_without_attribution(heads, marked):
        own = [mine and not flag for mine, flag in zip(own, marked, strict=True)]
    return own


def _find_following(heads: list[str]) -> list[int]:
    """For each line the next one that is not empty."""
    following, found = [len(heads)] * len(heads), len(heads)
    for position in range(len(heads) - 1, -1, -1):
        following[position] = found
        if heads[position]:
            found = position
    return following


def _count_attribution(heads, position, following, quoted, marked) -> int:
    """How many lines from here on say "on this day this person wrote:"; 0: none."""
    head = heads[position].lstrip("- ")
    if not head or not (_OPENS.match(head) or "<" in head):
        return 0
    for count in (1, 2, 3):
        lines = heads[position : position + count]
        if len(lines) < count or (count > 1 and not lines[-1]):
            return 0
        # Only where the line breaks off may it go on in the next.
        if count > 1 and lines[-2].endswith((":", ".", "!", "?")):
            return 0
        text = " ".join(lines)
        if text.startswith("----"):  # Zoho rules it off on both sides
            text = text.strip("- ") + ":"
        is_address = bool(_ADDRESS.search(text[-160:]))
        is_named = _WROTE.search(text[-160:]) or (
            _STARTS_DATED.match(text) and _MOMENT.search(text) and is_address
        )
        if not is_named or len(text) > _HEAD:
            continue
        after = following[position + count - 1]
        is_quoted = after < len(heads) and (quoted[after] or marked[after])
        ends = text.rstrip(_MARKS + " ").endswith((":", "："))
        found = (
            _DATE.search(text)
            and (
                (is_quoted and ends)  # their mark follows
                or (is_quoted and is_address)
                or (ends and is_address and bool(_WROTE.search(text[-160:])))
            )
        )
        if found:
            return 0 if count > 1 and _is_own_line_above(heads, position) else count
    return 0


def _is_own_line_above(heads, position) -> bool:
    """Whether a line is what they wrote themselves, directly above "on this day this
    person wrote:", and no beginning of it."""
    return not (_STARTS_DATED.match(heads[position])) or bool(
        _STARTS_DATED.match(heads[position + 1])
    )


def _starts_forward(head: str) -> bool:
    inner = head.strip("-_ :")
    return (
        head != inner
        and len(head) < 100
        and bool(
            _FORWARDED.match(inner) or re.match("begin forwarded message", inner, re.I)
        )
    )


def _starts_copy(heads, position, following) -> bool:
    """Whether a mail of which the headers were copied begins here."""
    head = heads[position]
    if not head:
        return False
    if head[0] in "-_" or _ORIGINAL.match(head):
        inner = head.strip("-_ >")
        if not inner and len(head) >= 10 and following[position] < len(heads):
            return _is_header_block(heads, following[position], following)
        return bool(
            _ORIGINAL.fullmatch(inner)
            and (
                head[0] in "-_"
                or _is_header_block(heads, following[position], following)
            )
        )
    return _is_header_block(heads, position, following)


def _is_header_block(heads, position, following) -> bool:
    """From, then when and to whom or what about: an address or a subject among them.

    Details of a transfer look alike (from a bank, to a bank, a date), but have
    neither, or other lines between.
    """
    kinds, address, count = [], False, 0
    while position < len(heads) and count < 8:
        kind = _get_field(heads[position])
        if not kind:
            break
        kinds.append(kind)
        address = address or bool(_ADDRESS.search(heads[position]))
        position, count = following[position], count + 1
    if not kinds or kinds[0] != "from":
        return False
    found = set(kinds)
    if "subject" in found:
        return address or "sent" in found
    return address and "sent" in found and "to" in found


def _get_field(head: str) -> str:
    name, colon, _value = head[:60].replace("：", ":").partition(":")
    name = name.strip(_MARKS + " *\t\u00a0").lower()
    return _FIELDS.get(name, "") if colon else ""


def _may_go_on_below(above: str) -> bool:
    """Whether there is nothing above but a greeting, or words that point below."""
    words = above.split()
    return (
        len(words) <= 3
        and above.rstrip().endswith((",", "،", ":"))
        or (bool(_BELOW.search(above)) or not words)
    )


def _is_quote_without_attribution(heads: list[str], marked: list[bool]) -> bool:
    """Some programs name nobody above the quote. A line or two of their own may
    begin with the mark, too."""
    blocks = sum(
        flag and not (position and marked[position - 1])
        for position, flag in enumerate(marked)
    )
    return (
        sum(marked) >= 3
        or blocks >= 2
        or any(
            "/chaser/" in head for head, flag in zip(heads, marked, strict=True) if flag
        )
    )


def _squeeze(lines: list[str]) -> list[str]:
    kept = []
    for line in lines:
        if line.strip() or (kept and kept[-1].strip()):
            kept.append(line)
    return kept[:MAX_CHARS]


def _join(lines: list[str]) -> str:
    text = "\n".join(
        "> " + line[1:] if line.startswith(QUOTE_MARK) else line for line in lines
    )
    return _collapse(text).strip()


def _collapse(text: str) -> str:
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text
