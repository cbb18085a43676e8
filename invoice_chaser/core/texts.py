"""The words of the fixed parts of a message (table, button, footer), in the language of the message."""

TEXTS = {
    "en": {
        "dir": "ltr", "align": "left", "end": "right",
        "invoice": "Invoice", "invoice_date": "Date", "date_due": "Due date", "days_overdue": "Days overdue",
        "amount": "Amount", "open_amount": "Open amount", "total": "Total due", "credit": "Credit",
        "view_invoice": "View and pay", "view_oldest": "View and pay the oldest invoice", "trn": "TRN",
        "phone": "Phone", "questions": "Questions? Just reply to this e-mail.",
        "unsubscribe": "Stop reminders to this address",
        "more_items": {
            "one": "and # more invoice; the total includes it.", "other": "and # more invoices; the total includes them.",
        },
        "not_due": "not due yet",
    },
    "ar": {
        "dir": "rtl", "align": "right", "end": "left",
        "invoice": "الفاتورة", "invoice_date": "التاريخ", "date_due": "تاريخ الاستحقاق", "days_overdue": "أيام التأخير",
        "amount": "المبلغ", "open_amount": "المبلغ المتبقي", "total": "إجمالي المستحق", "credit": "رصيد دائن",
        "view_invoice": "عرض الفاتورة والدفع", "view_oldest": "عرض أقدم فاتورة والدفع", "trn": "الرقم الضريبي",
        "phone": "الهاتف", "questions": "هل لديكم أي استفسار؟ يكفي الرد على هذه الرسالة.",
        "unsubscribe": "إيقاف رسائل التذكير إلى هذا العنوان",
        "more_items": {
            "one": "وفاتورة واحدة أخرى يشملها الإجمالي.", "two": "وفاتورتان أخريان يشملهما الإجمالي.",
            "few": "و# فواتير أخرى يشملها الإجمالي.", "other": "و# فاتورة أخرى يشملها الإجمالي.",
        },
        "not_due": "لم يحن موعدها بعد",
    },
}

# Arabic names as written on UAE invoices; others come from the locale data.
CURRENCY_AR = {
    "AED": "درهم", "USD": "دولار أمريكي", "EUR": "يورو", "SAR": "ريال سعودي", "QAR": "ريال قطري", "OMR": "ريال عماني",
    "KWD": "دينار كويتي", "BHD": "دينار بحريني", "GBP": "جنيه إسترليني", "INR": "روبية هندية",
}
