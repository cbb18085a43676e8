"""Wording that a reminder in the UAE should not have unless the company wants it:
interest, fees, threats, religion.

Single words mislead ("interested", "free of charge", «قضاء الدين»), so harmless phrases
are taken out first, and what remains is searched for. Sources of the rule: FACTS on
riba and late-payment fees; REQUIREMENTS 6.6."""

import re
from collections.abc import Iterator
from functools import lru_cache

TOPICS = ("interest", "fee", "threat", "religion")

# Vowel signs and tatweel carry no meaning here; forms of alef and final ya are written
# in several ways.
_MARKS = re.compile("[\u0640\u064b-\u0652\u0670]")
_LETTERS = str.maketrans("أإآٱى", "ااااي")
# "and", "so", "with", "for", "as", and the article, written together with the word.
_PREFIX = r"(?<!\w)[وف]?[بلك]?(?:ال|لل|ل)?"


def _any(*patterns: str) -> re.Pattern:
    return re.compile(r"\b(?:" + "|".join(patterns) + r")\b", re.I)


def _arabic(*patterns: str) -> re.Pattern:
    return re.compile(
        _PREFIX + "(?:" + "|".join(patterns).translate(_LETTERS) + r")(?!\w)"
    )


_ENGLISH = {
    "interest": (
        _any(
            r"(?:best|mutual|common|shared|own|your|our|their|both|continued|kind|"
            r"keen|great|special|public) interests?(?! (?:rate|charge|payment))",
            r"in the interests? of",
            r"interests? in",
            r"of interest to",
            r"conflicts? of interest",
            r"interest[- ]free",
            r"(?:without|no) interest",
        ),
        _any(r"interests?", r"usury", r"riba"),
    ),
    "fee": (
        _any(
            r"(?:no|without|without any|free of|free from) (?:\w+ "
            r")?(?:fees?|charges?|surcharges?|penalt(?:y|ies))",
            r"(?:school|tuition|audit|professional|consult\w+|service|subscription|"
            r"membership|licen[cs]e|annual|monthly|our) fees?",
        ),
        _any(
            r"(?:late|overdue|penalty|admin(?:istrati(?:on|ve))?|collection|"
            r"processing|reminder|dunning|default|delay)(?: payment)? "
            r"(?:fees?|charges?)",
            r"surcharges?",
            r"penalt(?:y|ies)",
            r"fines?(?= of| will| may| shall)",
            r"(?:additional|extra) (?:fees?|charges?|costs?)",
            r"an? (?:\w+ )?fee",
            r"fees? (?:will|shall|may|of|apply|applies)",
            r"charge you",
            r"compensation for (?:late|delay\w*)",
        ),
    ),
    "threat": (
        _any(
            r"food courts?",
            r"court (?:road|street|tower|building)",
            r"legal (?:name|entity|form|address|address)",
        ),
        _any(
            r"legal "
            r"(?:actions?|proceedings?|steps?|measures?|consequences?|notices?|remed(?:y|ies)|department|team|means)",
            r"law ?suits?",
            r"sue",
            r"suing",
            r"courts?",
            r"prosecut\w+",
            r"police",
            r"criminal\w*",
            r"black-?list\w*",
            r"debt[- ]collect\w+",
            r"collection agenc(?:y|ies)",
            r"bailiffs?",
            r"seiz(?:e|ed|ure)",
            r"lawyers?",
            r"attorneys?",
            r"solicitors?",
            r"advocates?",
            r"litigat\w+",
            r"credit bureau",
            r"travel ban",
            r"(?:serious|severe|grave|bear the|face the|face) consequences",
            r"or else",
        ),
    ),
    "religion": (
        _any(r"godown"),
        _any(
            r"gods?",
            r"allah",
            r"in ?sh?a'? ?allah",
            r"islam\w*",
            r"muslims?",
            r"sha?ria\w*",
            r"haram",
            r"sin(?:s|ful)?",
            r"qur'?an",
            r"prophets?",
            r"religio\w+",
        ),
    ),
}
_ARABIC = {
    "interest": (
        re.compile(
            "(?:لما فيه|ذات|تحقيق|كل) (?:ال)?فائده|(?:ال)?فائده "
            "(?:لل\\w+|ال?مشتركه|كبيره)|بدون (?:اي )?(?:فوائد|فائده)|دون فوائد"
        ),
        _arabic("فائده", "فوائد", "ربا", "ربوي\\w*", "مراباه"),
    ),
    "fee": (
        re.compile(
            "(?:بدون|دون|بلا) (?:اي )?(?:رسوم|غرامات|غرامه|تكاليف)|رسوم "
            "(?:الدراسه|دراسيه|الخدم\\w+|الاشتراك|الترخيص)"
        ),
        _arabic(
            "غرامه",
            "غرامات",
            "رسوم (?:ال)?(?:تاخير|سداد|تحصيل|اداريه|اضافيه|تاخر)",
            "رسوما? (?:اضافيه|اداريه)",
            "تكاليف اضافيه",
            "تعويض(?:ات)? (?:عن )?(?:ال)?تاخ\\w+",
            "عقوبات",
            "عقوبه",
            "شرط (?:ال)?جزائي",
        ),
    ),
    "threat": (
        re.compile(
            "قضاء (?:ال)?(?:دين|حاج\\w*|وقت)|الاسم القانوني|الكيان القانوني|الصفه "
            "القانونيه"
        ),
        _arabic(
            "(?:ال)?اجراءات (?:ال)?قانونيه",
            "(?:ال)?(?:شؤون|شوون|مساءله|ملاحقه|طرق|خطوات|تدابير|جهات|سبل) "
            "(?:ال)?قانونيه",
            "(?:ال)?اجراء (?:ال)?قانوني",
            "قضاء",
            "قضائي\\w*",
            "محكمه",
            "محاكم",
            "دعوي",
            "دعاوي",
            "شرطه",
            "محام(?:ي|ون|ين|و)?(?:نا|كم)?",
            "مقاضا\\w+",
            "(?:س)?نقاضي\\w*",
            "ملاحق\\w+",
            "قائمه (?:ال)?سوداء",
            "(?:شركه|وكاله|مكتب) (?:ال)?تحصيل",
            "منع (?:من )?(?:ال)?سفر",
            "عواقب",
            "حجز علي \\w+",
            "تهديد\\w*",
        ),
    ),
    "religion": (
        re.compile(
            "السلام عليكم ورحمه الله(?: وبركاته)?|(?:ان "
            "شاء|باذن|بحمد|بعون|(?:حفظ|سلم|رعا|وفق)\\w{0,10}) الله|الحمد لله|عبد "
            "الله"
        ),
        _arabic(
            "الله",
            "حرام",
            "قران(?: الكريم)?",
            "شريعه",
            "اسلام\\w*",
            "ذنب",
            "اثم",
            "قيامه",
            "مسلم(?:ين|ون)?",
            "دينيه?",
            "نبي",
            "رسول",
        ),
    ),
}


def normalize_arabic(text: str) -> str:
    """The letters without vowel signs and tatweel, alef in one form, ta marbuta as ha;
    of the same length where nothing was taken out."""
    return _MARKS.sub("", text).translate(_LETTERS).replace("ة", "ه")


@lru_cache(maxsize=4096)
def find_wording(text: str, lang: str) -> tuple[tuple[str, str], ...]:
    """(topic, words found) in a paragraph of a language, each topic once."""
    return tuple(_search(text, lang))


def _search(text: str, lang: str) -> Iterator[tuple[str, str]]:
    text = " ".join(text.split())
    tables = (
        [_ENGLISH] if lang == "en" else [_ARABIC, _ENGLISH]
    )  # an Arabic letter may quote English words
    for topic in TOPICS:
        for table in tables:
            harmless, meant = table[topic]
            plain = normalize_arabic(text) if table is _ARABIC else text
            match = meant.search(
                harmless.sub(lambda found: " " * len(found.group()), plain)
            )
            if match:
                yield topic, match.group().strip()
                break
