"""Reports whose words, or whose form, were taken for something else once: more than one
recipient in a block, a summary of our headers before the reason, tables of recipients,
words in other languages, and refusals of us that sound like a dead address."""

import corpus_forms as form
from corpus_forms import A, B, make_headers
from inbound_corpus import OUR_ID, SUBJECT, US, Sample, mail, multipart, original, part

_RCPT = f"SMTP error from remote mail server after RCPT TO:<{A}>:"
# (name, raw, address, right verdict)
_TABLE = [
    (
        "postfix relay table",
        form.postfix(
            A,
            "5.1.1",
            f"550 5.1.1 <{A}>: Recipient address rejected: User unknown in relay "
            "recipient table",
        ),
        A,
        "hard",
    ),
    (
        "postfix disabled recipient",
        form.postfix(
            A,
            "5.7.13",
            f"525 5.7.13 <{A}>: Recipient address rejected: Disabled recipient address",
        ),
        A,
        "hard",
    ),
    (
        "postfix unknown for five days",
        form.postfix(
            A,
            "4.1.1",
            f"450 4.1.1 <{A}>: Recipient address rejected: User unknown in virtual "
            "alias table",
        ),
        A,
        "hard",
    ),
    (
        "postfix no address of the host",
        form.postfix(
            "ap@customre.example",
            "5.4.4",
            "unable to look up host customre.example: No address associated with "
            "hostname",
        ),
        "ap@customre.example",
        "hard",
    ),
    (
        "exim lookups failed",
        form.exim(
            "x@nowhere.example", "", "all host address lookups failed permanently"
        ),
        "x@nowhere.example",
        "hard",
    ),
    ("cisco rejects", form.exim(A, _RCPT, "550 #5.1.0 Address rejected."), A, "hard"),
    (
        "hmailserver inactive",
        form.hmailserver(A, "550 Account is not active."),
        A,
        "hard",
    ),
    (
        "mailbox name",
        form.exim(A, _RCPT, "553 Requested action not taken: mailbox name not allowed"),
        A,
        "hard",
    ),
    (
        "yandex target",
        form.exim(A, _RCPT, "550 5.7.1 Policy rejection on the target address"),
        A,
        "policy",
    ),
    (
        "gmx about our domain",
        form.exim(
            A,
            _RCPT,
            "550-Requested action not taken: mailbox unavailable\n    550 invalid DNS "
            "MX or A/AAAA resource record",
        ),
        A,
        "policy",
    ),
    (
        "our domain has no mx",
        form.exim(A, _RCPT, "550 Your domain does not have a valid MX record"),
        A,
        "policy",
    ),
    (
        "our account",
        form.exim(A, _RCPT, "550 5.7.0 Your account has been disabled for sending"),
        A,
        "policy",
    ),
    (
        "not in their list",
        form.exim(A, _RCPT, "550 service unavailable; user not found in whitelist"),
        A,
        "policy",
    ),
    (
        "domino german",
        form.domino(A, f"User Ali ({A}) nicht im Domino-Verzeichnis aufgeführt"),
        A,
        "hard",
    ),
    (
        "domino french",
        form.domino(
            A, f"L'utilisateur {A} n'est pas répertorié dans l'annuaire Domino"
        ),
        A,
        "hard",
    ),
    ("qq", form.exim_old(A, "550 收件人邮箱不存在"), A, "hard"),
]


def _add(text):
    """A report in words alone, as a phone shows it."""
    return form.plain(
        "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        "Delivery Status Notification (Failure)",
        f"{text}\n\n----- Original message -----\n\n",
        A,
        X_Failed_Recipients=A,
    )


_TABLE += [
    (
        f"google {language}",
        _add(text.format(A)),
        A,
        "hard",
    )
    for language, text in (
        (
            "arabic",
            "لم يتم تسليم رسالتك إلى {} لأنه تعذّر العثور على العنوان أو لأنه غير قادر "
            "على تلقي البريد.",
        ),
        ("arabic domain", "لم يتم تسليم رسالتك إلى {} لأنه تعذّر العثور على النطاق."),
        (
            "french",
            "Votre message n'est pas parvenu à {}, car l'adresse est introuvable ou ne "
            "peut pas recevoir d'e-mails.",
        ),
        (
            "german",
            "Ihre Nachricht wurde nicht an {} zugestellt, weil die Adresse nicht "
            "gefunden wurde oder keine E-Mails empfangen kann.",
        ),
    )
]
SERVICE_REPORTS = [
    Sample(name, raw, "bounce", {address: right})
    for name, raw, address, right in _TABLE
]


def _no_empty_line():
    """A relay that puts all recipients into one block."""
    kind, body = multipart(
        "report; report-type=delivery-status",
        part("text/plain", "We were unable to deliver your message.\n"),
        part(
            "message/delivery-status",
            "Reporting-MTA: dns; relay.example\nArrival-Date: Sun, 3 May 2026\n"
            f"Final-Recipient: rfc822; {A}\nOriginal-Recipient: rfc822;{A}\n"
            "Action: failed\nStatus: 5.2.2\nRemote-MTA: dns; mx.customer.example\n"
            f"Diagnostic-Code: smtp; 550 5.2.2 <{A}>... Mailbox Full\n"
            f"Final-Recipient: rfc822; {B}\nOriginal-Recipient: rfc822;{B}\n"
            "Action: failed\nStatus: 5.1.1\nRemote-MTA: dns; mx.alnoor.example\n"
            f"Diagnostic-Code: smtp; 550 5.1.1 <{B}>... User Unknown\n",
        ),
        part("message/rfc822", original(A)),
    )
    headers = make_headers("postmaster@relay.example", f"Undeliverable: {SUBJECT}")
    return mail(headers | {"Content-Type": kind}, body)


def _oracle():
    """Oracle's (Sun's) Messaging Server, its parts put into one text by a gateway."""
    lines = "".join(
        f"\n  Recipient address: {address}\n  Reason: Remote SMTP server has rejected "
        f"address\n  Diagnostic code: smtp; {words}\n  Remote system: dns; mx.example\n"
        for address, words in (
            (A, f"550 5.7.1 550 User Unknown: {A}"),
            (B, "552 5.2.2 Mailbox size limit exceeded"),
        )
    )
    return mail(
        make_headers(
            "Internet Mail Delivery <postmaster@mx.example>",
            "Delivery Notification: Delivery has failed",
            Return_Path="<>",
        ),
        "This report relates to a message you sent with the following header "
        f"fields:\n\n  Message-id: {OUR_ID}\n  Date: Sun, 03 May 2026 10:15:00 +0400\n"
        f"  From: POP Trading <{US}>\n  To: {A}\n  Subject: {SUBJECT}\n\nYour message "
        f"cannot be delivered to the following recipients:\n{lines}\n",
    )


SERVICE_REPORTS += [
    Sample("no empty line", _no_empty_line(), "bounce", {A: "soft", B: "hard"}),
    Sample("oracle in one text", _oracle(), "bounce", {A: "hard", B: "soft"}),
]
