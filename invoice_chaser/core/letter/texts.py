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
        "view_page": "View and pay", "answer": "Or let us know:", "promise": "I will pay on …", "dispute": "I dispute an invoice",
        "instalment": "instalment {part} of {parts}",
        "account_name": "Account name", "bank": "Bank", "iban": "IBAN", "reference": "Payment reference",
        "preheader": {
            "one": "One invoice, {total}, due since {date}.", "other": "# invoices, {total} in all, the oldest due since {date}.",
        },
        "comma": ", ", "attached": "Attached", "documents": {"statement": "statement of account", "letter": "formal letter"},
        "invoice_pdfs": {"one": "the invoice", "other": "# invoices"},
        "left_out": {
            "one": "One more invoice can be downloaded by its link above.", "other": "# more invoices can be downloaded by their links above.",
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
        "view_page": "عرض الفواتير والسداد", "answer": "أو نرجو إفادتنا:", "promise": "سنسدد بتاريخ …", "dispute": "لدينا اعتراض على فاتورة",
        "instalment": "القسط {part} من {parts}",
        "account_name": "اسم الحساب", "bank": "البنك", "iban": "الآيبان (IBAN)", "reference": "الرقم المرجعي للدفعة",
        "preheader": {
            "one": "فاتورة واحدة بمبلغ {total}، مستحقة منذ {date}.", "two": "فاتورتان بإجمالي {total}، أقدمهما مستحقة منذ {date}.",
            "few": "# فواتير بإجمالي {total}، أقدمها مستحقة منذ {date}.", "other": "# فاتورة بإجمالي {total}، أقدمها مستحقة منذ {date}.",
        },
        "comma": "، ", "attached": "المرفقات", "documents": {"statement": "كشف الحساب", "letter": "خطاب رسمي"},
        "invoice_pdfs": {"one": "الفاتورة", "two": "فاتورتان", "few": "# فواتير", "other": "# فاتورة"},
        "left_out": {
            "one": "ويمكن تنزيل فاتورة واحدة أخرى من رابطها أعلاه.", "two": "ويمكن تنزيل فاتورتين أخريين من رابطيهما أعلاه.",
            "few": "ويمكن تنزيل # فواتير أخرى من روابطها أعلاه.", "other": "ويمكن تنزيل # فاتورة أخرى من روابطها أعلاه.",
        },
        "not_due": "لم يحن موعدها بعد",
    },
}

# Arabic names as written on UAE invoices; others come from the locale data.
CURRENCY_AR = {
    "AED": "درهم", "USD": "دولار أمريكي", "EUR": "يورو", "SAR": "ريال سعودي", "QAR": "ريال قطري", "OMR": "ريال عماني",
    "KWD": "دينار كويتي", "BHD": "دينار بحريني", "GBP": "جنيه إسترليني", "INR": "روبية هندية",
}

# The words of the documents: statement of account and formal letter.
DOCUMENT_TEXTS = {
    "en": {
        "statement": "Statement of account", "sheet": "Statement", "date": "Date", "page": "Page", "document": "Document", "currency": "Currency",
        "to": "", "honour": "", "subject": "", "balance": "Balance", "nothing": "Nothing is open.",
        "ages": ["Not due yet", "1–30 days", "31–60 days", "61–90 days", "Over 90 days", "Open credits"],
        "transfer": "Please pay by bank transfer to:",
        "compare": "Please compare this statement with your books and let us know of any difference.",
        "file_statement": "Statement of account", "file_letter": "Letter",
    },
    "ar": {
        "statement": "كشف حساب", "sheet": "كشف حساب", "date": "التاريخ", "page": "صفحة", "document": "المستند", "currency": "العملة",
        "to": "السادة /", "honour": " المحترمين", "subject": "الموضوع: ", "balance": "الرصيد", "nothing": "لا توجد مبالغ قائمة.",
        "ages": ["غير مستحق بعد", "1–30 يومًا", "31–60 يومًا", "61–90 يومًا", "أكثر من 90 يومًا", "أرصدة دائنة"],
        "transfer": "نرجو السداد بالتحويل المصرفي إلى:",
        "compare": "نرجو مطابقة هذا الكشف مع سجلاتكم، وإفادتنا بأي اختلاف.",
        "file_statement": "كشف حساب", "file_letter": "خطاب",
    },
}
