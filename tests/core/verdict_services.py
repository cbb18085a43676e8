"""What mail systems say of an address that is dead, and of others: (whose words,
verdict, words).

The forms are those of their documentation and sources: Postfix (local(8), postconf(5)),
Exim (spec.txt), Microsoft ("Email non-delivery reports in Exchange Online"), Google
(a/answer/3726730, mail/answer/6596), Yahoo (SMTP error codes), Apple, Zoho, Mimecast
(SMTP error codes), Cisco Secure Email (RAT), qmail and vpopmail, Sendmail (cf/README),
HCL Domino, GroupWise, Kerio, MailEnable, hMailServer, MDaemon, Yandex, Tencent (QQ),
NetEase (163), Mail.ru, Orange, Cyrus, Dovecot. Names and addresses are invented.
"""

SERVICES = [
    (
        "Postfix",
        "hard",
        "550 5.1.1 <x@y.example>: Recipient address rejected: User unknown in relay "
        "recipient table",
    ),
    (
        "Postfix",
        "hard",
        "550 5.1.1 <x@y.example>: Recipient address rejected: undeliverable address: "
        "host mx.y.example[192.0.2.7] said: 550 5.1.1 no such user (in reply to RCPT "
        "TO command)",
    ),
    (
        "Postfix",
        "hard",
        'unknown user: "ali"',
    ),
    (
        "Postfix",
        "hard",
        "Host or domain name not found. Name service error for name=y.example "
        "type=MX: Host not found",
    ),
    (
        "Exim",
        "hard",
        "all relevant MX records point to non-existent hosts",
    ),
    (
        "Exim",
        "hard",
        "an MX or SRV record indicated no SMTP service",
    ),
    (
        "Exim",
        "hard",
        "all host address lookups failed permanently",
    ),
    (
        "Exim",
        "hard",
        '550 unknown local-part "ali" in domain "y.example"',
    ),
    (
        "Exim",
        "hard",
        "550 mailbox for ali@y.example not found",
    ),
    (
        "Exchange",
        "hard",
        "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found",
    ),
    (
        "Exchange",
        "hard",
        "550 5.1.1 RESOLVER.ADR.ExRecipNotFound; not found",
    ),
    (
        "M365",
        "hard",
        "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) "
        "[mx.example]",
    ),
    (
        "M365",
        "hard",
        "550 5.1.351 Remote server returned unknown recipient or mailbox unavailable "
        "-> 550 User unknown",
    ),
    (
        "M365",
        "hard",
        "550 5.0.350 Remote server returned an error -> 550 5.1.1 The email account "
        "that you tried to reach does not exist",
    ),
    (
        "Exchange",
        "hard",
        "554 5.2.1 STOREDRV.Deliver.Exception:AccountDisabledException; Failed to "
        "process message due to a permanent exception with message mailbox is "
        "disabled",
    ),
    (
        "Outlook",
        "hard",
        "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)",
    ),
    (
        "M365",
        "hard",
        "550 5.4.310 DNS domain y.example does not exist "
        "[Message=InfoDomainNonexistent]",
    ),
    (
        "Exchange",
        "hard",
        "554 5.4.4 SMTPSEND.DNS.NonExistentDomain; nonexistent domain",
    ),
    (
        "Exchange",
        "hard",
        "550 5.1.3 STOREDRV.Submit; invalid recipient address",
    ),
    (
        "M365",
        "hard",
        "The email address you entered couldn't be found. Please check the "
        "recipient's email address and try to resend the message.",
    ),
    (
        "M365",
        "hard",
        "ali wasn't found at y.example. Unknown To address",
    ),
    (
        "Exchange 2007",
        "hard",
        "The e-mail account does not exist at the organization this message was sent "
        "to. Check the e-mail address, or contact the recipient directly",
    ),
    (
        "Exchange 2007",
        "hard",
        "The e-mail address could not be found. Perhaps the recipient moved to a "
        "different e-mail organization, or there was a mistake in the address.",
    ),
    (
        "Exchange 2010",
        "hard",
        "The recipient's e-mail address was not found in the recipient's e-mail "
        "system.",
    ),
    (
        "Google",
        "hard",
        "550-5.1.1 The email account that you tried to reach does not exist. Please "
        "try double-checking the recipient's email address for typos or unnecessary "
        "spaces. NoSuchUser",
    ),
    (
        "Google",
        "hard",
        "550 5.2.1 The email account that you tried to reach is inactive.",
    ),
    (
        "Google",
        "hard",
        "Your message wasn't delivered to ali@y.example because the domain y.example "
        "couldn't be found. Check for typos or unnecessary spaces and try again.",
    ),
    (
        "Google",
        "policy",
        "We're writing to let you know that the group you tried to contact (sales) "
        "may not exist, or you may not have permission to post messages to the group.",
    ),
    (
        "Yahoo",
        "hard",
        "552 1 Requested mail action aborted, mailbox not found",
    ),
    (
        "Yahoo",
        "hard",
        "554 30 Sorry, your message to ali@y.example cannot be delivered. This "
        "mailbox is disabled (554.30).",
    ),
    (
        "iCloud",
        "hard",
        "550 5.1.1 <x@y.example>: user does not exist",
    ),
    (
        "iCloud",
        "hard",
        "550 5.1.1 <x@y.example>: inactive email address",
    ),
    (
        "iCloud",
        "hard",
        "550 5.1.6 recipient no longer on server: x@y.example",
    ),
    (
        "Zoho",
        "hard",
        "550 5.1.1 User does not exist - <x@y.example>",
    ),
    (
        "Zoho",
        "hard",
        "553 Invalid recipient x@y.example (Mode: normal)",
    ),
    (
        "Zoho",
        "hard",
        "550 5.2.1 This email ID is not active",
    ),
    (
        "Mimecast",
        "hard",
        "550 Invalid Recipient - https://community.mimecast.example/docs/DOC-1369#550",
    ),
    (
        "Mimecast",
        "hard",
        "Recipient email address is possibly incorrect",
    ),
    (
        "Barracuda",
        "hard",
        "550 permanent failure for one or more recipients (x@y.example:550 5.1.1 "
        "User unknown)",
    ),
    (
        "Barracuda",
        "hard",
        "550 5.1.1 No such recipient here",
    ),
    (
        "Cisco",
        "hard",
        "550 #5.1.0 Address rejected.",
    ),
    (
        "Cisco",
        "hard",
        "550 #5.1.0 Address rejected x@y.example",
    ),
    (
        "Cisco",
        "policy",
        "550 #5.7.1 Your access to submit messages to this e-mail system has been "
        "rejected.",
    ),
    (
        "qmail",
        "hard",
        "This address no longer accepts mail.",
    ),
    (
        "qmail",
        "hard",
        "Sorry, I couldn't find any host named y.example. (#5.1.2)",
    ),
    (
        "qmail",
        "hard",
        "Sorry, I couldn't find a mail exchanger or IP address. (#5.4.4)",
    ),
    (
        "vpopmail",
        "hard",
        "vdelivermail: no such mailbox",
    ),
    (
        "qmail",
        "hard",
        "550 sorry, your envelope recipient is invalid (#5.1.3)",
    ),
    (
        "Sendmail",
        "hard",
        "550 5.1.2 <x@y.example>... Host unknown (Name server: y.example: host not "
        "found)",
    ),
    (
        "Sendmail",
        "hard",
        "553 5.1.3 <x@y>... Hostname required",
    ),
    (
        "Sendmail",
        "hard",
        "553 5.1.3 <x@y>... User address required",
    ),
    (
        "Domino",
        "hard",
        "User Ali Hassan (ali@y.example) not listed in Domino Directory",
    ),
    (
        "Domino",
        "hard",
        "User ali not listed in public Name & Address Book",
    ),
    (
        "Domino",
        "hard",
        "User Ali (ali@y.example) nicht im Domino-Verzeichnis aufgeführt",
    ),
    (
        "Domino",
        "hard",
        "Der Benutzer Ali ist nicht im Domino-Verzeichnis enthalten",
    ),
    (
        "Domino",
        "hard",
        "L'utilisateur ali (ali@y.example) n'est pas répertorié dans l'annuaire Domino",
    ),
    (
        "Domino",
        "soft",
        "Recipient user name ali not unique. Several matches found in Domino "
        "Directory.",
    ),
    (
        "GroupWise",
        "hard",
        "The recipient's name is not recognized",
    ),
    (
        "GroupWise",
        "hard",
        "D101 Unknown user",
    ),
    (
        "Kerio",
        "hard",
        "550 5.1.1 Mailbox <ali@y.example> does not exist",
    ),
    (
        "Kerio",
        "hard",
        "The recipient address <ali@y.example> is unknown",
    ),
    (
        "MailEnable",
        "hard",
        "550 Requested action not taken: mailbox unavailable or not local",
    ),
    (
        "RFC5321",
        "hard",
        "553 Requested action not taken: mailbox name not allowed",
    ),
    (
        "hMailServer",
        "hard",
        "550 Account is not active.",
    ),
    (
        "hMailServer",
        "hard",
        "550 Unknown user",
    ),
    (
        "SmarterMail",
        "hard",
        "550 <ali@y.example> No such user here",
    ),
    (
        "SmarterMail",
        "hard",
        "550 5.1.1 The user does not exist or has been disabled",
    ),
    (
        "IceWarp",
        "hard",
        "550 5.1.1 <ali@y.example> User unknown; rejecting",
    ),
    (
        "MDaemon",
        "hard",
        "550 <ali@y.example>, Recipient unknown",
    ),
    (
        "CommuniGate",
        "hard",
        "550 ali@y.example unknown user account",
    ),
    (
        "Axigen",
        "hard",
        "550 5.1.1 <ali@y.example>: No such domain at this location",
    ),
    (
        "Yandex",
        "hard",
        "550 5.7.1 No such user!",
    ),
    (
        "Yandex",
        "policy",
        "550 5.7.1 Policy rejection on the target address",
    ),
    (
        "QQ",
        "hard",
        "550 Mailbox not found. http://service.mail.qq.example/cgi-bin/help",
    ),
    (
        "QQ",
        "hard",
        "550 The recipient may contain a non-existent account, please check the "
        "recipient address.",
    ),
    (
        "163",
        "hard",
        "550 User not found: ali@163.example",
    ),
    (
        "163",
        "hard",
        "550 Invalid User: ali@163.example",
    ),
    (
        "163",
        "soft",
        "550 User suspended, http://mail.163.example/help",
    ),
    (
        "Mail.ru",
        "hard",
        "550 Message was not accepted -- invalid mailbox. Local mailbox "
        "ali@mail.example is unavailable: user is terminated",
    ),
    (
        "Mail.ru",
        "hard",
        "550 Message was not accepted -- invalid mailbox. Local mailbox "
        "ali@mail.example is unavailable: account is disabled",
    ),
    (
        "Orange",
        "hard",
        "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. "
        "OFR204_416 [416]",
    ),
    (
        "laposte",
        "hard",
        "550 5.5.0 Adresse destinataire invalide. Invalid recipient LPN",
    ),
    (
        "AOL",
        "hard",
        "550 5.1.1 <x@y.example>: Recipient address rejected: y.example",
    ),
    (
        "Naver",
        "hard",
        "550 5.1.1 No such a user here",
    ),
    (
        "UOL",
        "hard",
        "550 5.1.1 Destinatario inexistente",
    ),
    (
        "Terra",
        "hard",
        "550 5.1.1 usuario inexistente",
    ),
    (
        "Portuguese",
        "hard",
        "550 O endereço não existe",
    ),
    (
        "Spanish",
        "hard",
        "La dirección de correo electrónico no se encontró",
    ),
    (
        "M365-es",
        "hard",
        "No se encontró la dirección de correo electrónico que especificó.",
    ),
    (
        "M365-fr",
        "hard",
        "L'adresse de messagerie que vous avez entrée est introuvable.",
    ),
    (
        "M365-de",
        "hard",
        "Die eingegebene E-Mail-Adresse konnte nicht gefunden werden.",
    ),
    (
        "M365-it",
        "hard",
        "Impossibile trovare l'indirizzo di posta elettronica immesso.",
    ),
    (
        "M365-tr",
        "hard",
        "Girdiğiniz e-posta adresi bulunamadı.",
    ),
    (
        "M365-ar",
        "hard",
        "تعذر العثور على عنوان البريد الإلكتروني الذي أدخلته.",
    ),
    (
        "Google-ar",
        "hard",
        "لم يتم تسليم رسالتك إلى ali@y.example لأنه تعذر العثور على العنوان أو لأنه "
        "غير قادر على تلقي البريد.",
    ),
    (
        "Google-ar",
        "hard",
        "لم يتم تسليم رسالتك لأنه تعذّر العثور على النطاق y.example.",
    ),
    (
        "Google-fr",
        "hard",
        "Votre message n'est pas parvenu à ali@y.example, car l'adresse est "
        "introuvable ou ne peut pas recevoir d'e-mails.",
    ),
    (
        "Google-de",
        "hard",
        "Ihre Nachricht wurde nicht zugestellt, weil die Adresse nicht gefunden "
        "wurde oder keine E-Mails empfangen kann.",
    ),
    (
        "Russian",
        "hard",
        "550 5.1.1 Пользователь не найден",
    ),
    (
        "Russian",
        "hard",
        "550 Такого пользователя не существует",
    ),
    (
        "Chinese",
        "hard",
        "550 用户不存在",
    ),
    (
        "Chinese",
        "hard",
        "收件人邮箱不存在",
    ),
    (
        "Persian",
        "hard",
        "550 کاربر وجود ندارد",
    ),
    (
        "Hindi",
        "hard",
        "पता नहीं मिला",
    ),
    (
        "SES",
        "hard",
        "550 5.1.1 Amazon SES has suppressed sending to this address because it has "
        "a recent history of bouncing as an invalid address.",
    ),
    (
        "SendGrid",
        "hard",
        "550 5.1.1 Bounced Address",
    ),
    (
        "Cyrus",
        "hard",
        "550-Mailbox unknown. Either there is no mailbox associated with this name "
        "or you do not have authorization to see it. 550 5.1.1 User unknown",
    ),
    (
        "Dovecot",
        "hard",
        "550 5.1.1 <ali@y.example> User doesn't exist: ali@y.example",
    ),
    (
        "OpenSMTPD",
        "hard",
        "550 5.1.1 Invalid recipient: <ali@y.example>",
    ),
    (
        "Haraka",
        "hard",
        "550 5.1.1 I cannot deliver mail for {ali@y.example}",
    ),
    (
        "GoDaddy",
        "hard",
        "550 5.1.1 Recipient not found. <http://x.example/irbounce>",
    ),
    (
        "GoDaddy",
        "hard",
        "550 Account does not exist",
    ),
    (
        "RFC 5248",
        "hard",
        "525 5.7.13 Disabled recipient address",
    ),
    (
        "Postfix",
        "hard",
        "525 5.7.13 <x@y.example>: Recipient address rejected: Disabled recipient "
        "address",
    ),
    (
        "GMX",
        "policy",
        "550 Requested action not taken: mailbox unavailable invalid DNS MX or "
        "A/AAAA resource record",
    ),
    (
        "Sophos",
        "hard",
        "550 5.1.1 Recipient verification failed",
    ),
    (
        "MailEnable",
        "soft",
        "503 This mail server requires authentication when attempting to send to a "
        "non-local e-mail address.",
    ),
    (
        "others",
        "hard",
        "550 This employee is no longer with the company",
    ),
    (
        "others",
        "hard",
        "Please note that this mailbox is no longer monitored or in use",
    ),
    (
        "others",
        "hard",
        "550 5.1.1 ali has left the company",
    ),
    (
        "Proofpoint",
        "hard",
        "550 5.1.1 <ali@y.example>... User Unknown",
    ),
    (
        "FortiMail",
        "hard",
        "550 5.1.1 <ali@y.example>... Recipient is not valid",
    ),
    (
        "Scaleway",
        "hard",
        "550 5.1.1 Email address doesn't exist",
    ),
    (
        "Comcast",
        "hard",
        "550 5.1.1 Account not available",
    ),
    (
        "others",
        "hard",
        "550 5.1.1 <ali@y.example> is not a valid mailbox",
    ),
    (
        "others",
        "hard",
        "550 address <ali@y.example> is not known here",
    ),
    (
        "others",
        "hard",
        "550 mail to ali@y.example not accepted here: no such account",
    ),
    (
        "others",
        "hard",
        "550 Not a valid recipient",
    ),
    (
        "others",
        "hard",
        "550 5.1.1 sorry, no such mailbox here",
    ),
    (
        "others",
        "hard",
        "551 User not local; please try <other@y.example>",
    ),
    (
        "others",
        "hard",
        "550 User is unknown {mx-us001}",
    ),
    (
        "GMX",
        "hard",
        "550 5.1.1 The email address you entered does not exist",
    ),
    (
        "Roundcube",
        "hard",
        "550 5.1.1 Recipient does not exist here",
    ),
    (
        "others",
        "hard",
        "Domain y.example does not exist (NXDOMAIN)",
    ),
    (
        "others",
        "hard",
        "550 5.1.2 Bad destination host 'DNS Hard Error looking up y.example (MX): "
        "NXDOMAIN'",
    ),
    (
        "Postfix",
        "hard",
        "unable to look up host y.example: No address associated with hostname",
    ),
    (
        "Postfix",
        "hard",
        "unable to look up host y.example: Name or service not known",
    ),
    (
        "Postfix",
        "soft",
        "450 4.1.1 <x@y.example>: Recipient address rejected: unverified address: "
        "host said: 550 user unknown",
    ),
    (
        "others",
        "soft",
        "550 5.2.1 The user you are trying to contact is receiving mail too quickly",
    ),
]
# About who sends, about the line or the message: no address is stopped for them.
NOT_ABOUT_THE_ADDRESS = [
    "550 Your domain does not have a valid MX record",
    "554 5.7.1 Your host does not have a valid hostname",
    "550 message does not have a valid Message-ID",
    "550 5.7.1 The message does not have a From header",
    "554 5.7.1 Sender unknown, no such domain",
    "550 No such sender",
    "550 Requested action not taken: mailbox unavailable invalid DNS MX or A/AAAA "
    "resource record",
    "550 Your IP was not found in our list of allowed hosts",
    "550 Sender's mailbox does not exist",
    "550 5.1.7 invalid address of the sender",
    "550 The return address does not exist",
    "550 Sender verify failed: no such user",
    "550 From header address not found",
    "550 5.7.1 Unable to verify your mailbox",
    "553 sorry, your envelope sender domain must exist (#5.7.1)",
    "550 Reverse lookup: name or service not known for 192.0.2.1",
    "550 HELO host unknown",
    "550 Invalid host name in EHLO",
    "550 cannot find your hostname",
    "450 Requested mail action not taken: mailbox unavailable",
    "550 5.7.1 user not authorized to send",
    "550 recipient temporarily unavailable",
    "550 mailbox temporarily disabled",
    "550 this account has been temporarily suspended",
    "550 user over quota; mailbox does not accept mail",
    "554 5.7.1 message refused: no valid DKIM signature found for domain",
    "550 service unavailable; user not found in whitelist",
    "550 5.7.1 sender not in allowed list of recipient",
    "550 User ali is on vacation and does not accept mail",
    "550 permanent error: content of attachment unknown",
    "550 5.5.2 unknown command",
    "500 5.5.1 Invalid command",
    "501 5.5.4 Invalid argument",
    "550 Invalid header: no such charset",
    "550 Too many invalid recipients",
    "421 Too many invalid recipients",
    "550 5.7.1 Too many unknown users; connection refused",
    "550 Account of sender disabled",
    "535 account is disabled",
    "550 5.7.0 Your account has been disabled for sending",
    "550 Your account is not active. Please renew your hosting",
    "550 Outgoing mail from your account is disabled",
    "550 Mailbox name of the sender not allowed",
    "550 Directory server unavailable",
    "550 Mailserver not found in SPF record",
    "550 Address rejected: your IP is listed",
    "550 5.7.1 Address rejected by policy",
    "550 your address is not known here as sender",
    "550 Envelope address rejected: SPF",
    "550 DNS lookup of your server failed: no address associated with hostname",
    "554 5.7.1 The file attached does not exist",
    "550 Serveur introuvable",
    "550 Server nicht gefunden",
]
