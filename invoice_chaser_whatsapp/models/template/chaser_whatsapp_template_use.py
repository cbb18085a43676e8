import re
from functools import cache

from markupsafe import Markup, escape

from odoo import api, fields, models
from odoo.tools import file_open

from odoo.addons.invoice_chaser.core.letter import localize, render
from odoo.addons.invoice_chaser.core.letter.sample import sample_data

from ...core import shipped
from ...core.template_rules import MAX_BODY, VARIABLE, clean_value, fill
from .chaser_whatsapp_template_version import summarize

_NOT_IN_A_NAME = re.compile(r'[\\/:*?"<>|\r\n\t]+')
# WhatsApp's own marks: *bold*, _italic_, ~struck~, ```fixed```.
_MARKS = (
    (re.compile(r"```(.+?)```", re.S), "code"),
    (re.compile(r"(?<![\w*])\*(?=\S)(.+?)(?<=\S)\*(?![\w*])"), "b"),
    (re.compile(r"(?<!\w)_(?=\S)(.+?)(?<=\S)_(?!\w)"), "i"),
    (re.compile(r"(?<![\w~])~(?=\S)(.+?)(?<=\S)~(?![\w~])"), "s"),
)


class ChaserWhatsappTemplate(models.Model):
    """The template in use: which one a reminder gets, its values, the parts of the
    request, and how it looks on a phone."""

    _inherit = "chaser.whatsapp.template"  # pylint: disable=consider-merging-classes-inherited  # the template in use

    preview_partner_id = fields.Many2one(
        "res.partner",
        "Preview with",
        store=False,
        help="A customer with open invoices; empty: sample data.",
    )
    preview = fields.Html(compute="_compute_preview", sanitize=False)
    sent_count = fields.Integer("Sent", compute="_compute_figures")
    read_rate = fields.Float("Read (%)", compute="_compute_figures", aggregator=None)
    reply_rate = fields.Float(
        "Answered (%)", compute="_compute_figures", aggregator=None
    )
    failed_rate = fields.Float(
        "Not Delivered (%)", compute="_compute_figures", aggregator=None
    )

    def _compute_figures(self):
        """Of all its versions."""
        rows = (
            self.env["chaser.delivery"]
            .sudo()
            ._read("whatsapp_version_id", self.version_ids.ids)
        )
        for template in self:
            ids = template.version_ids.ids
            template.update(summarize([rows[id_] for id_ in ids if id_ in rows]))

    # -- which one

    @api.model
    def _choose(self, company, level, language, account=None):
        """The template for a reminder: of the level itself before those of its tone, of
        the customer's language before English.

        :param level: ``chaser.level``, may be empty
        :param language: ``en``, ``ar`` or ``both``
        :param account: the mailbox; None: the company's
        :return: (template, None), or (empty, key of the reason)
        """
        if account is None:
            account = (
                self.env["chaser.provider"].sudo()._get_default(company, "whatsapp")
            )
        if not account:
            return self.browse(), "whatsapp_no_account"
        templates = self.sudo().search([("provider_id", "=", account.id)])
        block = None
        for lang in dict.fromkeys((*render.languages(language or "en"), "en")):
            mine = templates.filtered(lambda one, lang=lang: one.lang == lang)
            own = mine.filtered(lambda one: level and one.level_id == level)
            by_tone = mine.filtered(
                lambda one: level and not one.level_id and one.tone == level.tone
            )
            for template in own or by_tone:
                reason = template._get_send_block()
                if not reason:
                    return template, None
                block = block or reason
        return self.browse(), block or "whatsapp_no_template"

    # -- its values

    def _get_sample_data(self):
        """Message data of a customer that does not exist."""
        company = self.company_id or self.provider_id.company_id or self.env.company
        codes = self.env["res.lang"]._get_chaser_codes()
        level = self.level_id or self.env["chaser.level"].search(
            [("tone", "=", self.tone)], limit=1
        )
        return sample_data(
            company._get_chaser_today(),
            self.env["chaser.composer"]._get_company_data(company),
            {
                lang: level.with_context(lang=code).name or ""
                for lang, code in codes.items()
            },
            self.get_base_url(),
            company.currency_id.name,
            company.currency_id.decimal_places,
        )

    def _make_values(self, data, sources):
        """Variable → value in the template's language, as Meta takes it.

        :param data: ``MessageData`` :param sources: variable → what fills it
        """
        lang = self.lang or "en"
        values = render.merge_values(data, lang) | _make_own_values(data, lang)
        return {
            name: clean_value(values.get(source, ""))
            for name, source in sources.items()
        }

    def _render(self, data):
        """What the customer will read: ``header``, ``body``, ``footer``, ``button``,
        ``url``; with ``header_kind``, ``lang``, ``version_id`` and the names of
        variables that have no value (``empty``)."""
        self.ensure_one()
        version = self.version_id
        content = version.content if version else self._make_content()
        return self._render_content(content, data) | {"version_id": version.id}

    def _render_content(self, content, data):
        names = list(dict.fromkeys(VARIABLE.findall(content["body"])))
        values = dict.fromkeys(names, "") | self._make_values(data, content["sources"])
        body = fill(content["body"], values)
        return {
            "lang": self.lang,
            "header_kind": content["header_kind"],
            "header": content["header"],
            "body": body,
            "footer": content["footer"],
            "button": content["button"],
            "url": data.page_url if content["button"] else "",
            "values": values,
            "empty": [name for name in names if not values[name]],
            "too_long": len(body) > MAX_BODY,
        }

    def _prepare_components(self, data, media_id=None, page_path="", filename=""):
        """The components of a send request.

        :param data: ``MessageData``
        :param media_id: of the uploaded statement
        :param page_path: the customer's page; its last part goes with the button
        :param filename: of the statement; a name is made where there is none
        """
        self.ensure_one()
        content = self.version_id.content or self._make_content()
        rendered = self._render_content(content, data)
        components = []
        if content["header_kind"] == "document" and media_id:
            document = {
                "id": media_id,
                "filename": filename or self._get_file_name(data),
            }
            components.append(
                {
                    "type": "header",
                    "parameters": [{"type": "document", "document": document}],
                }
            )
        if rendered["values"]:
            components.append(
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "parameter_name": name, "text": value}
                        for name, value in rendered["values"].items()
                        if f"{{{{{name}}}}}" in content["body"]
                    ],
                }
            )
        if content["button"]:
            token = (page_path or data.page_url).rstrip("/").rpartition("/")[2]
            components.append(
                {
                    "type": "button",
                    "sub_type": "url",
                    "index": "0",
                    "parameters": [{"type": "text", "text": token}],
                }
            )
        return components

    def _get_file_name(self, data):
        words = {"en": "Statement", "ar": "كشف حساب"}[self.lang or "en"]
        return _NOT_IN_A_NAME.sub(
            "-", f"{words} {data.company.get('name', '')} {data.today.isoformat()}.pdf"
        )

    # -- how it looks

    @api.depends(
        "header_kind",
        "header_text",
        "body",
        "footer",
        "button_text",
        "variable_ids.source",
        "language",
        "preview_partner_id",
    )
    def _compute_preview(self):
        for template in self:
            data = template._get_preview_data()
            template.preview = template._draw_phone(
                template._render_content(template._make_content(), data), data
            )

    def _get_preview_data(self):
        """A customer's open items as of today, else samples."""
        company = self.company_id or self.env.company
        partner = self.preview_partner_id
        data = partner and self.env["chaser.composer"].with_company(
            company
        )._get_preview_data(partner, company)
        return data or self._get_sample_data()

    @api.model
    def _draw_phone(self, rendered, data):
        """The message as on a phone: a whole page as HTML, in its own direction."""
        lang = rendered["lang"] or "en"
        parts = []
        if rendered["header_kind"] == "document":
            # Date and ending keep their own direction beside Arabic words.
            words, _blank, rest = _make_file_name(lang, data).rpartition(" ")
            parts.append(
                Markup(
                    '<div class="doc"><span class="pdf">PDF</span>'
                    '<bdi>%s <bdi dir="ltr">%s</bdi></bdi></div>'
                )
                % (words, rest)
            )
        elif rendered["header_kind"] == "text":
            parts.append(Markup('<div class="head">%s</div>') % rendered["header"])
        parts.append(
            Markup('<div class="body">%s</div>') % _format_marks(rendered["body"])
        )
        if rendered["footer"]:
            parts.append(Markup('<div class="foot">%s</div>') % rendered["footer"])
        parts.append(Markup('<div class="time">09:41 <span>✓✓</span></div>'))
        button = (
            Markup('<div class="button">↗ <bdi>%s</bdi></div>') % rendered["button"]
            if rendered["button"]
            else Markup("")
        )
        return Markup(_PAGE).format(
            lang=lang,
            css=Markup(_get_css()),
            dir="rtl" if lang == "ar" else "ltr",
            name=data.company.get("name", ""),
            initial=(data.company.get("name") or "?")[:1],
            bubble=Markup("").join(parts),
            button=button,
        )


@cache
def _get_css():
    with file_open("invoice_chaser_whatsapp/static/src/phone/phone.css") as file:
        return file.read()


def _make_own_values(data, lang):
    """Values that only messages by WhatsApp have; see ``OWN_SOURCES``."""
    numbers = {item.number for item in data.items}
    days = max((item.days_overdue for item in data.items), default=0)
    name = data.contact_name or data.customer_name
    shown = localize.isolate_name(" ".join(name.split()), lang)
    if lang == "ar":
        shown = (
            f"السادة/ {shown} المحترمين"
            if data.is_company
            else f"حضرة {shown} المحترم/ة"
        )
    return {
        "addressee": shown,
        "invoice_items": localize.plural(len(numbers), lang, shipped.ITEMS[lang]),
        "overdue_days": localize.plural(days, lang, shipped.DAYS[lang]),
    }


def _make_file_name(lang, data):
    words = {"en": "Statement", "ar": "كشف حساب"}[lang]
    return f"{words} {data.today.isoformat()}.pdf"


def _format_marks(text):
    """WhatsApp's marks as HTML; everything else escaped."""
    html = str(escape(text))
    for pattern, tag in _MARKS:
        html = pattern.sub(rf"<{tag}>\1</{tag}>", html)
    return Markup(html.replace("\n", "<br>"))


_PAGE = """<!DOCTYPE html>
<html lang="{lang}" dir="{dir}"><head><meta charset="utf-8"><style>{css}</style></head>
<body><div class="top"><i>{initial}</i><bdi>{name}</bdi></div>
<div class="chat"><div class="bubble">{bubble}</div>{button}</div></body></html>"""
