"""Templates of the other tool, with its merge tags in ours. One whose tags have no
counterpart is refused and names them: it would stop the reminders that use it."""

import json

from ...core.letter.merge_tags import MERGE_TAGS, REQUIRED_TAGS
from ...core.letter.template_file import FORMAT, VERSION, load
from ...core.letter.template_language import tags_in
from ...core.move_in.foreign_tags import translate_tags
from .changes import CHANGED, NEW, SAME, Change, refuse

_TEXTS = ("subject", "body_html", "subject_ar", "body_html_ar")


class TemplateWriter:
    def __init__(self, table):
        self.table, self.env, self.company = table, table.env, table.company
        self.templates = self.env["chaser.template.file"]
        self.arabic = self.env["res.lang"]._get_chaser_arabic()

    def identities(self, record):
        return [record.key]

    def name(self, record):
        return record.values.get("name") or record.key

    def plan(self, records):
        known = self.templates._find_by_keys(self.company)
        return [self._plan_one(record, known) for record in records]

    def _plan_one(self, record, known):
        texts, lost = {}, []
        for name in _TEXTS:
            texts[name], missing = translate_tags(
                record.values.get(name, ""), MERGE_TAGS
            )
            lost += missing
        if lost:
            return refuse(
                record, "lost_tags", detail=", ".join(dict.fromkeys(lost))[:300]
            )
        entry = self._make_entry(record, texts)
        if entry.problems:
            describe = self.env["chaser.template.import"]._describe_entry_problem
            words = " ".join(map(describe, entry.problems))
            return refuse(record, "template", detail=words[:500])
        template = known.get(entry.key)
        values = {"entry": entry}
        shown = {"subject": ("", entry.subject["en"])}
        if not template:
            return Change(record, NEW, values=values, difference=shown)
        if not self.table.replace or self.templates._is_like(
            template, entry, self.arabic
        ):
            return Change(record, SAME)
        shown = {"subject": (template.subject, entry.subject["en"])}
        return Change(record, CHANGED, "", values, shown, target=template)

    def _make_entry(self, record, texts):
        """Checked as a file of templates is."""
        category = record.values.get("category", "")
        if category not in REQUIRED_TAGS:
            has_table = "invoice_table" in tags_in(texts["body_html"])
            category = "invoice_reminder" if has_table else "system"
        subject, body = {"en": texts["subject"]}, {"en": texts["body_html"]}
        if texts["subject_ar"] or texts["body_html_ar"]:
            subject["ar"], body["ar"] = texts["subject_ar"], texts["body_html_ar"]
        content = {
            "key": f"import:{self.table.file.tool or 'file'}:{record.key}",
            "name": {"en": record.values["name"]},
            "category": category,
            "subject": subject,
            "body_html": body,
        }
        file = {"format": FORMAT, "version": VERSION, "templates": [content]}
        return load(json.dumps(file).encode())[0]

    def apply(self, changes):
        for change in changes:
            entry = change.values["entry"]
            if change.target:
                self.templates._update_template(change.target, entry, self.arabic)
            else:
                change.target = self.templates._create_template(
                    entry, self.company, self.arabic, entry.key
                )
