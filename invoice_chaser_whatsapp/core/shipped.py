"""The templates that come with the addon: four tones, English and Arabic, each within
Meta's rules (``template_rules``). None of them threatens or sells anything, so that
Meta takes them as utility messages."""

FOOTERS = {
    "en": "Reply STOP to get no more messages.",
    "ar": "لإيقاف الرسائل أرسلوا كلمة: إيقاف",
}
BUTTONS = {"en": "View and answer", "ar": "العرض والرد"}
# Variable → what fills it; see ``chaser.whatsapp.template``.
SOURCES = {
    "customer": "addressee",
    "company": "company_name",
    "items": "invoice_items",
    "today": "today",
    "total": "total_due",
    "oldest": "oldest_due_date",
    "days": "overdue_days",
    "reference": "payment_reference",
}
# By tone of a level, in the order of strictness: (name at Meta, language → body).
TEMPLATES = {
    "friendly": (
        "chaser_polite",
        {
            "en": "Hello {{customer}}, this is {{company}} about your account. As of "
            "{{today}}, {{items}} overdue: the amount due is {{total}}, and the "
            "earliest due date was {{oldest}}.\n\nThe attached statement lists each "
            "one. Please quote the payment reference {{reference}} with your transfer. "
            "Use the button to view them, name a payment date, or tell us if "
            "something is not right. If payment is on its way, please disregard this "
            "message. Thank you.",
            "ar": "إلى {{customer}}، تحية طيبة وبعد. نود تذكيركم بحسابكم لدى "
            "{{company}}. "
            "توجد حتى تاريخ {{today}} لدى حسابكم {{items}}، والمبلغ المستحق هو "
            "{{total}}، "
            "وأقدم تاريخ استحقاق هو {{oldest}}.\n\nتجدون التفاصيل في كشف الحساب "
            "المرفق. "
            "ونرجو ذكر الرقم المرجعي للسداد {{reference}} عند التحويل. "
            "ويمكنكم عبر الزر أدناه الاطلاع عليها أو تحديد موعد السداد أو إبداء أي "
            "ملاحظة. "
            "وإن كان السداد في طريقه إلينا فنرجو اعتبار هذه الرسالة لاغية. ولكم جزيل "
            "الشكر.",
        },
    ),
    "firm": (
        "chaser_firm",
        {
            "en": "Hello {{customer}}, this is {{company}} about overdue payments on "
            "your account. As of {{today}}, {{items}} overdue for up to {{days}}, and "
            "the amount due is {{total}}.\n\nPlease arrange payment within the next "
            "seven days, quoting the payment reference {{reference}} with the "
            "transfer. If something is holding it up, use the button to name a "
            "payment date or to tell us what is wrong, and we will find a solution "
            "together. The attached statement lists each invoice. Thank you.",
            "ar": "إلى {{customer}}، تحية طيبة وبعد. نود تذكيركم بشأن المبالغ "
            "المتأخرة في "
            "حسابكم لدى {{company}}. توجد حتى تاريخ {{today}} لدى حسابكم {{items}}، "
            "وبلغ أقدم تأخير {{days}}، والمبلغ المستحق هو {{total}}.\n\nنرجو ترتيب "
            "السداد "
            "خلال الأيام السبعة المقبلة، مع ذكر الرقم المرجعي للسداد {{reference}} "
            "عند التحويل. وإن كان ثمة ما يحول دون السداد فيمكنكم عبر "
            "الزر "
            "أدناه تحديد موعد السداد أو إفادتنا بالسبب، وسنجد الحل معًا. وتجدون "
            "تفاصيل كل "
            "فاتورة في كشف الحساب المرفق. ولكم جزيل الشكر.",
        },
    ),
    "urgent": (
        "chaser_urgent",
        {
            "en": "Hello {{customer}}, this is an urgent message from {{company}} "
            "about "
            "your account. As of {{today}}, {{items}} still unpaid and overdue for up "
            "to {{days}}. The amount due is {{total}}, and the earliest due date was "
            "{{oldest}}.\n\nWe ask you to arrange payment within three working days, "
            "quoting the payment reference {{reference}} with the transfer. "
            "If you cannot pay everything at once, use the button today to name a "
            "payment date or to tell us what is wrong. The attached statement lists "
            "each invoice. Thank you.",
            "ar": "إلى {{customer}}، تحية طيبة وبعد. هذه رسالة عاجلة من {{company}} "
            "بشأن "
            "حسابكم. توجد حتى تاريخ {{today}} لدى حسابكم {{items}} لم تُسدد بعد، وبلغ "
            "أقدم تأخير {{days}}، والمبلغ المستحق هو {{total}}، وأقدم تاريخ استحقاق هو "
            "{{oldest}}.\n\nنرجو ترتيب السداد خلال ثلاثة أيام عمل، مع ذكر الرقم "
            "المرجعي للسداد {{reference}} عند التحويل. وإن تعذر سداد "
            "المبلغ "
            "كاملًا دفعة واحدة فيمكنكم اليوم عبر الزر أدناه تحديد موعد السداد أو "
            "إفادتنا "
            "بالسبب. وتجدون تفاصيل كل فاتورة في كشف الحساب المرفق. ولكم جزيل الشكر.",
        },
    ),
    "final": (
        "chaser_final",
        {
            "en": "Hello {{customer}}, this is the last message that {{company}} sends "
            "you here about the following amounts. As of {{today}}, {{items}} still "
            "unpaid and overdue for up to {{days}}, and the amount due is {{total}}."
            "\n\nPlease arrange payment within seven days, quoting the payment "
            "reference {{reference}} with the transfer, or use the button to agree "
            "with us on a payment date. After that a colleague will call you, so that "
            "we can settle this together. The attached statement lists each invoice. "
            "Thank you.",
            "ar": "إلى {{customer}}، تحية طيبة وبعد. هذه آخر رسالة ترسلها إليكم "
            "{{company}} "
            "هنا بشأن المبالغ التالية. توجد حتى تاريخ {{today}} لدى حسابكم {{items}} "
            "لم "
            "تُسدد بعد، وبلغ أقدم تأخير {{days}}، والمبلغ المستحق هو "
            "{{total}}.\n\nنرجو "
            "ترتيب السداد خلال سبعة أيام، مع ذكر الرقم المرجعي للسداد {{reference}} "
            "عند التحويل، أو الاتفاق معنا على موعد للسداد عبر الزر "
            "أدناه. "
            "وبعد ذلك سيتصل بكم أحد زملائنا لتسوية الأمر وديًّا. وتجدون تفاصيل كل "
            "فاتورة في "
            "كشف الحساب المرفق. ولكم جزيل الشكر.",
        },
    ),
}
# Phrases with their number, by CLDR's plural categories; ``#`` is the number.
ITEMS = {
    "en": {"one": "1 invoice is", "other": "# invoices are"},
    "ar": {
        "one": "فاتورة واحدة متأخرة السداد",
        "two": "فاتورتان متأخرتا السداد",
        "few": "# فواتير متأخرة السداد",
        "other": "# فاتورة متأخرة السداد",
    },
}
DAYS = {
    "en": {"one": "1 day", "other": "# days"},
    "ar": {
        "one": "يومًا واحدًا",
        "two": "يومين",
        "few": "# أيام",
        "many": "# يومًا",
        "other": "# يوم",
    },
}
