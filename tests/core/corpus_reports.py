"""Reports of mail servers: which address failed for which words, in whose form."""

import corpus_forms as form
from corpus_forms import A, B, C, make_blocks, make_headers, make_report
from corpus_services import SERVICE_REPORTS
from inbound_corpus import OUR_ID, SUBJECT, Sample, mail, multipart, original, part

UNKNOWN = "550 5.1.1 <%s>: Recipient address rejected: User unknown in virtual table"
# (name, raw, address, right verdict)
_TABLE = [
    ("postfix unknown", form.postfix(A, "5.1.1", UNKNOWN % A), A, "hard"),
    (
        "postfix full",
        form.postfix(A, "5.2.2", "552 5.2.2 Mailbox size limit exceeded"),
        A,
        "soft",
    ),
    (
        "postfix spamhaus",
        form.postfix(
            B,
            "5.7.1",
            "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using "
            "zen.spamhaus.example",
        ),
        B,
        "policy",
    ),
    (
        "postfix no domain",
        form.postfix(
            "ap@customre.example",
            "5.4.4",
            "Host or domain name not found. Name service error for "
            "name=customre.example type=AAAA: Host not found",
        ),
        "ap@customre.example",
        "hard",
    ),
    (
        "postfix delay",
        form.postfix(
            A, "4.4.1", "connect to mx.customer.example: timed out", "delayed"
        ),
        A,
        "delayed",
    ),
    (
        "postfix greylist to the end",
        form.postfix(
            A,
            "4.2.0",
            "450 4.2.0 <ap@customer.example>: Recipient address rejected: Greylisted",
        ),
        A,
        "soft",
    ),
    (
        "postfix sender domain at MAIL",
        form.postfix_stage(
            A,
            "5.1.8",
            "550 5.1.8 <accounts@pop.example>: Sender address rejected: Domain not "
            "found",
            "MAIL FROM",
        ),
        A,
        "policy",
    ),
    (
        "postfix refused at DATA",
        form.postfix_stage(A, "5.0.0", "550 user unknown", "end of DATA"),
        A,
        "soft",
    ),
    (
        "postfix apostrophe",
        form.postfix(C, "5.1.1", UNKNOWN % C),
        C,
        "hard",
    ),
    (
        "postfix on hold",
        form.postfix(
            A,
            "5.7.1",
            "550 5.7.1 <ap@customer.example>: Recipient address rejected: "
            "account on hold, call the owner",
        ),
        A,
        "soft",
    ),
    (
        "exim unknown",
        form.exim(
            A,
            f"host mx.customer.example [192.0.2.9]\n    SMTP error from remote mail "
            f"server after RCPT TO:<{A}>:",
            "550 No Such User Here",
        ),
        A,
        "hard",
    ),
    (
        "exim unrouteable",
        form.exim("x@nowhere.example", "", "Unrouteable address"),
        "x@nowhere.example",
        "hard",
    ),
    (
        "exim full",
        form.exim(A, "mailbox is full:", "retry timeout exceeded"),
        A,
        "soft",
    ),
    ("exim retries", form.exim(A, "", "retry timeout exceeded"), A, "soft"),
    (
        "exim refused greeting",
        form.exim(
            A,
            "host mx.customer.example [192.0.2.9]\n    SMTP error from remote mail "
            "server after initial connection:",
            "554 mx.customer.example: no such user policy",
        ),
        A,
        "policy",
    ),
    (
        "exim sender verify",
        form.exim(
            A,
            f"SMTP error from remote mail server after RCPT TO:<{A}>:",
            "550 Verification failed for <accounts@pop.example>\n    550 No Such User "
            "Here\n    550 Sender verify failed",
        ),
        A,
        "policy",
    ),
    (
        "cpanel rate",
        form.exim(
            A,
            "",
            "Domain pop.example has exceeded the max emails per hour (200/200 (100%)) "
            "allowed.  Message discarded.",
        ),
        A,
        "soft",
    ),
    ("exim old", form.exim_old(A, "unknown user"), A, "hard"),
    ("exim old disk", form.exim_old(A, "Disk quota exceeded"), A, "soft"),
    (
        "exchange unknown",
        form.exchange(
            A,
            "5.1.10",
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ap@customer.example "
            "not found by SMTP address lookup",
        ),
        A,
        "hard",
    ),
    (
        "exchange edge",
        form.exchange(
            A,
            "5.4.1",
            "550 5.4.1 Recipient address rejected: Access denied. "
            "[AM5EUR02FT003.eop-EUR02.prod.protection.outlook.com]",
        ),
        A,
        "hard",
    ),
    (
        "exchange expired",
        form.exchange(
            A, "5.4.300", "550 5.4.300 Message expired -> 451 4.4.0 DNS query"
        ),
        A,
        "soft",
    ),
    (
        "exchange banned IP",
        form.exchange(
            A, "5.7.606", "550 5.7.606 Access denied, banned sending IP [192.0.2.1]"
        ),
        A,
        "policy",
    ),
    (
        "exchange group",
        form.exchange(
            A,
            "5.7.133",
            "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication "
            "required; Delivery restriction check failed because the sender was not "
            "authenticated when sending to this group",
        ),
        A,
        "policy",
    ),
    (
        "exchange full",
        form.exchange(
            A,
            "5.2.2",
            "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException",
        ),
        A,
        "soft",
    ),
    (
        "exchange arabic unknown",
        form.exchange_arabic(
            B, "5.1.1", "550 5.1.1 RESOLVER.ADR.ExRecipNotFound; not found"
        ),
        B,
        "hard",
    ),
    (
        "exchange arabic size",
        form.exchange_arabic(
            B, "5.3.4", "550 5.3.4 ROUTING.SizeLimit; message size exceeds"
        ),
        B,
        "soft",
    ),
    (
        "google unknown",
        form.google(
            A,
            "5.1.1",
            "550 5.1.1 The email account that you tried to reach does not exist.",
        ),
        A,
        "hard",
    ),
    (
        "google no domain",
        form.google(
            "ap@gmal.example",
            "4.0.0",
            "DNS Error: DNS type 'mx' lookup of gmal.example responded with code "
            "NXDOMAIN Domain name not found: gmal.example",
            lead="Your message wasn't delivered to ap@gmal.example because the domain "
            "gmal.example couldn't be found.",
        ),
        "ap@gmal.example",
        "hard",
    ),
    (
        "google full",
        form.google(
            A,
            "5.2.2",
            "552 5.2.2 The recipient's inbox is out of storage space.",
            title="Recipient inbox full",
            lead=f"Your message couldn't be delivered to {A}. Their inbox is full.",
        ),
        A,
        "soft",
    ),
    (
        "google blocked",
        form.google(
            A,
            "5.7.1",
            "550 5.7.1 Message rejected: sender is on our blocklist",
            title="Message blocked",
            lead=f"Your message to {A} has been blocked. See technical details below.",
        ),
        A,
        "policy",
    ),
    (
        "google delay",
        form.google_delay(A, "The recipient server did not answer"),
        A,
        "delayed",
    ),
    (
        "google old",
        form.google_old(A, "550 5.1.1 <ap@customer.example>... User Unknown"),
        A,
        "hard",
    ),
    (
        "google old connect",
        form.google_old(
            A, "The recipient server did not accept our requests to connect."
        ),
        A,
        "soft",
    ),
    (
        "qmail unknown",
        form.qmail(
            A,
            "192.0.2.9 does not like recipient.\nRemote host said: 550 sorry, no "
            "mailbox here by that name (#5.7.17)\nGiving up on 192.0.2.9.",
        ),
        A,
        "hard",
    ),
    (
        "qmail own box",
        form.qmail(A, "Sorry, no mailbox here by that name. (#5.1.1)"),
        A,
        "hard",
    ),
    (
        "qmail quota",
        form.qmail(A, "Mailbox is over its storage quota, message refused (#5.2.2)"),
        A,
        "soft",
    ),
    (
        "qmail no host",
        form.qmail(
            A, "Sorry, I couldn't find any host named customer.example. (#5.1.2)"
        ),
        A,
        "hard",
    ),
    (
        "qmail queue",
        form.qmail(
            A,
            "Connected to 192.0.2.9 but connection died. (#4.4.2)\nI'm not going to "
            "try again; this message has been in the queue too long.",
        ),
        A,
        "soft",
    ),
    (
        "yahoo no account",
        form.yahoo(
            B,
            "554: delivery error: dd This user doesn't have a yahoo.example account "
            f"({B}) [0] - mta1.mail.yahoo.example",
        ),
        B,
        "hard",
    ),
    (
        "yahoo disabled",
        form.yahoo(
            B,
            f"554: delivery error: dd Sorry your message to {B} cannot be delivered. "
            "This account has been disabled or discontinued [#102].",
        ),
        B,
        "hard",
    ),
    (
        "yahoo deferred",
        form.yahoo(
            B,
            "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to "
            "unexpected volume or user complaints",
        ),
        B,
        "soft",
    ),
    (
        "sendmail unknown",
        form.sendmail(
            A,
            f"550 5.1.1 <{A}>... User unknown",
            "... while talking to mx.customer.example.:\n>>> RCPT "
            f"To:<{A}>\n<<< 550 5.1.1 <{A}>... User unknown\n550 5.1.1 <{A}>... User "
            "unknown",
            "5.1.1",
        ),
        A,
        "hard",
    ),
    (
        "sendmail host unknown",
        form.sendmail(
            A,
            "550 Host unknown",
            f"550 5.1.2 <{A}>... Host unknown (Name server: customer.example: host "
            "not found)",
            "5.1.2",
        ),
        A,
        "hard",
    ),
    (
        "sendmail vague status",
        form.sendmail(
            A,
            "552 Requested mail action aborted: exceeded storage allocation",
            "<<< 552 Requested mail action aborted: exceeded storage allocation",
            "5.0.0",
        ),
        A,
        "soft",
    ),
    (
        "sendmail service",
        form.sendmail(
            A, "554 Service unavailable", f"554 <{A}>... Service unavailable", "5.5.0"
        ),
        A,
        "soft",
    ),
    (
        "ses unknown",
        form.ses(
            A, "5.1.1", "550 5.1.1 Requested action not taken: mailbox unavailable"
        ),
        A,
        "hard",
    ),
    (
        "ses sandbox",
        form.ses(
            A,
            "5.7.1",
            "554 Message rejected: Email address is not verified. The following "
            "identities failed the check in region EU-WEST-1: accounts@pop.example",
        ),
        A,
        "policy",
    ),
    (
        "ses expired",
        form.ses(A, "4.4.7", "550 4.4.7 Message expired: unable to deliver"),
        A,
        "soft",
    ),
    (
        "sns permanent",
        form.sns(A, "Permanent", "General", "550 5.1.1 user unknown"),
        A,
        "hard",
    ),
    (
        "sns transient",
        form.sns(A, "Transient", "MailboxFull", "552 5.2.2 mailbox full"),
        A,
        "soft",
    ),
    (
        "mimecast unknown",
        form.mimecast(A, "Recipient email address is possibly incorrect"),
        A,
        "hard",
    ),
    ("mimecast full", form.mimecast(A, "The recipient's mailbox is full"), A, "soft"),
    (
        "mimecast connect",
        form.mimecast(A, "A problem occurred: Connection timed out"),
        A,
        "soft",
    ),
    (
        "barracuda",
        form.barracuda(A, "550 5.7.1 Message content rejected, UBE, id=1-2"),
        A,
        "policy",
    ),
    (
        "proofpoint unknown",
        form.proofpoint(A, "5.1.1", f"550 5.1.1 <{A}>: User unknown"),
        A,
        "hard",
    ),
    (
        "proofpoint blocked",
        form.proofpoint(
            A,
            "5.7.0",
            "554 Blocked - see https://ipcheck.proofpoint.example/?ip=192.0.2.1",
        ),
        A,
        "policy",
    ),
    ("zoho unknown", form.zoho(A, f"5.1.1 <{A}>... User Unknown"), A, "hard"),
    ("zoho full", form.zoho(A, f"5.2.2 <{A}>... Mailbox Full"), A, "soft"),
    ("courier", form.courier(A, f"550 5.1.1 <{A}>... User Unknown"), A, "hard"),
    ("domino", form.domino(A, f"User {A} not listed in Domino Directory"), A, "hard"),
    (
        "domino loop",
        form.domino(
            A, "Maximum hop count exceeded.  Message probably in a routing loop."
        ),
        A,
        "soft",
    ),
    ("opensmtpd", form.opensmtpd(A, f"550 5.1.1 <{A}>: User unknown"), A, "hard"),
    ("opensmtpd full", form.opensmtpd(A, "552 5.2.2 Mailbox full"), A, "soft"),
    ("opensmtpd nothing", form.opensmtpd(A, "Bad response"), A, "soft"),
    ("gmx", form.gmx(A, f"5.1.1 <{A}>... User Unknown"), A, "hard"),
    ("gmx full", form.gmx(A, f"5.2.2 <{A}>... Mailbox Full"), A, "soft"),
    ("mdaemon", form.mdaemon(A, f"550 5.1.1 <{A}>, Recipient unknown"), A, "hard"),
    ("mdaemon full", form.mdaemon(A, "452 4.2.2 Mailbox is over quota"), A, "soft"),
    ("smartermail", form.smartermail(A, f"550 <{A}> No such user here"), A, "hard"),
    ("hmailserver", form.hmailserver(A, "550 Unknown user"), A, "hard"),
    ("hmailserver spf", form.hmailserver(A, "550 5.7.1 Blocked by SPF"), A, "policy"),
    ("icewarp", form.icewarp(A, f"550 5.1.1 {A} User unknown; rejecting"), A, "hard"),
    ("kerio", form.kerio(A, f"550 5.1.1 User unknown {A}"), A, "hard"),
    ("kerio quota", form.kerio(A, "552 5.2.2 Mail box quota exceeded"), A, "soft"),
    ("imail", form.imail(A, "Unknown user"), A, "hard"),
    ("imail full", form.imail(A, "User mailbox exceeds allowed size"), A, "soft"),
    ("haraka", form.haraka(A, "550 5.1.1 Recipient not found"), A, "hard"),
    (
        "haraka relay",
        form.haraka(A, "550 I cannot deliver mail: relaying denied"),
        A,
        "policy",
    ),
    (
        "sendgrid",
        form.sendgrid(A, f"550 5.1.1 <{A}>... User Unknown", "5.1.1"),
        A,
        "hard",
    ),
    (
        "sendgrid block",
        form.sendgrid(A, "550 5.7.1 IP listed on a block list", "5.1.1"),
        A,
        "policy",
    ),
    ("messagelabs", form.messagelabs(A, f"550 {A} Invalid recipient"), A, "hard"),
    ("trendmicro", form.trendmicro(A, "550 5.1.1 User unknown"), A, "hard"),
    ("powermta disabled", form.powermta(A, "5.2.1 (mailbox disabled)", ""), A, "hard"),
    (
        "powermta vague",
        form.powermta(A, "5.1.0", "550 5.7.1 no such mailbox"),
        A,
        "hard",
    ),
    ("broken boundary", form.broken_boundary(A, UNKNOWN % A), A, "hard"),
]

REPORTS = [
    Sample(name, raw, "bounce", {address: verdict})
    for name, raw, address, verdict in _TABLE
]


def _two():
    """Two recipients of one message, one of them gone, one full."""
    return make_report(
        "MAILER-DAEMON@mx.relay.example",
        "Undelivered Mail Returned to Sender",
        f"<{A}>: {UNKNOWN % A}\n\n<{B}>: 552 5.2.2 mailbox full\n",
        make_blocks(
            (A, "failed", "5.1.1", UNKNOWN % A),
            (B, "failed", "5.2.2", "552 5.2.2 mailbox full"),
        ),
        f"{A}, {B}",
    )


REPORTS.append(Sample("two recipients", _two(), "bounce", {A: "hard", B: "soft"}))
# It contains our id, but no recipient: the reminder is known, the address is not.
REPORTS.append(
    Sample(
        "nobody named",
        mail(
            make_headers(
                "postmaster@appliance.example",
                "Delivery failure",
                In_Reply_To=OUR_ID,
                References=OUR_ID,
                Return_Path="<>",
            ),
            "Your message could not be delivered. The recipient does not exist.\n",
        ),
        "bounce",
    )
)


def _delivered():
    return make_report(
        "MAILER-DAEMON@mx.relay.example",
        "Successful Mail Delivery Report",
        f"This is the mail system at host mx.relay.example.\n\n<{A}>: delivery via "
        "mx.customer.example: 250 2.0.0 OK\n",
        make_blocks((A, "delivered", "2.0.0", "250 2.0.0 OK")),
        A,
    )


REPORTS.append(Sample("delivered", _delivered(), "notice", {A: "delivered"}))
REPORTS += SERVICE_REPORTS


def _feedback(kind, to=A):
    body = multipart(
        "report; report-type=feedback-report",
        part("text/plain", "This is an email abuse report."),
        part(
            "message/feedback-report",
            f"Feedback-Type: {kind}\nUser-Agent: FBL/1.0\nVersion: 1\n"
            f"Original-Rcpt-To: {to}\n",
        ),
        part("message/rfc822", original(to)),
    )
    headers = make_headers("fbl@isp.example", f"FW: {SUBJECT}")
    return mail(headers | {"Content-Type": body[0]}, body[1])


COMPLAINTS = [
    Sample("abuse", _feedback("abuse"), "complaint", {A: "complaint"}),
    Sample("opt-out", _feedback("opt-out"), "complaint", {A: "complaint"}),
    Sample("not-spam", _feedback("not-spam"), "notice", {A: "complaint"}),
    Sample("auth-failure", _feedback("auth-failure"), "notice", {A: "complaint"}),
    Sample("fraud", _feedback("fraud"), "complaint", {A: "feedback"}),
    Sample("virus", _feedback("virus"), "notice", {A: "complaint"}),
]
