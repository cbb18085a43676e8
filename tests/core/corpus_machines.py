"""Mail that a program wrote, and mail of people which looks as if one had: the first
must not count as an answer, the second must never be ignored."""

from inbound_corpus import OUR_ID, SUBJECT, US, Sample, mail, multipart, part

HEADERS = {
    "From": "Fatima Hassan <fatima@alnoor.example>",
    "To": f"POP Trading <{US}>",
    "Message-ID": "<machine.1@alnoor.example>",
    "In-Reply-To": OUR_ID,
    "References": OUR_ID,
    "Date": "Mon, 04 May 2026 12:15:00 +0400",
}
AWAY = "I am out of the office until 10 May 2026 with no access to e-mail.\n"


def _sample(name, kind, subject, text, headers=None):
    values = HEADERS | {"Subject": subject} | (headers or {})
    own = (text.strip().split("\n")[0],) if kind == "reply" else ()
    return Sample(name, mail(values, text), kind, own=own)


def _auto(name, subject, text=AWAY, **headers):
    more = {key.replace("_", "-"): value for key, value in headers.items()}
    return _sample(name, "auto_reply", subject, text, more)


def _person(name, subject=f"Re: {SUBJECT}", text="We pay on Thursday.\n", **headers):
    more = {key.replace("_", "-"): value for key, value in headers.items()}
    return _sample(name, "reply", subject, text, more)


# -- out of office without any header that says so, in the languages of the Gulf's
# offices, as Exchange, Microsoft 365, Gmail and Zimbra begin their subjects
_SUBJECTS = {
    "en": ("Automatic reply: ", "Out of Office: ", "Out of office Re: ", "Auto: "),
    "ar": ("رد تلقائي: ", "الرد التلقائي: ", "خارج المكتب: ", "استجابة تلقائية: "),
    "ur": ("خودکار جواب: ", "دفتر سے باہر: "),
    "hi": ("स्वचालित उत्तर: ", "कार्यालय से बाहर: "),
    "fa": ("پاسخ خودکار: ", "خارج از دفتر: "),
    "tr": ("Otomatik yanıt: ", "Ofis dışında: "),
    "fr": ("Réponse automatique : ", "Absent du bureau : ", "Absence : "),
    "de": ("Automatische Antwort: ", "Abwesenheitsnotiz: ", "Abwesend: "),
    "es": ("Respuesta automática: ", "Fuera de la oficina: "),
    "it": ("Risposta automatica: ", "Fuori sede: ", "Fuori ufficio: "),
    "nl": ("Automatisch antwoord: ", "Afwezig: "),
    "pt": ("Resposta automática: ", "Ausência temporária: "),
    "ru": ("Автоматический ответ: ", "Вне офиса: "),
    "zh": ("自动答复: ", "自动回复：", "自動回覆: ", "外出: "),
    "ml": ("തനിയെയുള്ള മറുപടി: ", "യാന്ത്രിക മറുപടി: "),
    "ta": ("தானியங்கு பதில்: ", "தானியங்கி பதில்: "),
    "tl": ("Awtomatikong tugon: ", "Wala sa opisina: "),
}


def _languages():
    for lang, starts in _SUBJECTS.items():
        for number, start in enumerate(starts):
            yield _auto(f"away {lang} {number}", start + SUBJECT, "...\n")


def _marked():
    yield _auto("rfc 3834", f"Re: {SUBJECT}", Auto_Submitted="auto-replied")
    yield _auto("vacation", f"Re: {SUBJECT}", Auto_Submitted="auto-replied (vacation)")
    yield _auto("precedence", f"Re: {SUBJECT}", Precedence="auto_reply")
    yield _auto("autoreply", f"Re: {SUBJECT}", X_Autoreply="yes")
    yield _auto("autorespond", f"Re: {SUBJECT}", X_Autorespond=SUBJECT)
    yield _auto("mail-autoreply", f"Re: {SUBJECT}", X_Mail_Autoreply="autoreply")
    yield _auto(
        "exchange rule",
        f"Re: {SUBJECT}",
        X_MS_Exchange_Inbox_Rules_Loop="fatima@alnoor.example",
    )
    yield _auto(
        "exchange agent",
        "On holiday",
        X_MS_Exchange_Generated_Message_Source="Mailbox Rules Agent",
    )
    yield _auto("null sender", f"Re: {SUBJECT}", Return_Path="<>")
    yield _auto("cpanel", f"Re: {SUBJECT}", Precedence="auto_reply", X_Autorespond="x")
    yield _auto("servicenow", "INC0012345 was opened", X_ServiceNow_Generated="true")
    yield _auto(
        "zendesk trigger",
        "[Request received] " + SUBJECT,
        "Your request (4711) has been received and is being reviewed.\n",
        Auto_Submitted="auto-generated",
        X_Mailer="Zendesk Mailer",
        X_Zendesk_From_Account_Id="1a2b",
    )
    yield _auto(
        "freshdesk",
        "Ticket received - " + SUBJECT,
        "We would like to acknowledge that we have received your request and a ticket "
        "has been created.\n",
        Auto_Submitted="auto-generated",
    )
    yield _auto(
        "jira",
        f"AP-17 {SUBJECT}",
        "——-—-—-—\nReply above this line.\n\nJust confirming that we got your "
        "request. We're on it.\n",
        X_JIRA_FingerPrint="abc",
        Auto_Submitted="auto-generated",
    )
    yield _auto(
        "osticket",
        f"{SUBJECT} [#628411]",
        "A request for support has been created and assigned #628411.\n",
        X_Autoreply="yes",
        Auto_Submitted="auto-replied",
    )
    yield _auto("hubspot", f"Re: {SUBJECT}", X_Auto_Response="yes", X_Autoresponse="1")


def _unmarked():
    """What only the words tell."""
    for number, subject in enumerate(
        (
            "I am out of the office Re: reminder",
            "I'm currently away",
            "On annual leave",
            "On leave until 10 May",
            "OOO Re: reminder",
            "Away from my desk",
            "Vacation reply",
            "[EXT] Automatic reply: reminder",
            "Auto-Reply: reminder",
            "Autoreply: reminder",
            "Out of the Office",
        )
    ):
        yield _auto(f"subject {number}", subject)
    for number, subject in enumerate(
        ("أنا خارج المكتب", "أنا في إجازة", "إجازة سنوية", "خارج مكتبي حتى الأحد")
    ):
        yield _auto(f"subject ar {number}", subject, "سأعود يوم الأحد.\n")
    yield _auto(
        "read receipt",
        f"Read: {SUBJECT}",
        "Your message\n\n   To: Fatima\n   Subject: x\n\nwas read on Monday.\n",
    )
    yield _auto(
        "deleted unread",
        f"Not read: {SUBJECT}",
        "Your message was deleted without being read on Monday.\n",
    )
    yield _auto("read receipt ar", f"مقروءة: {SUBJECT}", "تمت قراءة رسالتك.\n")
    kind, body = multipart(
        "alternative",
        part("text/plain", "Fatima reacted to your message: 👍\n"),
        part("text/vnd.google.email-reaction+json", '{"emoji":"👍","version":1}'),
    )
    raw = mail(HEADERS | {"Subject": f"Re: {SUBJECT}", "Content-Type": kind}, body)
    yield Sample("gmail reaction", raw, "auto_reply")
    yield _auto(
        "outlook reaction",
        f"Fatima reacted to your message: Re: {SUBJECT}",
        "👍 Fatima reacted to your message\n",
    )
    yield _auto(
        "challenge",
        f"Please confirm your message: {SUBJECT}",
        "To have your message delivered, please confirm that you are a person: click "
        "the link below. This is an automated message.\n",
    )
    yield _auto(
        "ticket without headers",
        f"[Ticket#2026050410000012] We have received your request: {SUBJECT}",
        "Thank you for your e-mail. Your request has been received and a ticket has "
        "been created. This is an automatically generated message.\n",
    )
    yield _auto(
        "acknowledgement ar",
        f"تم استلام طلبكم: {SUBJECT}",
        "هذه رسالة تلقائية، يرجى عدم الرد. تم استلام رسالتكم وسيتم الرد عليها.\n",
    )
    yield _auto(
        "left the company",
        f"Re: {SUBJECT}",
        "This is an automated response. Mona Hassan no longer works for Al Noor. "
        "Please contact ap@alnoor.example.\n",
    )
    yield _auto(
        "do not reply",
        "Thank you for contacting us",
        "This is an automatic reply, please do not reply to this e-mail. We have "
        "received your message and will respond within 2 business days.\n",
    )


def _receipt():
    kind, body = multipart(
        "report; report-type=disposition-notification",
        part("text/plain", "The message was displayed.\n"),
        part(
            "message/disposition-notification",
            f"Final-Recipient: rfc822; fatima@alnoor.example\nOriginal-Message-ID: "
            f"{OUR_ID}\nDisposition: manual-action/MDN-sent-manually; displayed\n",
        ),
    )
    raw = mail(HEADERS | {"Subject": f"Read: {SUBJECT}", "Content-Type": kind}, body)
    yield Sample("rfc 8098", raw, "notice")


MACHINES = [*_languages(), *_marked(), *_unmarked(), *_receipt()]


def _people():
    yield _person("google group", List_ID="<accounts.pop.example>", Precedence="list")
    yield _person("mailman", List_Id="x", List_Unsubscribe="<mailto:x@y.example>")
    yield _person("bulk", Precedence="bulk")
    yield _person("suppressing", X_Auto_Response_Suppress="All")
    yield _person("suppressing oof", X_Auto_Response_Suppress="OOF, DR, RN, NRN")
    yield _person(
        "zendesk agent",
        f"[Al Noor] Re: {SUBJECT}",
        "We dispute this invoice: goods damaged.\n",
        Auto_Submitted="auto-generated",
        X_Mailer="Zendesk Mailer",
        X_Auto_Response_Suppress="All",
    )
    yield _person(
        "zendesk agent newer",
        f"[Al Noor] Re: {SUBJECT}",
        "##- Please type your reply above this line -##\n\nMona (Al Noor)\n\nWe "
        "dispute this invoice: goods damaged.\n",
        Auto_Submitted="auto-generated",
        X_Zendesk_From_Account_Id="1a2b",
    )
    yield _person(
        "freshdesk agent",
        text="Hi, the cheque is ready for collection.\n",
        X_Freshdesk_Ticket="17",
        Auto_Submitted="auto-generated",
    )
    yield _person(
        "jira agent",
        f"AP-17 {SUBJECT}",
        "Reply above this line.\n\nMona commented:\n\nThe price is wrong.\n",
        X_JIRA_FingerPrint="abc",
        Auto_Submitted="auto-generated",
    )
    yield _person("says no", Auto_Submitted="no")
    yield _person("auto header no", X_Autoreply="no")
    yield _person("answers about leave", text="I am back from leave, we pay today.\n")
    yield _person("subject office", "Re: our office has moved", "New office: Deira.\n")
    yield _person("subject reading", "Reading of the meter", "The meter says 42.\n")
    yield _person("read it", "Read and approved", "We approve the statement.\n")
    yield _person("automatic payment", "Automatic payment set up", "Standing order.\n")
    yield _person("out of stock", "Out of stock items", "Two items never came.\n")
    yield _person("absent goods", "Goods absent", "Pallet 3 was missing.\n")
    yield _person("away", "Re: away team invoice", "Paid yesterday.\n")
    yield _person("on lease", "On lease of forklift", "We dispute the lease.\n")
    yield _person("arabic person", "رد: فواتير مستحقة", "سندفع يوم الخميس.\n")
    yield _person("arabic leave", "رد على رسالتكم", "عدت من الإجازة وسأحول المبلغ.\n")
    yield _person("arabic office", "المكتب الجديد", "عنوان مكتبنا الجديد في ديرة.\n")
    yield _person(
        "person about a machine",
        text="Your automatic reminder is wrong, this is not an automated message: we "
        "paid.\n",
    )
    yield _person(
        "person quoting an automatic mail",
        text="We paid.\n\n> This is an automated message, please do not reply.\n",
    )
    yield _person(
        "ticket number of theirs",
        f"[Ticket#4711] Re: {SUBJECT}",
        "We have checked: delivery note 12 is not signed.\n",
    )
    yield _person("please confirm", "Please confirm the amount", "Is it 48,200?\n")
    yield _person("thanks", "Thank you", "Thank you for the reminder. Paid today.\n")
    yield _person(
        "received",
        f"Re: {SUBJECT}",
        "We have received your message. The invoice is not ours.\n",
    )


PEOPLE = [*_people()]
