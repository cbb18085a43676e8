"""Answers of people, in the quoting of their mail programs: what they wrote themselves
must be shown, the quoted mail need not."""

import base64

from inbound_corpus import (
    LINE,
    OUR_ID,
    SUBJECT,
    US,
    Sample,
    base64_part,
    mail,
    multipart,
    part,
)

HEADERS = {
    "From": "Fatima Hassan <fatima@alnoor.example>",
    "To": f"POP Trading <{US}>",
    "Subject": f"Re: {SUBJECT}",
    "Message-ID": "<answer.1@alnoor.example>",
    "In-Reply-To": OUR_ID,
    "References": OUR_ID,
    "Date": "Mon, 04 May 2026 12:15:00 +0400",
}
PAID = "We paid INV/2026/00012 yesterday, reference FT26123."
DUE = "The balance follows on Thursday by cheque."
AR = "تم تحويل المبلغ أمس برقم مرجعي ٧٧٨٨."
AR2 = "يوم الخميس القادم يمكنكم إرسال المندوب إلى مكتبنا لاستلام الشيك."
AR_LINE = "لديكم ٣ فواتير تجاوزت موعد استحقاقها بمبلغ ٤٨٬٢٠٠ درهم."


def _text(name, body, own, quoted=(LINE,), **headers):
    more = {key.replace("_", "-"): value for key, value in headers.items()}
    return Sample(name, mail(HEADERS | more, body), "reply", own=own, quoted=quoted)


def _html(name, body, own, quoted=(LINE,), plain=""):
    """An HTML mail; with the plain text beside it as programs write it."""
    page = f"<html><head><style>p{{margin:0}}</style></head><body>{body}</body></html>"
    if plain:
        kind, content = multipart(
            "alternative",
            part("text/plain; charset=utf-8", plain),
            part("text/html; charset=utf-8", page),
        )
    else:
        kind, content = "text/html; charset=utf-8", page
    raw = mail(HEADERS | {"Content-Type": kind}, content)
    return Sample(name, raw, "reply", own=own, quoted=quoted)


def _quote(text: str, mark: str = "> ") -> str:
    return "\n".join(mark + line for line in text.split("\n"))


# -- above the quote, as most programs place it: "on this day this person wrote"
_WROTE = {
    "gmail en": f"On Sun, 3 May 2026 at 10:15, POP Trading <{US}> wrote:",
    "gmail en us": f"On Sun, May 3, 2026 at 10:15 AM POP Trading <{US}> wrote:",
    "gmail en two lines": "On Sun, May 3, 2026 at 10:15 AM POP Trading <\n"
    f"{US}> wrote:",
    "gmail ar": f"في الأحد، 3 مايو 2026 في 10:15 ص تمت كتابة ما يلي بواسطة POP "
    f"Trading <{US}>:",
    "gmail ar katab": f"في الأحد، ٣ مايو ٢٠٢٦ في ١٠:١٥ ص كتب POP Trading <‪{US}‬‏>:",
    "gmail fr": f"Le dim. 3 mai 2026 à 10:15, POP Trading <{US}> a écrit :",
    "gmail de": f"Am So., 3. Mai 2026 um 10:15 Uhr schrieb POP Trading <{US}>:",
    "gmail es": f"El dom, 3 may 2026 a las 10:15, POP Trading (<{US}>) escribió:",
    "gmail it": "Il giorno dom 3 mag 2026 alle ore 10:15 POP Trading "
    f"<{US}> ha scritto:",
    "gmail nl": f"Op zo 3 mei 2026 om 10:15 schreef POP Trading <{US}>:",
    "gmail pt": f"Em dom., 3 de mai. de 2026 às 10:15, POP Trading <{US}> escreveu:",
    "gmail tr": f"POP Trading <{US}>, 3 May 2026 Paz, 10:15 tarihinde şunu yazdı:",
    "gmail ru": f"вс, 3 мая 2026 г. в 10:15, POP Trading <{US}>:",
    "gmail zh": f"POP Trading <{US}> 于2026年5月3日周日 10:15写道：",
    "gmail hi": f"रवि, 3 मई 2026 को 10:15 am बजे को POP Trading <{US}> ने लिखा:",
    "gmail ur": f"اتوار، 3 مئی، 2026 کو 10:15 AM بجے POP Trading <{US}> نے لکھا:",
    "gmail fa": f"در تاریخ یکشنبه ۳ مهٔ ۲۰۲۶،‏ ۱۰:۱۵ POP Trading <{US}> نوشت:",
    "apple en": f"> On 3 May 2026, at 10:15, POP Trading <{US}> wrote:\n> ",
    "iphone ar": f"في 3 مايو 2026، الساعة 10:15 ص، كتب/كتبت POP Trading <{US}>:",
    "thunderbird": "On 03/05/2026 10:15, POP Trading wrote:",
    "zoho": f"---- On Sun, 03 May 2026 10:15:00 +0400 POP Trading <{US}> wrote ----",
    "roundcube": "On 2026-05-03 10:15, POP Trading wrote:",
    "yahoo": f"    On Sunday, May 3, 2026 at 10:15:00 AM GMT+4, POP Trading <{US}> "
    "wrote:  ",
    "proton": f"On Sunday, May 3rd, 2026 at 10:15 AM, POP Trading <{US}> wrote:",
    "samsung": f"-------- Original message --------\nFrom: POP Trading <{US}> \nDate: "
    f"03/05/2026  10:15  (GMT+04:00) \nTo: fatima@alnoor.example \nSubject: {SUBJECT}",
}
_BARE = {"samsung", "yahoo", "zoho"}  # programs that set no mark before the quote


def _attributed():
    for name, head in _WROTE.items():
        arabic = "ar" in name.split()
        own = (AR, AR2) if arabic else (PAID, DUE)
        theirs = AR_LINE if arabic else LINE
        quote = theirs if name in _BARE else _quote(f"Dear customer,\n\n{theirs}")
        yield _text(
            name, f"{own[0]}\n\n{own[1]}\n\n{head}\n\n{quote}\n", own, (theirs,)
        )


# -- Outlook's header block, in the languages of offices
_BLOCKS = {
    "outlook en": ("From", "Sent", "To", "Subject"),
    "outlook ar": ("من", "تم الإرسال", "إلى", "الموضوع"),
    "outlook ar 2": ("من", "أُرسلت", "إلى", "الموضوع"),
    "outlook fr": ("De", "Envoyé", "À", "Objet"),
    "outlook de": ("Von", "Gesendet", "An", "Betreff"),
    "outlook es": ("De", "Enviado el", "Para", "Asunto"),
    "outlook it": ("Da", "Inviato", "A", "Oggetto"),
    "outlook nl": ("Van", "Verzonden", "Aan", "Onderwerp"),
    "outlook pt": ("De", "Enviada em", "Para", "Assunto"),
    "outlook tr": ("Kimden", "Gönderildi", "Kime", "Konu"),
    "outlook ru": ("От", "Отправлено", "Кому", "Тема"),
    "outlook zh": ("发件人", "发送时间", "收件人", "主题"),
}


def _blocks():
    for name, (sender, sent, to, subject) in _BLOCKS.items():
        own = (AR, AR2) if "ar" in name.split() else (PAID, DUE)
        head = (
            f"{sender}: POP Trading <{US}>\n{sent}: Sunday, May 3, 2026 10:15 AM\n"
            f"{to}: Fatima Hassan\n{subject}: {SUBJECT}\n"
        )
        yield _text(
            name,
            f"{own[0]}\n\n{own[1]}\n\nRegards\nFatima\n\n{'_' * 32}\n{head}\nDear "
            f"customer,\n\n{LINE}\n",
            own,
        )


def _pages():
    """HTML as programs write it."""
    yield _html(
        "gmail html",
        f'<div dir="ltr">{PAID}<br><br>{DUE}</div><br><div class="gmail_quote">'
        f'<div dir="ltr" class="gmail_attr">On Sun, 3 May 2026 at 10:15, POP Trading '
        f'&lt;<a href="mailto:{US}">{US}</a>&gt; wrote:<br></div><blockquote '
        f'class="gmail_quote" style="margin:0"><p>{LINE}</p></blockquote></div>',
        (PAID, DUE),
    )
    yield _html(
        "gmail html below",
        '<div dir="ltr"><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On '
        f"Sun, 3 May 2026 at 10:15, POP Trading wrote:<br></div><blockquote class="
        f'"gmail_quote"><p>{LINE}</p></blockquote></div><div>{PAID}</div><div>{DUE}'
        "</div></div>",
        (PAID, DUE),
    )
    yield _html(
        "gmail html inside",
        f'<div dir="ltr">See my answers below.<div class="gmail_quote"><blockquote '
        f'class="gmail_quote"><p>{LINE}</p></blockquote><div>{PAID}</div><blockquote '
        'class="gmail_quote"><p>When will you pay the rest?</p></blockquote><div>'
        f"{DUE}</div></div></div>",
        (PAID, DUE),
    )
    yield _html(
        "outlook desktop html",
        f'<div class="WordSection1"><p class="MsoNormal">{PAID}<o:p></o:p></p><p '
        f'class="MsoNormal">{DUE}</p><div><div style="border:none;border-top:solid '
        '#E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal"><b>From:</b> '
        f"POP Trading &lt;{US}&gt; <br><b>Sent:</b> Sunday, May 3, 2026 10:15 AM<br>"
        f"<b>To:</b> Fatima Hassan<br><b>Subject:</b> {SUBJECT}</p></div></div><p "
        f'class="MsoNormal">{LINE}</p></div>',
        (PAID, DUE),
    )
    yield _html(
        "outlook web html",
        f'<div style="font-size:12pt">{PAID}</div><div>{DUE}</div><div '
        'id="appendonsend"></div><hr style="display:inline-block;width:98%"><div '
        f'id="divRplyFwdMsg" dir="ltr"><font><b>From:</b> POP Trading &lt;{US}&gt;<br>'
        "<b>Sent:</b> Sunday, May 3, 2026 10:15 AM<br><b>To:</b> Fatima Hassan "
        f"&lt;fatima@alnoor.example&gt;<br><b>Subject:</b> {SUBJECT}</font><div>&nbsp;"
        f"</div></div><div><p>{LINE}</p></div>",
        (PAID, DUE),
    )
    yield _html(
        "outlook arabic html",
        f'<div dir="rtl"><p>{AR}</p><p>{AR2}</p><hr><div id="divRplyFwdMsg" dir="rtl">'
        f"<b>من:</b> POP Trading &lt;{US}&gt;<br><b>‏‏تم الإرسال:</b> الأحد، 3 مايو "
        f"2026 10:15 ص<br><b>إلى:</b> Fatima<br><b>الموضوع:</b> {SUBJECT}</div>"
        f"<p>{LINE}</p></div>",
        (AR, AR2),
    )
    yield _html(
        "apple html",
        f'<div dir="auto">{PAID}<br><div>{DUE}</div><br><div dir="ltr">Sent from my '
        f'iPhone</div><div dir="ltr"><br><blockquote type="cite">On 3 May 2026, at '
        f"10:15, POP Trading &lt;{US}&gt; wrote:<br><br></blockquote></div><blockquote "
        f'type="cite"><div dir="ltr">{LINE}</div></blockquote></div>',
        (PAID, DUE),
    )
    yield _html(
        "thunderbird html",
        f'<p>{PAID}</p><p>{DUE}</p><div class="moz-cite-prefix">On 03/05/2026 10:15, '
        f'POP Trading wrote:<br></div><blockquote type="cite" cite="mid:1@pop.example">'
        f"<p>{LINE}</p></blockquote>",
        (PAID, DUE),
    )
    yield _html(
        "yahoo html",
        f'<div class="ydp1">{PAID}</div><div>{DUE}</div><div id="ydp2yahoo_quoted" '
        f'class="yahoo_quoted"><div>On Sunday, May 3, 2026, POP Trading &lt;{US}&gt; '
        f"wrote:</div><div>{LINE}</div></div>",
        (PAID, DUE),
    )
    yield _html(
        "samsung html",
        f'<div dir="auto">{PAID}</div><div>{DUE}</div><div align="left" '
        'dir="auto" style="font-size:100%;color:#000000"><div>-------- Original '
        f"message --------</div><div>From: POP Trading &lt;{US}&gt; </div><div>Date: "
        "03/05/2026  10:15  (GMT+04:00) </div><div>To: fatima@alnoor.example </div>"
        f"<div>Subject: {SUBJECT} </div></div><p>{LINE}</p>",
        (PAID, DUE),
    )
    yield _html(
        "plan in blockquote",
        "<p>Our plan:</p><blockquote style='margin-left:40px'><p>10 May AED 10,000</p>"
        "<p>10 June AED 38,200</p></blockquote><p>Kindly confirm.</p>",
        ("Our plan:", "10 May AED 10,000", "10 June AED 38,200", "Kindly confirm."),
        (),
    )
    yield _html(
        "table of transfers",
        "<p>Transfers made:</p><table><tr><td>INV/2026/00012</td><td>10,000.00</td>"
        "</tr><tr><td>INV/2026/00013</td><td>5,200.00</td></tr></table>",
        (
            "Transfers made:",
            "INV/2026/00012",
            "10,000.00",
            "INV/2026/00013",
            "5,200.00",
        ),
        (),
    )
    yield _html(
        "stub beside html",
        f"<p>{PAID}</p><p>{DUE}</p>",
        (PAID, DUE),
        (),
        plain="Your mail program does not support HTML mail.",
    )
    yield _html(
        "plain and html",
        f"<p>{PAID}</p><p>{DUE}</p>",
        (PAID, DUE),
        (),
        plain=f"{PAID}\n\n{DUE}\n",
    )
    yield _html(
        "answers in colour",
        f'<p>My answers in red below.</p><div id="divRplyFwdMsg"><b>From:</b> POP '
        f"Trading &lt;{US}&gt;<br><b>Sent:</b> Sunday, May 3, 2026<br><b>To:</b> Fatima"
        f"<br><b>Subject:</b> {SUBJECT}</div><p>{LINE}</p><p style='color:red'>{PAID}"
        f"</p><p>When will you pay?</p><p style='color:red'>{DUE}</p>",
        (PAID, DUE),
        (),
    )


def _texts():
    wrote = f"On Sun, 3 May 2026 at 10:15, POP Trading <{US}> wrote:"
    quote = _quote(f"Dear customer,\n{LINE}\nWhen will you pay?")
    yield _text("below the quote", f"{wrote}\n{quote}\n\n{PAID}\n{DUE}\n", (PAID, DUE))
    yield _text(
        "greeting, then below",
        f"Hello,\n\n{wrote}\n{quote}\n\n{PAID}\n\n{DUE}\n",
        ("Hello,", PAID, DUE),
    )
    yield _text(
        "between the lines",
        f"{wrote}\n> Dear customer,\n> {LINE}\n\n{PAID}\n\n> When will you pay?\n\n"
        f"{DUE}\n\n> Regards\n",
        (PAID, DUE),
    )
    yield _text(
        "above and between",
        f"Dear Sir, please see inside.\n\n{wrote}\n> {LINE}\n{PAID}\n> When will you "
        f"pay?\n{DUE}\n",
        ("Dear Sir, please see inside.", PAID, DUE),
    )
    yield _text(
        "no attribution",
        f"{PAID}\n\n> Dear customer,\n> {LINE}\n> Regards\n",
        (PAID,),
    )
    yield _text(
        "own line with a mark",
        "Please note:\n> cheque no. 4711 was returned\nWe send another.\n",
        ("Please note:", "cheque no. 4711 was returned", "We send another."),
        (),
    )
    yield _text(
        "bank details",
        "Transfer details:\n\nFrom: Mashreq Bank\nTo: Emirates NBD\nDate: 3 May 2026\n"
        "Amount: AED 48,200.00\nReference: FT26123\n",
        ("From: Mashreq Bank", "To: Emirates NBD", "Amount: AED 48,200.00", "FT26123"),
        (),
    )
    yield _text(
        "bank details arabic",
        "تفاصيل الحوالة:\nمن: بنك المشرق\nإلى: بنك دبي الوطني\nالتاريخ: 3 مايو 2026\n"
        "المبلغ: 48,200 درهم\nالمرجع: 7788\n",
        (
            "من: بنك المشرق",
            "إلى: بنك دبي الوطني",
            "المبلغ: 48,200 درهم",
            "المرجع: 7788",
        ),
        (),
    )
    yield _text(
        "swift message",
        "From: EBILAEAD\nTo: BOMLAEAD\nSubject: MT103\n:20:FT26123\n"
        ":32A:260503AED48200,\n",
        (":20:FT26123", ":32A:260503AED48200,"),
        (),
    )
    yield _text(
        "ruled plan",
        "Payment plan:\n______________________________\n10 May    10,000\n10 June   "
        "38,200\n______________________________\nTotal     48,200\n",
        ("10 May", "38,200", "Total 48,200"),
        (),
    )
    yield _text(
        "arabic office",
        f"نعتذر عن التأخير.\n{AR2}\nفي مكتبنا كتب السائق إيصالا:\nالمبلغ 1250 درهم\n",
        ("نعتذر عن التأخير.", AR2, "المبلغ 1250 درهم"),
        (),
    )
    yield _text(
        "arabic books",
        "بتاريخ اليوم راجعنا الكتب والدفاتر:\nلا يوجد رصيد مستحق.\n",
        ("لا يوجد رصيد مستحق.",),
        (),
    )
    yield _text(
        "on thursday",
        "Hello,\nOn Thursday 7 May our driver will bring the cheque. The manager "
        "wrote:\nthe amount is AED 48,200.\nThanks\n",
        ("On Thursday 7 May our driver", "the amount is AED 48,200.", "Thanks"),
        (),
    )
    yield _text(
        "signature with fields",
        f"{PAID}\n\n-- \nFatima Hassan\nTo: 04 555 1234\nFrom: Dubai\nP.O. Box 1\n",
        (PAID,),
        (),
    )
    yield _text(
        "forward of a bank's notice",
        "---------- Forwarded message ---------\nFrom: Alerts <alerts@bank.example>\n"
        "Date: Sun, 3 May 2026 at 09:00\nSubject: Transfer advice\nTo: Fatima "
        "<fatima@alnoor.example>\n\nAED 48,200.00 was sent to POP Trading, reference "
        "FT26123.\n",
        ("AED 48,200.00 was sent to POP Trading, reference FT26123.",),
        (),
        Subject=f"Fwd: {SUBJECT}",
    )
    yield _text(
        "forward with words",
        "FYI, see the bank's advice.\n\nBegin forwarded message:\n\nFrom: Alerts "
        "<alerts@bank.example>\nSubject: Transfer advice\nDate: 3 May 2026\nTo: Fatima "
        "<fatima@alnoor.example>\n\nAED 48,200.00 was sent.\n",
        ("FYI, see the bank's advice.", "AED 48,200.00 was sent."),
        (),
        Subject=f"Fwd: {SUBJECT}",
    )
    yield _text("one word", "Paid\n", ("Paid",), ())
    yield _text("only the quote", f"{wrote}\n{quote}\n", (), ())
    yield _text(
        "banner",
        f"CAUTION: This email originated from outside the organisation.\n\n{PAID}\n",
        (PAID,),
        (),
    )
    yield _text(
        "notes",
        f"{PAID}\n\n\n\nFrom:   POP Trading <{US}>\nTo:     Fatima "
        f"<fatima@alnoor.example>\nDate:   03/05/2026 10:15 AM\nSubject:        "
        f"{SUBJECT}\n\n\n\n{LINE}\n",
        (PAID,),
    )
    yield _text(
        "blackberry",
        f"{PAID}\n\n-----Original Message-----\nFrom: POP Trading <{US}>\nDate: Sun, 3 "
        f"May 2026 10:15:00 \nTo: <fatima@alnoor.example>\nSubject: {SUBJECT}\n\n"
        f"{LINE}\n",
        (PAID,),
    )
    yield _text(
        "list of numbers",
        "1. INV/2026/00012 - paid\n2. INV/2026/00013 - price is wrong\n3. the rest on "
        "30/06\n",
        ("INV/2026/00013 - price is wrong", "the rest on 30/06"),
        (),
    )


def _parts():
    """Several parts, charsets, bytes that are wrong."""
    kind, body = multipart(
        "mixed",
        part("text/plain; charset=utf-8", PAID + "\n"),
        part(
            'image/png; name="cheque.png"',
            "aGk=",
            "Content-Transfer-Encoding: base64\nContent-Disposition: inline; "
            'filename="cheque.png"\n',
        ),
        part("text/plain; charset=utf-8", DUE + "\n\nSent from my iPhone\n"),
    )
    raw = mail(HEADERS | {"Content-Type": kind}, body)
    yield Sample("words, picture, words", raw, "reply", own=(PAID, DUE))
    kind, body = multipart(
        "mixed",
        part("text/plain; charset=utf-8", "[EXTERNAL EMAIL] Be careful.\n"),
        part("text/html; charset=utf-8", f"<p>{PAID}</p><p>{DUE}</p>"),
    )
    raw = mail(HEADERS | {"Content-Type": kind}, body)
    yield Sample("banner part", raw, "reply", own=(PAID, DUE))
    kind, body = multipart(
        "mixed",
        part(
            'text/plain; charset=utf-8; name="ATT00001.txt"',
            PAID + "\n",
            'Content-Disposition: inline; filename="ATT00001.txt"\n',
        ),
    )
    raw = mail(HEADERS | {"Content-Type": kind}, body)
    yield Sample("named words", raw, "reply", own=(PAID,))
    kind, body = multipart(
        "mixed", base64_part("text/plain; charset=utf-8", f"{AR}\n{AR2}\n")
    )
    raw = mail(HEADERS | {"Content-Type": kind}, body)
    yield Sample("base64", raw, "reply", own=(AR, AR2))
    for name, declared, used in (
        ("windows-1256", "windows-1256", "cp1256"),
        ("says latin, is 1256", "iso-8859-1", "cp1256"),
        ("says 1252, is utf-8", "windows-1252", "utf-8"),
        ("says nothing, is 1256", "", "cp1256"),
        ("iso-8859-6", "iso-8859-6", "iso-8859-6"),
        ("unknown charset", "x-nobody", "utf-8"),
    ):
        text = "تم السداد اليوم بشيك رقم 4711 من حسابنا"
        kind = f"text/plain; charset={declared}" if declared else "text/plain"
        head = mail(HEADERS | {"Content-Type": kind}, "")
        raw = head + text.encode(used)
        yield Sample(name, raw, "reply", own=(text,))
    raw = mail(HEADERS, f"{AR} {AR2}") + b"\xff\r\n"
    yield Sample("one bad byte", raw, "reply", own=(AR2,))
    data = base64.encodebytes(f"{PAID} {DUE} thanks".encode()).decode().strip()[:-1]
    raw = mail(HEADERS | {"Content-Transfer-Encoding": "base64"}, data)
    yield Sample("base64 cut", raw, "reply", own=(PAID, DUE))
    raw = mail(HEADERS, f"{AR2}\n" + "س" * 60_000 + f"\n{AR}\n")
    yield Sample("long arabic", raw, "reply", own=(AR2,))
    soft = PAID.replace(" ", "=20").replace("yesterday,", "yester=\nday,")
    raw = mail(HEADERS | {"Content-Transfer-Encoding": "quoted-printable"}, soft)
    yield Sample("quoted-printable", raw, "reply", own=(PAID,))


REPLIES = [*_attributed(), *_blocks(), *_pages(), *_texts(), *_parts()]
