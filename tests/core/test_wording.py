"""Wording about interest, fees, threats and religion: what is found, and what only
looks like it."""

import pytest
from core.letter.wording import TOPICS, find_wording, normalize_arabic

FOUND = {
    ("en", "interest"): [
        "Interest will be charged on overdue amounts.",
        "We will add 9% interest.",
        "late payment interest applies",
        "an interest rate of 2 %",
        "Interest on the amount accrues daily",
        "plus statutory interest",
        "compound interest",
        "This is not usury",
        "INTEREST OF 5%",
        "The interest charged so far",
        "your interest charges",
    ],
    ("en", "fee"): [
        "A late fee will be added",
        "late payment charges of AED 50",
        "a penalty of 2%",
        "penalties may apply",
        "collection charges apply",
        "Additional charges may be incurred",
        "We may charge you for each reminder",
        "a reminder fee",
        "Fees will apply",
        "an administrative fee of AED 100",
        "surcharge",
        "default charges",
    ],
    ("en", "threat"): [
        "we will take legal action",
        "without further notice we start legal proceedings",
        "see you in court",
        "we will sue",
        "our lawyers will contact you",
        "a lawsuit",
        "report you to the police",
        "you will be blacklisted",
        "hand over to a debt collection agency",
        "a collection agency",
        "face serious consequences",
        "pay today, or else",
        "criminal complaint",
        "a travel ban",
        "our legal department",
    ],
    ("en", "religion"): [
        "Fear God and pay",
        "debts are a sin",
        "as Islam teaches",
        "according to Sharia",
        "it is haram",
        "Insha Allah you will pay",
        "the Prophet said",
        "Qur'an",
    ],
    ("ar", "interest"): [
        "سيتم احتساب فوائد على المبلغ",
        "وستضاف فائدة بنسبة 9%",
        "الفائدة القانونية",
        "بالفوائد المستحقة",
        "هذا من الربا",
        "فوائدُ التأخير",
    ],
    ("ar", "fee"): [
        "ستفرض غرامة تأخير",
        "والغرامات المترتبة",
        "رسوم تأخير قدرها 50 درهمًا",
        "رسوم إدارية",
        "رسومًا إضافية",
        "تكاليف إضافية",
        "تعويض عن التأخير",
        "الشرط الجزائي",
        "عقوبة مالية",
    ],
    ("ar", "threat"): [
        "سنتخذ الإجراءات القانونية اللازمة",
        "سنضطر إلى اتخاذ إجراءات قانونية",
        "سنلجأ إلى القضاء",
        "سنحيل الأمر إلى المحكمة",
        "رفع دعوى قضائية",
        "إبلاغ الشرطة",
        "سيتولى المحامي الأمر",
        "محامونا",
        "مقاضاتكم",
        "القائمة السوداء",
        "شركة تحصيل",
        "منع السفر",
        "ستتحملون العواقب",
        "الشؤون القانونية",
        "الملاحقة القضائية",
    ],
    ("ar", "religion"): [
        "اتقوا الله",
        "هذا حرام",
        "كما جاء في القرآن الكريم",
        "وفق الشريعة",
        "يوم القيامة",
        "هذا إثم",
    ],
}
HARMLESS = {
    "en": [
        "If you are interested in a payment plan",
        "in your best interest",
        "in the interest of a good relationship",
        "our interest in working with you",
        "of interest to you",
        "interest-free instalments",
        "no interest",
        "free of charge",
        "without any fee",
        "no late fee",
        "the person in charge",
        "our fees for the audit",
        "school fees",
        "please confirm receipt",
        "as a courtesy",
        "of course",
        "we will refer the matter to our management",
        "we will review the terms of further deliveries",
        "without further steps",
        "your legal name",
        "food court",
        "single sign-on since Monday",
        "godown rent",
        "a fine result",
        "your discharge papers",
        "please issue payment",
        "our sincere thanks",
        "consequently",
        "a finest selection",
        "interesting offer",
        "supply chain",
        "Courtyard Hotel",
        "charge your account once you agree",
        "We are pursuing a solution",
    ],
    "ar": [
        "السلام عليكم ورحمة الله وبركاته",
        "إن شاء الله",
        "بإذن الله",
        "السيد عبدالله المنصوري",
        "السيد عبد الله",
        "لما فيه فائدة للطرفين",
        "الفائدة المشتركة",
        "قضاء الدين",
        "الاسم القانوني للشركة",
        "بدون غرامات",
        "سداد المبلغ المستحق",
        "نأمل منكم التكرم بالسداد",
        "شروط التوريد",
        "إدارة شركتنا",
        "الدين المستحق",
        "رسوم الخدمة",
        "مع فائق الاحترام والتقدير",
        "استفادة",
        "رسولنا إليكم",
        "بالنسبة",
        "حجز الموعد",
        "الحرامي",
    ],
}


@pytest.mark.parametrize(
    ("lang", "topic", "text"),
    [(*key, text) for key, texts in FOUND.items() for text in texts],
)
def test_found(lang, topic, text):
    assert topic in dict(find_wording(text, lang)), text


@pytest.mark.parametrize(
    ("lang", "text"),
    [(lang, text) for lang, texts in HARMLESS.items() for text in texts],
)
def test_harmless(lang, text):
    assert find_wording(text, lang) == ()


def test_each_topic_once_with_its_words():
    found = find_wording(
        "Interest and a late fee, then court and police. More interest.", "en"
    )
    assert [topic for topic, _words in found] == ["interest", "fee", "threat"]
    assert (
        dict(found)["interest"].lower() == "interest"
        and dict(found)["fee"] == "a late fee"
    )
    assert all(topic in TOPICS for topic, _words in found)


def test_english_words_inside_an_arabic_letter():
    assert dict(find_wording("سيتم احتساب late fee على المبلغ", "ar")) == {
        "fee": "late fee"
    }
    assert find_wording("المبلغ in the best interest", "ar") == ()


def test_over_line_breaks():
    assert dict(find_wording("legal\n  action", "en")) == {"threat": "legal action"}


def test_normalized_arabic():
    assert normalize_arabic("فَوَائِدُ الـتأخيرِ") == "فوائد التاخير"
    assert normalize_arabic("أإآى") == "اااي"
    assert normalize_arabic("ةً") == "ه"
