"""What a mail server's refusal means: one table for reports and for responses at once.

Read from top to bottom, the first rule that fits decides. Words outweigh codes, for
many servers put a vague or wrong code before clear words; among codes the one in the
server's own words outweighs that of the report. An address counts as not existing only
because of words or a code about it; what is not understood is soft, and counted.

Sources: RFC 3463 and IANA's registry of enhanced status codes, RFC 5321 §4.2, RFC 7505
(null MX); Google a/answer/3726730, Microsoft "Email non-delivery reports in Exchange
Online", Postfix' and Exim's own texts. Which service says what: the cases of
tests/core/verdict_services.py.
"""

import re
from dataclasses import dataclass

HARD, SOFT, POLICY, DELAYED, DELIVERED = (
    "hard",
    "soft",
    "policy",
    "delayed",
    "delivered",
)
# How far a refusal reaches.
RECIPIENT, MESSAGE, OURS = "recipient", "message", "ours"
_LIMIT = 1000


@dataclass(frozen=True)
class Rule:
    """``key`` names the sentence for the user."""

    key: str
    verdict: str
    reach: str
    words: re.Pattern | None = None


@dataclass(frozen=True)
class Judgement:
    verdict: str
    reach: str
    key: str
    status: str

    @property
    def widespread(self) -> bool:
        return self.verdict == POLICY and self.reach == OURS


def _rule(key: str, verdict: str, reach: str, words: str) -> Rule:
    return Rule(key, verdict, reach, re.compile(words, re.I))


_WORDS = (
    # Not about an address: the route to the server.
    _rule(
        "loop",
        SOFT,
        RECIPIENT,
        r"hop count|too many hops|\bloop(?:s|ing|ed)?\b|too many received",
    ),
    _rule(
        "try_again",
        SOFT,
        RECIPIENT,
        r"not found, try again|lookup (?:failure|failed|error).{0,40}(?:try again"
        r"|temporar)"
        r"|temporary (?:lookup|dns|name)|servfail|grey-?list|unverified address"
        r"|(?:malformed|unexpected).{0,30}name server"
        r"|try (?:again )?later|come back",
    ),
    # About us: who sends.
    _rule(
        "sender",
        POLICY,
        OURS,
        r"sender (?:\w+ )?(?:is )?(?:address )?(?:rejected|denied|refused|blocked"
        r"|invalid|unknown|verif\w+)"
        r"|(?:unroute?able|invalid|bad|unknown|unauthori[sz]ed) sender"
        r"|verification failed for"
        r"|sender(?:'s)? (?:address )?(?:domain|address)|domain of sender|from "
        r"address"
        r"|sending domain|sender (?:domain|id)|senderdomain|return.?path"
        r"|envelope.?from"
        r"|(?:not|isn'?t|not been) verified|identit(?:y|ies) failed|send mail as"
        r"|invalid dns mx|lookup of your|sender'?s (?:mailbox|account)"
        r"|(?:return|from) (?:header )?address|from header|\b(?:helo|ehlo)\b"
        r"|reverse lookup|from your account"
        r"|\byour (?:\w+ )?(?:domain|host|hostname|server|account|address|ip)(?: "
        r"\w+)? (?:is|does|do|has|was|not)\b",
    ),
    _rule(
        "authentication",
        POLICY,
        OURS,
        r"unauthenticated|authenticat(?:ion|ed?) (?:is )?(?:required|failed|needed)"
        r"|not authenticated|must (?:be )?authenticat|authentication.{0,30}(?:fail"
        r"|did not|not pass)"
        r"|\bspf\b|\bdkim\b|\bdmarc\b|\barc\b validation|\bptr\b|reverse dns"
        r"|\brdns\b|\bhelo\b.{0,40}reject",
    ),
    _rule(
        "expired",
        SOFT,
        RECIPIENT,
        r"tim(?:e|ed)[ -]?-?out|retry time(?:out)?|(?:delivery|message"
        r"|queue).{0,40}expired|\bexpired\b"
        r"|too long|could not be delivered for|connection (?:refused|reset|dropped"
        r"|lost|closed)"
        r"|lost connection|no route to host|network (?:is )?unreachable|unable to "
        r"connect|cannot connect|did not accept our requests to connect"
        r"|unable to contact",
    ),
    # The mailbox is there.
    _rule(
        "full",
        SOFT,
        RECIPIENT,
        r"quota|(?:mailbox|mailfolder|inbox|account|storage"
        r"|folder)\b.{0,30}(?:\bfull\b|exceed|limit)"
        r"|over ?limit|insufficient (?:\w+ )?(?:storage|space)|out of storage"
        r"|exceeded? (?:its |the |allowed )?(?:storage|size|space)"
        r"|\bfull mailbox|no space left|not enough (?:storage|space)|disk full"
        r"|صندوق.{0,20}ممتلئ|voll\b",
    ),
    _rule(
        "too_large",
        SOFT,
        MESSAGE,
        r"too (?:large|big)|size (?:limit|exceed)|exceeds (?:the )?(?:\w+ "
        r"){0,3}size|message length exceeds",
    ),
    # About us: where we send from.
    _rule(
        "rate",
        SOFT,
        OURS,
        r"\brate\b|too (?:many|fast|quickly|frequent)|throttl|limit exceeded|daily "
        r"(?:\w+ )?limit|hourly|(?:sending|message|recipients?) limit"
        r"|\bbusy\b|deferred due to",
    ),
    _rule(
        "blocked",
        POLICY,
        OURS,
        r"black-?\s?list|block-?\s?list|spamhaus|\b(?:dns|s|r)bl\b|\bzen\b"
        r"|reputation|blocked using|(?<!not )listed (?:at|on|in|by)"
        r"|(?:\bip\b|host|network|client|server|domain|connection"
        r"|sender)\b[^:;]{0,60}(?:blocked|banned|not allowed|denied|rejected|refused)"
        r"|(?:blocked|banned|denied|refus\w+|reject\w+)\b[^:;]{0,40}\b(?:ip|host"
        r"|network|client|server|domain)\b"
        r"|messages? from \S{3,60} (?:weren[’']?t|were not|was not|wasn[’']?t) sent"
        r"|refused your mail|banned|not (?:allowed|permitted|authori[sz]ed) to "
        r"send (?:mail|e-?mail|messages?)? ?(?:from|as|on behalf)"
        r"|mail from your (?:ip|host|server|domain)|poor reputation|no ptr",
    ),
    _rule(
        "relay",
        POLICY,
        OURS,
        r"\brelay(?:ing)?\b(?!=)|rcpthosts|not (?:a )?local (?:domain|host)|not "
        r"permitted to relay",
    ),
    # The recipient's own rules: others are not met by them.
    _rule(
        "restricted",
        POLICY,
        RECIPIENT,
        r"only accepts? |allowed senders|restricted|resolver\.rst|permission to "
        r"(?:send|post)|not (?:authori[sz]ed|allowed|permitted) to (?:send|post"
        r"|deliver)"
        r"|غير مصرح|autorisée? à|nicht berechtigt|permiso para"
        r"|on the target address|(?:white|allow)-?list|recipient (?:\w+ )?preferences"
        r"|moderat|members? only|not accepting "
        r"(?:mail|messages) from (?:you|this "
        r"sender|external)|inside your organization",
    ),
    _rule(
        "recipient_blocked",
        SOFT,
        RECIPIENT,
        r"(?:recipient|account|mailbox|user|address|customer)(?:'s)? ?(?:\w+ "
        r"){0,2}(?:is |has been |was |been |temporarily )*(?:blocked|suspended"
        r"|locked|frozen|on hold)",
    ),
    _rule(
        "recipient_busy",
        SOFT,
        RECIPIENT,
        r"temporarily (?:disabled|unavailable|deferred|rejected)",
    ),
    # Nobody there.
    _rule(
        "no_domain",
        HARD,
        RECIPIENT,
        r"nxdomain|domain (?:name )?(?:is )?(?:not found|unknown)|no such (?:domain"
        r"|host)|unknown (?:domain|host)|(?:domain|host) (?:\w+ )?(?:does ?n[o'’]?t"
        r"|does not) exist"
        r"|unroute?able (?:mail )?(?:domain|address)|null ?mx|has no mx|no mx "
        r"(?:record|host)|(?:domain|host)\b.{0,40}does not accept (?:mail|e-?mail)"
        r"|bad destination "
        r"(?:system|host)"
        r"|domain (?:\w+ )?could ?n[o'’]t be found|host or domain name not found"
        r"|host (?:is )?(?:not found|unknown)|domain.{0,20}not found|no smtp service"
        r"|domain is not reachable|name or service not known|no mx and no"
        r"|mx records? points? to non-?existent|address lookups failed permanently"
        r"|no address associated with (?:host)?name"
        r"|العثور على (?:ال)?نطاق|domaine.{0,60}introuvable|domäne.{0,60}nicht "
        r"gefunden",
    ),
    _rule(
        "disabled",
        HARD,
        RECIPIENT,
        r"disabled recipient|(?:account|user|mailbox|address|recipient) (?:is |was )?"
        r"not active",
    ),
    _rule(
        "unknown_user",
        HARD,
        RECIPIENT,
        r"(?:user|recipient|mail[ -]?box|address(?:ee)?|account|alias|customer) "
        r"(?:\w+ )?"
        r"(?:is "
        r"|was |has been )?(?:unknown|not known|not exist\w*|invalid|not valid"
        r"|not found"
        r"|disabled|inactive|deactivated|closed|terminated|no longer|deleted"
        r"|removed|discontinued)"
        r"|unknown (?:or illegal )?(?:user|recipient|address|local|account|mailbox"
        r"|alias)|no such (?:\w+ ){0,2}(?:user|recipient|person|mailbox|address"
        r"|account|local|alias|name)"
        r"|(?:user|recipient|mailbox|address|account|person|name)\b.{0,40}(?:does "
        r"?n[o'’]?t|doesn'?t|does not|do not) (?:exist|have an?)"
        r"|(?:doesn'?t|does not) have an? (?:\w+ )?(?:account|mailbox)"
        r"|(?:address|user|recipient|mailbox)\b.{0,60}could ?n[o'’]?t be found"
        r"|could ?n[o'’]t be found|address (?:was )?(?:not |could ?n[o'’]?t be "
        r")found"
        r"|no mail[ -]?box|no account "
        r"by|bad_recipient|(?:invalid|bad|incorrect|wrong|illegal"
        r"|nonexist\w+|non-exist\w+|unrouteable|undeliverable) (?:recipient|address"
        r"|mailbox|user|account|destination|alias|final)"
        r"|not an? (?:valid|known|active) (?:user|mailbox|recipient|address)|possibly "
        r"incorrect|recipientnotfound|recipnotfound|resolver\.adr"
        r"|no longer (?:on|valid|with|in use|active|available|accepts?|works?"
        r"|employed|monitored|exists?)|isn'?t in my control|not in (?:directory"
        r"|address book)"
        r"|check (?:if|that|whether) (?:the )?address is correct"
        r"|does(?:n'?t| not) (?:like|accept) (?:the )?recipient|not listed in "
        r"(?:domino|the|public)|user (?:has )?(?:left|moved)|unknown in|not our "
        r"customer"
        r"|(?:wrote|sent) to (?:was|is) not found|mailbox (?:is )?unavailable"
        r"|(?:user|mailbox) not (?:here|local)|unknown to address|mailbox name not "
        r"allowed|5\.1\.0 address rejected|(?:recipient|user|name|address) (?:is )?not "
        r"(?:recogni[sz]ed|known here)"
        r"|المستلم غير موجود|لم يتم العثور|العنوان غير صحيح|غير موجود|n'existe pas"
        r"|existiert nicht|ist unbekannt|unbekannt\w* (?:empf|benutzer)|desconocido"
        r"|inconnu|no existe|sconosciut|bulunamad|bilinmeyen",
    ),
    # The same in other languages, with the word for an address or a person, for a
    # server may be missing, too: Google's and Microsoft's reports, Domino, QQ, 163.
    _rule(
        "unknown_user",
        HARD,
        RECIPIENT,
        r"(?:تعذ\u0651?ر|يتعذ\u0651?ر|يمكن) العثور على (?:ال)?"
        r"(?:عنوان|مستلم|مستخدم)"
        r"|(?:adresse|destinataire|utilisateur|boîte)\b.{0,80}(?:introuvable|invalide"
        r"|pas répertorié)"
        r"|(?:adresse|empfänger|benutzer|user|postfach)\b.{0,60}nicht (?:gefunden|im "
        r".{0,10}verzeichnis)"
        r"|no se encontró (?:la direcci|el destinat|el usuari|el buz)"
        r"|(?:direcci|destinat|usuari|buz)\w{0,9}\b.{0,60}(?:no se encontr|inexistente)"
        r"|impossibile trovare (?:l'indirizzo|il destinatario)"
        r"|(?:endere|destinat|usu|utilizador|conta)\w{0,9}\b.{0,60}(?:n[ãa]o existe"
        r"|inexistente|n[ãa]o encontrad)"
        r"|(?:пользовател|адрес|получател|ящик)\w{0,9}.{0,60}не (?:найден|существует)"
        r"|(?:用户|用戶|邮箱|郵箱|收件人|地址|帐号|账号).{0,20}(?:不存在|找不到|未找到)"
        r"|(?:ユーザー?|宛先|アドレス|メールボックス).{0,40}(?:見つかりません"
        r"|存在しません)"
        r"|(?:کاربر|گیرنده|آدرس|نشانی).{0,40}(?:وجود ندارد|یافت نشد)"
        r"|(?:پتہ|صارف|وصول کنندہ).{0,40}(?:موجود نہیں|نہیں ملا)"
        r"|(?:पता|प्राप्तकर्ता|उपयोगकर्ता).{0,40}(?:नहीं मिला|मौजूद नहीं)",
    ),
    # What we wrote.
    _rule(
        "spam",
        POLICY,
        OURS,
        r"spam|unsolicited|\buce\b|\bjunk\b|phish|virus|malware|bulk mail",
    ),
    _rule(
        "content",
        POLICY,
        OURS,
        r"content|message (?:was |has been )?(?:rejected|blocked|refused|contains)"
        r"|rejected by|attachment",
    ),
    _rule(
        "prohibited",
        POLICY,
        OURS,
        r"polic|administrative(?:ly)? prohib|prohibited|banned|access denied|not "
        r"authori[sz]ed|not allowed|\bblocked\b|security",
    ),
    _rule("unknown_user", HARD, RECIPIENT, r"recipient (?:address )?rejected"),
)
_KEYS = {rule.key: rule for rule in _WORDS}

# Codes, where the words say nothing. (subject, detail); detail None: any other.
_CODES = {
    (1, 0): ("unclear", SOFT, RECIPIENT),
    (1, 1): ("unknown_user", HARD, RECIPIENT),
    (1, 2): ("no_domain", HARD, RECIPIENT),
    (1, 3): ("bad_address", HARD, RECIPIENT),
    (1, 4): ("unclear", SOFT, RECIPIENT),
    (1, 5): ("unclear", SOFT, RECIPIENT),
    (1, 6): ("moved", HARD, RECIPIENT),
    (1, 7): ("sender", POLICY, OURS),
    (1, 8): ("sender", POLICY, OURS),
    (1, 9): ("unclear", SOFT, RECIPIENT),
    (1, 10): ("no_domain", HARD, RECIPIENT),
    (1, 90): ("rate", SOFT, OURS),
    (1, None): ("unclear", SOFT, RECIPIENT),
    (2, 1): ("disabled", HARD, RECIPIENT),
    (2, 2): ("full", SOFT, RECIPIENT),
    (2, 3): ("too_large", SOFT, MESSAGE),
    (2, None): ("unclear", SOFT, RECIPIENT),
    (3, 4): ("too_large", SOFT, MESSAGE),
    (3, None): ("unclear", SOFT, RECIPIENT),
    (4, 4): ("no_domain", HARD, RECIPIENT),
    (4, 310): ("no_domain", HARD, RECIPIENT),
    (4, 6): ("loop", SOFT, RECIPIENT),
    (4, 7): ("expired", SOFT, RECIPIENT),
    (4, None): ("unclear", SOFT, RECIPIENT),
    (5, None): ("unclear", SOFT, RECIPIENT),
    (6, None): ("content", SOFT, MESSAGE),
    (7, None): ("prohibited", POLICY, OURS),
}
# Exchange: groups and people that take mail from some senders only.
_RESTRICTED = {124, 129, 133, 134, 135, 136, 193, 200, 201}
# A refusal at these commands is never about the address.
EARLY = ("connect", "auth", "helo", "mail", "data")
_STAGES = (
    (
        "connect",
        re.compile(
            r"initial connection|while connecting|greeting|in reply to "
            r"(?:initial|banner)",
            re.I,
        ),
    ),
    (
        "helo",
        re.compile(
            r"(?:after|reply to|response to|sending) (?:\w+ )?(?:helo|ehlo)", re.I
        ),
    ),
    (
        "mail",
        re.compile(r"(?:after|reply to|response to) (?:pipelined )?mail from", re.I),
    ),
    (
        "data",
        re.compile(
            r"(?:after|reply to|response to) (?:the )?(?:pipelined )?(?:end of "
            r")?(?:data|message text)",
            re.I,
        ),
    ),
)
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
_REPLY = re.compile(r"(?<![\d.#])([45]\d\d)(?=[ :-])")
# Addresses, hosts and links repeat names ("info@dailyrate.ae"), no reasons.
_LISTED_AT = re.compile(
    r"https?://[^\s/]{0,100}(?:spamhaus|spamcop|barracudacentral|sorbs|uceprotect|rbl"
    r"|blocklist|blacklist)\S{0,300}",
    re.I,
)
_NAMES = re.compile(
    r"https?://\S{1,300}|[^\s<>@]{0,64}@[^\s<>]{1,255}"
    r"|\b[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,8}\.[a-z][\w-]{1,30}",
    re.I,
)
# What is left of "<ali@customer.ae>".
_EMPTY = re.compile(r"<\s{0,9}>|\{\s{0,9}\}")
# The login of who sends was refused (RFC 4954 §6), whatever is said about an account.
_LOGIN = re.compile(r"^\D{0,20}53[0458]\b")
_SAYS_NOTHING = re.compile(
    r"unknown address error|x-unix|this is a permanent error|domain name[s]? server"
    r"|return(?:ed|ing) (?:message|mail) to sender|message headers?|original message"
    r"|the (?:following )?address\(es\) failed"
    r"|the account or domain may not exist, they may be blacklisted[^.]{0,60}"
    r"|delivery to the following recipients? (?:has )?(?:failed|been delayed)"
    r"(?: permanently)?|it was (?:rejected|refused) by (?:the server for )?the "
    r"recipient domain|internet mail security suite|messaging security suite"
    r"|remote smtp server has rejected address"
    # Postfix' table of recipients, which is about the address, not about relaying.
    r"|\bin (?:relay|local|virtual) (?:\w+ )?(?:recipient|mailbox|alias) table"
    # The reason follows the colon.
    r"|recipient (?:address )?rejected: (?!access denied)(?=\S)",
    re.I,
)


def find_codes(text: str) -> list[tuple[int, int, int]]:
    return [
        tuple(map(int, match.groups())) for match in _ENHANCED.finditer(text[:_LIMIT])
    ]


def find_stage(words: str) -> str:
    return next(
        (stage for stage, pattern in _STAGES if pattern.search(words[:_LIMIT])), ""
    )


def find_rule(words: str) -> Rule | None:
    """The first rule of words that fits."""
    # A name cut off at a bracket ("<ali@policy.ae>: no such user") is a name.
    words = _SAYS_NOTHING.sub(" ", words[:_LIMIT])
    words = _LISTED_AT.sub(" blocklist ", words)
    words = _EMPTY.sub(" ", _NAMES.sub(" ", words))
    words = " ".join(words.split())
    return next((rule for rule in _WORDS if rule.words.search(words)), None)


def judge(action: str, status: str, words: str, stage: str = "") -> Judgement:
    """The verdict on one recipient.

    :param action: of a report (RFC 3464 §2.3.3); empty: unknown
    :param status: of a report, any form
    :param words: the server's own
    :param stage: which command was answered, when we know; else the words may tell
    """
    code = _choose_code(status, words)
    text = ".".join(map(str, code))
    if action in ("delivered", "relayed", "expanded") or (not action and code[0] == 2):
        return Judgement(DELIVERED, RECIPIENT, "delivered", text)
    if action == "delayed":
        return Judgement(DELAYED, RECIPIENT, "delayed", text)
    if action == "expired":
        return Judgement(SOFT, RECIPIENT, "expired", text)
    found = _judge_failed(code, words, stage or find_stage(words))
    return Judgement(found.verdict, found.reach, found.key, text)


def _choose_code(status: str, words: str) -> tuple:
    outer, inner = find_codes(status[:100]), find_codes(words)
    inner = [code for code in inner if code[1:] != (0, 0) and code[0] != 2]
    if inner:
        return inner[-1] if len(inner) > 1 and inner[0][1:] == (1, 0) else inner[0]
    if outer and (outer[0][1:] != (0, 0) or outer[0][0] == 2):
        return outer[0]
    reply = _REPLY.search(words[:_LIMIT])
    if outer and (not reply or reply[1][0] == str(outer[0][0])):
        return outer[0]
    return (int(reply[1][0]), 0, 0) if reply else (5, 0, 0)


def _judge_failed(code: tuple, words: str, stage: str) -> Rule:
    rule, (digit, subject, detail) = find_rule(words), code
    if digit == 4:
        # The server gave up after several tries. Permanent is only a domain that does
        # not exist, and an address that all these tries called unknown, by code and by
        # words.
        if (
            rule
            and rule.key == "no_domain"
            and re.search("nxdomain|domain name not found", words, re.I)
        ):
            return rule
        if rule and rule.key == "unknown_user" and (subject, detail) == (1, 1):
            return rule
        return (
            rule if rule and rule.verdict == SOFT else Rule("expired", SOFT, RECIPIENT)
        )
    if rule and rule.verdict == HARD and _LOGIN.match(words[:_LIMIT]):
        return _KEYS["authentication"]
    if subject == 7 and detail in _RESTRICTED:
        return _KEYS["restricted"]
    if (subject, detail) in ((1, 7), (1, 8)):
        return _KEYS["sender"]
    if (subject, detail) == (1, 90):
        return _KEYS["rate"]
    if not rule or (
        rule.key == "prohibited"
        and (subject, detail) in _CODES
        and subject in (1, 4)
        and detail
    ):
        key, verdict, reach = _CODES.get((subject, detail)) or _CODES.get(
            (subject, None), ("unclear", SOFT, RECIPIENT)
        )
        rule = Rule(key, verdict, reach)
        if key == "unclear":
            rule = _judge_reply(words) or rule
    return _judge_exceptions(rule, subject, detail, words, stage)


def _judge_reply(words: str) -> Rule | None:
    """By the reply code alone: 551 user not local (RFC 5321); 521 and 556 the host, or
    the domain, takes no mail (RFC 7504)."""
    reply = _REPLY.search(words[:_LIMIT])
    keys = {"551": "moved", "521": "no_domain", "556": "no_domain"}
    key = keys.get(reply[1]) if reply else None
    return Rule(key, HARD, RECIPIENT) if key else None


def _judge_exceptions(
    rule: Rule, subject: int, detail: int, words: str, stage: str
) -> Rule:
    if (subject, detail) == (4, 1) and re.search(
        "recipient (?:address )?rejected", words, re.I
    ):
        rule = _KEYS["unknown_user"]  # Exchange Online's edge: no such address
    elif rule.key == "prohibited" and re.search(
        "recipient (?:address )?rejected", words, re.I
    ):
        return Rule("prohibited", POLICY, RECIPIENT)
    if (
        rule.verdict == HARD
        and stage in EARLY
        and not re.search(r"resolver\.adr|5\.1\.10\b", words[:_LIMIT], re.I)
    ):
        return (
            Rule("early", SOFT, RECIPIENT)
            if stage == "data"
            else Rule("early", POLICY, OURS)
        )
    if stage in ("connect", "helo", "mail") and rule.key in ("unclear", "prohibited"):
        return Rule("early", POLICY, OURS)
    return rule
