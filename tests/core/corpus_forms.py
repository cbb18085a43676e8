"""The report formats of some forty systems; each function writes one of them."""

import json
from zlib import crc32

from inbound_corpus import OUR_ID, SUBJECT, US, mail, multipart, original, part

A, B, C = "ap@customer.example", "finance@alnoor.example", "m.d'souza@gulf.example"


def make_blocks(*entries: tuple) -> str:
    """Blocks of RFC 3464: (address, action, status, words)."""
    text = "Reporting-MTA: dns; mx.relay.example\nArrival-Date: Sun, 3 May 2026\n"
    for address, action, status, words in entries:
        text += f"\nFinal-Recipient: rfc822; {address}\nAction: {action}\n"
        text += f"Status: {status}\n"
        text += f"Diagnostic-Code: smtp; {words}\n" if words else ""
    return text


def make_report(sender, subject, text, blocks, to, headers_only=False, **more) -> bytes:
    kind, body = multipart(
        'report; report-type="delivery-status"',
        part("text/plain; charset=utf-8", text),
        part("message/delivery-status", blocks),
        part("text/rfc822-headers", original(to).partition("\n\n")[0])
        if headers_only
        else part("message/rfc822", original(to)),
    )
    return mail(make_headers(sender, subject, **more) | {"Content-Type": kind}, body)


def make_headers(sender, subject, **more) -> dict:
    number = crc32(f"{sender} {subject}".encode())
    return {
        "From": sender,
        "To": US,
        "Subject": subject,
        "Message-ID": f"<report.{number}@mx.example>",
        "Date": "Sun, 03 May 2026 10:16:00 +0400",
    } | {name.replace("_", "-"): value for name, value in more.items()}


def postfix(to, status, words, action="failed"):
    notice = "could not\nbe delivered to one or more recipients"
    return make_report(
        "MAILER-DAEMON@mx.relay.example (Mail Delivery System)",
        "Undelivered Mail Returned to Sender"
        if action == "failed"
        else "Delayed Mail (still being retried)",
        "This is the mail system at host mx.relay.example.\n\nI'm sorry to have to "
        f"inform you that your message {notice}. It's attached below.\n\n"
        f"                   The mail system\n\n<{to}>: host "
        f"mx.customer.example[192.0.2.9] said: {words}\n    (in reply to RCPT TO "
        "command)\n"
        if action == "failed"
        else "THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\n"
        "Your message could not be delivered for more than 4 hour(s).\nIt will be "
        f"retried until it is 5 day(s) old.\n\n<{to}>: {words}\n",
        make_blocks((to, action, status, words)),
        to,
        Return_Path="<>",
        Auto_Submitted="auto-replied",
    )


def postfix_stage(to, status, words, stage):
    return postfix(to, status, words).replace(
        b"in reply to RCPT TO", f"in reply to {stage}".encode()
    )


def exim(to, stage, words):
    text = (
        "This message was created automatically by mail delivery software.\n\n"
        "A message that you sent could not be delivered to one or more of its\n"
        "recipients. This is a permanent error. The following address(es) failed:\n\n"
        f"  {to}\n    {stage}\n    {words}\n\n"
    )
    kind, body = multipart(
        'report; report-type="delivery-status"',
        part("text/plain", text),
        part(
            "message/delivery-status",
            "Reporting-MTA: dns; cpanel.host.example\n\nAction: failed\n"
            f"Final-Recipient: rfc822;{to}\nStatus: 5.0.0\n",
        ),
        part("message/rfc822", original(to)),
    )
    headers = make_headers(
        "Mail Delivery System <Mailer-Daemon@cpanel.host.example>",
        "Mail delivery failed: returning message to sender",
        X_Failed_Recipients=to,
        Auto_Submitted="auto-replied",
    )
    return mail(headers | {"Content-Type": kind}, body)


def exim_old(to, words):
    """cPanel of former years, and Mail.ru: text alone, with the copy below."""
    text = (
        "This message was created automatically by mail delivery software.\n\n"
        "A message that you sent could not be delivered to one or more of its\n"
        "recipients. This is a permanent error. The following address(es) failed:\n\n"
        f"  {to}\n    {words}\n\n------ This is a copy of the message, including all "
        f"the headers. ------\n\n{original(to)}"
    )
    return mail(
        make_headers(
            "Mail Delivery System <Mailer-Daemon@host.example>",
            "Mail delivery failed: returning message to sender",
            X_Failed_Recipients=to,
        ),
        text,
    )


def exchange(to, status, words, lead="Your message wasn't delivered"):
    html = (
        f"<html><body><p><b>{lead}</b></p><p>{to} wasn't found at "
        "customer.example.</p><p>Diagnostic information for administrators:</p>"
        f"<p>Generating server: mx.prod.outlook.example</p><p>{to}<br>Remote Server "
        f"returned '{words}'</p><p>Original message headers:</p><pre>Message-ID: "
        f"{OUR_ID}</pre></body></html>"
    )
    kind, body = multipart(
        'report; report-type="delivery-status"',
        part("text/html; charset=utf-8", html),
        part("message/delivery-status", make_blocks((to, "failed", status, words))),
        part("message/rfc822", original(to)),
    )
    headers = make_headers(
        "Microsoft Outlook <MicrosoftExchange329e71ec88ae4615@pop.onmicrosoft.example>",
        f"Undeliverable: {SUBJECT}",
        Auto_Submitted="auto-replied",
        In_Reply_To=OUR_ID,
    )
    return mail(headers | {"Content-Type": kind}, body)


def exchange_arabic(to, status, words):
    return exchange(
        to, status, words, "تعذر تسليم رسالتك إلى المستلمين التاليين"
    ).replace(b"Undeliverable: ", "غير قابل للتسليم: ".encode())


def google(to, status, words, title="Address not found", lead=""):
    lead = lead or (
        f"Your message wasn't delivered to {to} because the address couldn't be "
        "found, or is unable to receive mail."
    )
    text = (
        f"\n** {title} **\n\n{lead}\n\nLearn more here: "
        f"https://support.google.example/mail/?p=NoSuchUser\n\n"
        f"The response from the remote server was:\n{words}\n"
    )
    return make_report(
        "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        "Delivery Status Notification (Failure)",
        text,
        make_blocks((to, "failed", status, words)),
        to,
        headers_only=True,
        X_Failed_Recipients=to,
        In_Reply_To=OUR_ID,
        References=OUR_ID,
        Auto_Submitted="auto-replied",
    )


def google_delay(to, words):
    text = (
        "\n** Delivery incomplete **\n\nThere was a temporary problem delivering your "
        f"message to {to}. Gmail will retry for 45 more hours. You'll be notified if "
        f"the delivery fails permanently.\n\nThe response was:\n\n{words}\n"
    )
    return make_report(
        "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        "Delivery Status Notification (Delay)",
        text,
        make_blocks((to, "delayed", "4.4.1", words)),
        to,
        X_Failed_Recipients=to,
    )


def google_old(to, words):
    text = (
        f"Delivery to the following recipient failed permanently:\n\n     {to}\n\n"
        "Technical details of permanent failure: \nGoogle tried to deliver your "
        "message, but it was rejected by the server for the recipient domain "
        "customer.example by mx.customer.example. [192.0.2.9].\n\nThe error that the "
        f"other server returned was:\n{words}\n\n----- Original message -----\n\n"
        f"{original(to)}"
    )
    return mail(
        make_headers(
            "Mail Delivery Subsystem <mailer-daemon@google.com>",
            "Delivery Status Notification (Failure)",
            X_Failed_Recipients=to,
        ),
        text,
    )


def qmail(to, words, host="host.example"):
    text = (
        f"Hi. This is the qmail-send program at {host}.\nI'm afraid I wasn't able to "
        "deliver your message to the following addresses.\nThis is a permanent error; "
        f"I've given up. Sorry it didn't work out.\n\n<{to}>:\n{words}\n\n"
        f"--- Below this line is a copy of the message.\n\n{original(to)}"
    )
    return mail(
        make_headers(f"MAILER-DAEMON@{host}", "failure notice", Return_Path="<>"), text
    )


def yahoo(to, words):
    text = (
        "Sorry, we were unable to deliver your message to the following address.\n\n"
        f"<{to}>:\n{words}\n\n--- Below this line is a copy of the message.\n\n"
        f"{original(to)}"
    )
    return mail(make_headers("MAILER-DAEMON@yahoo.example", "Failure Notice"), text)


def sendmail(to, reason, transcript, status):
    text = (
        "The original message was received at Sun, 3 May 2026 10:15:00 +0400\nfrom "
        "odoo.pop.example [192.0.2.1]\n\n   ----- The following addresses had "
        f"permanent fatal errors -----\n<{to}>\n    (reason: {reason})\n\n   ----- "
        f"Transcript of session follows -----\n{transcript}\n"
    )
    return make_report(
        "Mail Delivery Subsystem <MAILER-DAEMON@relay.example>",
        "Returned mail: see transcript for details",
        text,
        make_blocks((to, "failed", status, "")),
        to,
        Auto_Submitted="auto-generated (failure)",
    )


def ses(to, status, words):
    return make_report(
        "MAILER-DAEMON@eu-west-1.amazonses.example",
        "Delivery Status Notification (Failure)",
        "An error occurred while trying to deliver the mail to the following "
        f"recipients:\n{to}\n",
        make_blocks((to, "failed", status, words)),
        to,
    )


def mimecast(to, words):
    text = (
        "An email that you attempted to send to the following address could not be "
        f"delivered:\n-- {to}\n\nThe problem appears to be :\n-- {words}\n\n"
        "Additional information follows :\n-- " + words + "\n\nThis condition "
        "occurred after 1 attempt(s) to deliver over a period of 0 hour(s).\n\nIf you "
        "sent the email to multiple recipients, you will receive one of these "
        "messages for each one which failed delivery, otherwise they have been sent."
        "\n"
    )
    kind, body = multipart(
        "mixed", part("text/plain", text), part("message/rfc822", original(to))
    )
    headers = make_headers(
        "Postmaster <postmaster@mimecast.example>",
        "[Postmaster] Email Delivery Failure",
    )
    return mail(headers | {"Content-Type": kind}, body)


def barracuda(to, words):
    return make_report(
        "MAILER-DAEMON <>",
        "**Message you sent blocked by our bulk email filter**",
        f"\nYour message to: {to}\nwas blocked by our Spam Firewall. The email you "
        "sent with the following subject has NOT BEEN DELIVERED:\n\nSubject: "
        f"{SUBJECT}\n",
        make_blocks((to, "failed", "5.7.1", words)),
        to,
        headers_only=True,
        Return_Path="<>",
    )


def proofpoint(to, status, words):
    return make_report(
        "Mail Delivery Subsystem <MAILER-DAEMON@mx0a.pphosted.example>",
        "Delivery Status Notification (Failure)",
        "   ----- The following addresses had permanent fatal errors -----\n"
        f"<{to}>\n\n   ----- Transcript of session follows -----\n... while talking to "
        f"mx.customer.example.:\n>>> RCPT To:<{to}>\n<<< {words}\n",
        make_blocks((to, "failed", status, words)),
        to,
    )


def zoho(to, words):
    text = (
        "This message was created automatically by mail delivery software.\n A message "
        "that you sent could not be delivered to one or more of its recipients. This "
        f"is a permanent error. \n\n{to} Invalid Address, ERROR_CODE :550, ERROR_CODE "
        f":{words}\n\nReceived:from mail.zoho.example by mx.zohomail.example with SMTP "
        f"id 14; Sun, 3 May 2026\nMessage-ID:{OUR_ID}\nFrom:{US}\nTo:{to}\n"
        f"Subject:{SUBJECT}\n"
    )
    return mail(
        make_headers(
            "mailer-daemon@mail.zoho.example", "Undelivered Mail Returned to Sender"
        ),
        text,
    )


def courier(to, words):
    return make_report(
        "postmaster@courier.example",
        "NOTICE: mail delivery status.",
        "\n                           UNDELIVERABLE MAIL\n\nYour message to the "
        f"following recipients cannot be delivered:\n\n<{to}>:\n    "
        f"mx.customer.example [192.0.2.9]:\n>>> RCPT TO:<{to}>\n<<< {words}\n\n",
        make_blocks((to, "failed", "5.0.0", words)),
        to,
    )


def domino(to, words):
    return make_report(
        "Postmaster@domino.example",
        f"DELIVERY FAILURE: {words}",
        f"Your message\n\n  Subject: {SUBJECT}\n\nwas not delivered to:\n\n  {to}\n\n"
        f"because:\n\n  {words}\n\n",
        make_blocks((to, "failed", "5.0.0", "")),
        to,
    )


def opensmtpd(to, words, action="failed"):
    kind, body = multipart(
        "mixed",
        part(
            "text/plain",
            "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this "
            "email.\n\n    An error has occurred while attempting to deliver a message "
            f"for\n    the following list of recipients:\n\n{to}: {words}\n\n    Below "
            "is a copy of the original message:\n",
        ),
        part("message/delivery-status", make_blocks((to, action, "5.0.0", ""))),
        part("text/rfc822-headers", original(to).partition("\n\n")[0]),
    )
    headers = make_headers(
        "Mailer Daemon <MAILER-DAEMON@bsd.example>",
        "Delivery status notification: failed",
    )
    return mail(headers | {"Content-Type": kind}, body)


def plain(sender, subject, text, to, **more):
    """Any other system that writes text alone and returns our message below."""
    return mail(make_headers(sender, subject, **more), text + original(to))


def gmx(to, words):
    return plain(
        "MAILER-DAEMON@mail.gmx.example",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nA "
        "message that you sent could not be delivered to one or more of\nits "
        "recipients. This is a permanent error. The following address\nfailed:\n\n"
        f'"{to}":\nSMTP error from remote server after RCPT command:\nhost: '
        f"mx.customer.example\n{words}\n\n\n--- The header of the original message is "
        "following. ---\n\n",
        to,
    )


def mdaemon(to, words):
    return plain(
        "MDaemon at mail.relay.example <MDaemon@mail.relay.example>",
        "Permanent Delivery Failure",
        "The following data may contain sections which represent BASE64 encoded\nfile "
        "attachments.\n\nFailed address: " + to + "\n\n--- Session Transcript ---\n "
        f"Sun 2026-05-03 10:15:01: --> RCPT To:<{to}>\n Sun 2026-05-03 10:15:01: <-- "
        f"{words}\n--- End Transcript ---\n\n: Message contains [1] file "
        "attachments\n\n--- Original message follows ---\n\n",
        to,
    )


def smartermail(to, words):
    return plain(
        "System Administrator <postmaster@smarter.example>",
        "Delivery Failure",
        f"Could not deliver message to the following recipient(s):\n\nFailed "
        f"Recipient: {to}\nReason: Remote host said: {words}\n\n\n   -- The header and "
        "top 20 lines of the message follows --\n\n",
        to,
    )


def hmailserver(to, words):
    return plain(
        "mailer-daemon@hmail.example",
        "Message undeliverable: " + SUBJECT,
        "Your message did not reach some or all of the intended recipients.\n\n   "
        "Sent: Sun, 3 May 2026 10:15:00 +0400\n   Subject: " + SUBJECT + "\n\nThe "
        f"following recipient(s) could not be reached:\n\n{to}\n   Error Type: SMTP\n"
        "   Remote server (192.0.2.9) issued an error.\n   hMailServer sent: RCPT "
        f"TO:<{to}>\n   Remote server replied: {words}\n\n\n\nhMailServer\n\n"
        "----- Original message -----\n",
        to,
    )


def icewarp(to, words):
    return plain(
        "Mail Delivery Subsystem <MAILER-DAEMON@icewarp.example>",
        "Delivery Status Notification (Failure)",
        "This is an automatically generated Delivery Status Notification.\n\n"
        f"Delivery to the following recipients failed.\n\n  {to}\n\nReason: {words}\n\n"
        "Original message headers:\n\n",
        to,
    )


def kerio(to, words):
    return plain(
        "Kerio Connect <mailer-daemon@kerio.example>",
        "Delivery Failure Report",
        f"Your message could not be delivered to the following recipient(s):\n\n"
        f"{to}\n\nThe server responded:\n{words}\n\nHeaders of the original "
        "message:\n",
        to,
    )


def imail(to, words):
    return plain(
        '"Postmaster" <postmaster@imail.example>',
        "Undeliverable Mail",
        f"{words}: {to}\n\n\nOriginal message follows.\n\n",
        to,
    )


def haraka(to, words):
    return plain(
        "MAILER-DAEMON@haraka.example (Mail Delivery System)",
        "failure notice",
        f"Hi. This is the mail server at haraka.example.\n\nI'm afraid I wasn't able "
        "to deliver your message to the following addresses.\nThis is a permanent "
        f"error; I've given up. Sorry it didn't work out.\n\nIntended Recipients: "
        f"<{to}>\nFailure Reason: Error: {words}\n\n--- Below this line is a copy of "
        "the message.\n\n",
        to,
        Return_Path="<>",
    )


def sendgrid(to, words, status):
    return make_report(
        "MAILER-DAEMON@sendgrid.example",
        "Undelivered Mail Returned to Sender",
        "This is an automatically generated message from SendGrid.\n\nI'm sorry to "
        "have to tell you that your message was not able to be\ndelivered to one of "
        f"its intended recipients.\n\npop:000001:<{to}> : 192.0.2.5 : "
        f"mx.customer.example:[192.0.2.9] : {words}\n",
        make_blocks((to, "failed", status, words)),
        to,
    )


def messagelabs(to, words):
    return make_report(
        "Mail Delivery System <MAILER-DAEMON@messagelabs.example>",
        "Mail Delivery Failure",
        "This is the mail delivery agent at Symantec Email Security.cloud.\n\nI was "
        f"unable to deliver your message to the following addresses:\n\n{to}\n\n"
        f"Reason: {words}\n\nThe message subject was: {SUBJECT}\n",
        make_blocks((to, "failed", "5.0.0", words)),
        to,
        headers_only=True,
    )


def trendmicro(to, words):
    kind, body = multipart(
        "mixed",
        part(
            "text/plain",
            f"Unable to deliver message to <{to}>.\n\nReason: {words}\n\n************ "
            "End of message ************\n",
        ),
        part("message/rfc822", original(to)),
    )
    headers = make_headers(
        "postmaster@interscan.example (InterScan Notification)",
        "Mail could not be delivered",
    )
    return mail(headers | {"Content-Type": kind}, body)


def powermta(to, status, words):
    return make_report(
        "postmaster@pmta.example",
        "Delivery report",
        "Hello, this is the mail server on pmta.example.\n\nI am sending you this "
        "message to inform you on the delivery status of a\nmessage you previously "
        f"sent.\n\n  <{to}>  delivery failed; will not continue trying\n",
        make_blocks((to, "failed", status, words)),
        to,
        headers_only=True,
    )


def broken_boundary(to, words):
    raw = postfix(to, "5.1.1", words)
    return raw.replace(b'boundary="b1"', b'boundary="another"')


def sns(to, kind, subtype, words):
    """Amazon SES by SNS, subscribed by e-mail."""
    data = {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": kind,
            "bounceSubType": subtype,
            "bouncedRecipients": [
                {
                    "emailAddress": to,
                    "action": "failed",
                    "status": "5.1.1",
                    "diagnosticCode": f"smtp; {words}",
                }
            ],
            "timestamp": "2026-05-03T06:16:00.000Z",
        },
        "mail": {
            "source": US,
            "destination": [to],
            "headers": [{"name": "Message-ID", "value": OUR_ID}],
        },
    }
    text = (
        f"{json.dumps(data)}\n\n--\nIf you wish to stop receiving notifications from "
        "this topic, please click or visit the link below.\n"
    )
    return mail(
        make_headers("SES <no-reply@sns.amazonaws.com>", "AWS Notification Message"),
        text,
    )
