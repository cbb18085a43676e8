"""Whether a customer's message asks us to write no more, in English or Arabic.

Meta's policy wants a wish honoured in whatever words it comes. But who asks us to stop
a delivery, or not to send the goods, has said nothing about messages; and a customer
who is taken off by mistake is chased by nobody. So a verb of stopping counts alone, or
with an object that means messages, never with another one.
"""

import re
import unicodedata

_MARKS = re.compile("[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0640]")
_LETTERS = str.maketrans(
    {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ؤ": "و", "ئ": "ي"}
)
_NOISE = re.compile(r"[^\w\s'/?؟.!،,;؛:-]", re.U)

# -- the whole message is one of these -------------------------------------------------

_EN_ALONE = re.compile(
    r"(?:please |pls |plz |kindly |now |just ){0,8}"
    r"(?:stop(?: ?(?:all|it|now|this|that|please|pls)){0,8}|stopall"
    r"|unsubscribe(?: me| us)?"
    r"|end|quit|cancel|opt[ -]?out|optout|remove(?: me| us)?|no more|enough|block)"
    r"(?: please| pls| now| thanks| thank you){0,8}"
)
_AR_ALONE = re.compile(
    r"(?:(?:من فضلك(?:م)?|لو سمحت(?:م|وا)?|رجاء|ارجو(?:كم)?|نرجو) ){0,8}"
    r"(?:ايقاف|الايقاف|قف|قفوا|توقف|توقفوا|وقف|وقفوا|اوقف|اوقفوا|كفي|كفايه|يكفي|بس|خلاص"
    r"|الغاء|الغاء الاشتراك|الغ الاشتراك|الغوا الاشتراك|انهاء|حظر|ستوب|ازاله)"
    r"(?: (?:من فضلك(?:م)?|لو سمحت(?:م|وا)?|رجاء|شكرا|فورا|الان|هذا|ذلك)){0,8}"
)

# -- somewhere in it -------------------------------------------------------------------

_EN_MESSAGES = (
    r"(?:whats ?app )?(?:whats ?app(?:s|ing)?|wa|messages?|msgs?|texts?|sms|reminders?"
    r"|notifications?|spam(?:ming)?|alerts?|these|those|this kind)"
)
_EN_WRITING = (
    r"(?:messag(?:e|ing)|msg(?:ing)?|text(?:ing)?|whats ?app(?:ing)?|contact(?:ing)?"
    r"|writ(?:e|ing)|spam(?:ming)?|remind(?:ing)?|disturb(?:ing)?|bother(?:ing)?"
    r"|notify(?:ing)?)"
)
_EN_US = r"(?:me|us|this (?:number|phone|mobile)|my (?:number|phone|mobile)|here)"
_EN_GAP = (
    r"(?:(?:me|us|any|all|more|further|such|the|these|those|your|payment|daily|weekly"
    r"|constant|automated?|automatic|of|kind|so many|to us|to me|again) ){0,8}"
)
_EN_END = r"(?=\s*(?:$|[.!,;:?]|please\b|pls\b|thanks\b|thank\b|again\b|any ?more\b|on\b|to\b|at\b|via\b|by\b|and\b|or\b|through\b|i\b|we\b|now\b))"  # noqa: E501
_EN_PHRASES = (
    # stop sending (me) (these) messages; stop these reminders; stop messaging us
    rf"(?:stop|cease|quit|discontinue) (?:sending|send|forwarding) {_EN_GAP}{_EN_MESSAGES}\b",  # noqa: E501
    rf"(?:stop|cease|quit|discontinue) (?:sending|send) (?:(?:to )?{_EN_US}|anything|it|them|more){_EN_END}",  # noqa: E501
    rf"(?:stop|cease|discontinue|cancel|end) {_EN_GAP}{_EN_MESSAGES}{_EN_END}",
    rf"(?:stop|cease|quit) {_EN_WRITING}(?: (?:to )?{_EN_US})?{_EN_END}",
    # do not message me; don't send me (any) messages; never write to this number
    rf"(?:do not|don'?t|dont|never|pls no|no longer) (?:ever )?{_EN_WRITING} (?:to )?{_EN_US}\b",  # noqa: E501
    rf"(?:do not|don'?t|dont|never) (?:ever )?send {_EN_GAP}{_EN_MESSAGES}\b",
    rf"(?:do not|don'?t|dont|never) (?:ever )?send (?:(?:to )?{_EN_US}|anything|any ?more)(?: (?:any ?more|again|anything(?: (?:again|any ?more|else))?)){{0,8}}{_EN_END}",  # noqa: E501
    rf"(?:do not|don'?t|dont|no longer) (?:want|wish|agree|consent) (?:to )?(?:get|receive|be sent)? ?(?:to )?{_EN_GAP}(?:{_EN_MESSAGES}|be (?:contacted|messaged|texted))\b",  # noqa: E501
    rf"no more {_EN_GAP}{_EN_MESSAGES}\b",
    # remove my number; take us off your list; unsubscribe; opt out
    r"(?:remove|delete|take|erase) (?:me|us|my number|our number|this number|my phone|the number)(?: (?:from|off|out)\b|\s*(?:$|[.!,;]|please\b))",  # noqa: E501
    r"\bunsubscribe\b",
    r"\bopt(?:ing|ed)?[ -]?(?:me |us )?out\b",
    r"(?:withdraw|revoke)\w* (?:my|our|the) (?:consent|permission|opt-?in)",
    r"leave (?:me|us) alone",
)
_EN_FOUND = re.compile("|".join(rf"(?:\b{one})" for one in _EN_PHRASES))
# What turns it round, right before: a denial, a question about the past, a condition.
_EN_NOT = re.compile(
    r"(?:\bnot|n'?t|\bdont|\bnever|\bdid you|\bdid u|\bwhy did you|\bhave you|\bhas it"
    r"|\byou have|\byou|\bif we|\bif i|\bunless we|\bhow (?:do|can) (?:i|we)) "
    r"(?:please |ever |just |really |already ){0,8}$"
)
# "can you stop", "could you please stop" ask for it.
_EN_ASKED = re.compile(r"\b(?:can|could|would|will|should|must) (?:you|u) (?:\w+ )?$")

_AR_MESSAGES = (
    r"(?:ال)?(?:رسايل|رساله|رسالات|مسجات|مسج|تذكير|تذكيرات|اشعارات|اشعار|تنبيهات"
    r"|مراسلات|مراسله|واتس ?اب|واتساب|واتس)(?:كم|ك|ات)?"
)
_AR_GAP = (
    r"(?:(?:لي|لنا|الي|الينا|اليه|علي|علينا|هذه|هذا|هذي|تلك|كل|جميع|اي|اي من|مزيدا من"
    r"|المزيد من|مثل|مثل هذه|بعد الان|اخري|في|من|عبر|ارسال|استقبال|استلام|تلقي|ب) )"
    r"{0,8}"
)
_AR_US = (
    r"(?:لي|لنا|الي|الينا|علي (?:هذا )?(?:ال)?رقم(?:ي|نا)?|علي هذا الرقم|لهذا الرقم"
    r"|هنا|لرقمي|لرقمنا|علي رقمي|شيء|شييا|شي|اي شي(?:ء)?|بعد الان|مره اخري|مره ثانيه"
    r"|تاني|ثاني|مجددا|ابدا|نهاييا)"
)
_AR_END = r"(?=\s*(?:$|[.!،,؛;:؟?]))"
_AR_PHRASES = (
    # لا ترسلوا (لنا) (رسائل) · لا ترسل مرة أخرى · لا ترسلوا.
    rf"(?:لا|ما|بلا|عدم) (?:ترسل(?:وا|ون|ين|ي|و)?|تبعث(?:وا|ون|و)?|تبعت(?:وا|و)?|ارسال|بعث|تواصلوا) {_AR_GAP}{_AR_MESSAGES}\b",  # noqa: E501
    rf"(?:لا|ما|عدم) (?:ترسل(?:وا|ون|ين|ي|و)?|تبعث(?:وا|ون|و)?|تبعت(?:وا|و)?|ارسال)(?: {_AR_US})+{_AR_END}",  # noqa: E501
    rf"(?:لا|ما) (?:ترسل(?:وا|ون|ين|ي|و)?|تبعث(?:وا|و)?|تبعت(?:وا|و)?){_AR_END}",
    # لا تراسلونا · لا تزعجونا · لا تتواصلوا معنا
    r"(?:لا|ما|عدم) (?:تراسل(?:وا|و|ون)?(?:ني|نا)|مراسل(?:تي|تنا)"
    r"|تزعج(?:وا|و)?(?:ني|نا)|ازعاج(?:ي|نا)|تكلم(?:وا|و)?(?:ني|نا)|تتواصل(?:وا)? "
    r"مع(?:ي|نا)"
    r"|التواصل مع(?:ي|نا)|تواصل مع(?:ي|نا)) ?(?:عبر|علي)?",
    # توقفوا عن الإرسال / المراسلة · أوقفوا (هذه) الرسائل · إيقاف الرسائل
    rf"(?:توقف(?:وا|و)?|كف(?:وا|و)?|التوقف|بطل(?:وا|و)?) (?:عن )?(?:{_AR_GAP}{_AR_MESSAGES}|(?:ال)?(?:ارسال|مراسله|ازعاج)(?:{_AR_END}| (?:{_AR_US}|{_AR_GAP}{_AR_MESSAGES}))|مراسل(?:تي|تنا)|ازعاج(?:ي|نا))",  # noqa: E501
    rf"(?:اوقف(?:وا|و)?|وقف(?:وا|و)?|ايقاف|بوقف|بايقاف|الغاء|الغ|الغوا|اقطعوا|منع|امنعوا) (?:عني |عنا )?{_AR_GAP}{_AR_MESSAGES}",  # noqa: E501
    # لا أريد / لا نرغب في رسائل · ما نبي رسايل · مو حاب رسائل
    rf"(?:لا|ما|مش|مو|لم اعد|لم نعد) (?:اريد|نريد|ارغب|نرغب|اود|نود|ابغي|نبغي|ابي|نبي|ابا|نبا|احتاج|نحتاج|عايز|عاوز|عايزين|حاب|حابين|بدي|بدنا|اوافق|نوافق) {_AR_GAP}{_AR_MESSAGES}",  # noqa: E501
    rf"(?:بدون|بلا|كفي|كفايه|يكفي|بس|خلاص) {_AR_GAP}{_AR_MESSAGES}\b",
    # احذفوا رقمي · إلغاء الاشتراك
    r"(?:احذف(?:وا|و)?|امسح(?:وا|و)?|شيل(?:وا|و)?|ازيل(?:وا|و)?|ازل|حذف|ازاله|مسح) (?:هذا )?(?:ال)?رقم(?:ي|نا)?\b",  # noqa: E501
    r"(?:الغاء|الغ|الغوا|الغي) (?:ال)?اشتراك(?:ي|نا)?\b",
    r"(?:سحب|نسحب|اسحب) (?:ال)?موافق(?:ه|تي|تنا)",
    r"ستوب\b",
)
_AR_FOUND = re.compile("|".join(rf"(?:(?<!\w)[وف]?{one})" for one in _AR_PHRASES))
_AR_NOT = re.compile(r"(?<!\w)(?:لا|لم|لماذا|ليش|هل|ما سبب|سبب|اذا|لو لم) (?:تم )?$")


# Characters that are looked at; a message of WhatsApp has 4,096 at most.
_MAX = 4_096


def find_opt_out(text: str) -> str:
    """The words by which a message asks for no more messages, as folded for the
    comparison; empty when it asks for nothing of the kind.

    :param text: what the customer wrote, as plain text in any mixture of languages
    """
    plain = _fold(text[:_MAX])
    alone = " ".join(re.sub(r"[^\w\s'-]", " ", plain).split())
    for pattern in (_EN_ALONE, _AR_ALONE):
        if alone and pattern.fullmatch(alone):
            return alone
    for match in _EN_FOUND.finditer(plain):
        before = plain[: match.start()]
        if not _EN_NOT.search(before) or _EN_ASKED.search(before):
            return match.group().strip()
    for match in _AR_FOUND.finditer(plain):
        if not _AR_NOT.search(plain[: match.start()]):
            return match.group().strip()
    return ""


def _fold(text: str) -> str:
    """Lower case, plain apostrophes, one space, and Arabic letters without their
    variants, so that how somebody types makes no difference."""
    plain = unicodedata.normalize("NFKC", text or "").casefold()
    plain = plain.replace("’", "'").replace("`", "'").replace("´", "'")
    plain = _MARKS.sub("", plain).translate(_LETTERS)
    return " ".join(_NOISE.sub(" ", plain).split())
