from odoo import api, models

from ...core.letter.checker import ERROR
from ...core.letter.texts import TEXTS


class ChaserCheckerMixin(models.AbstractModel):
    """Findings of ``core.checker``, and problems of ``core.template_language``, in the
    user's language."""

    _name = "chaser.checker.mixin"
    _description = "Checker of Letters"

    @api.model
    def _prepare_findings(self, findings, template=None):
        """Findings as plain values for the ``chaser_findings`` widget: severity, place
        and sentence, in their order."""
        name = template.name if template else False
        return [
            {
                "severity": one.severity,
                "code": one.code,
                "place": self._get_finding_place(one),
                "text": self._get_finding_text(one),
                "template": name,
            }
            for one in findings
        ]

    @api.model
    def _get_finding_place(self, finding):
        """``Arabic, text, paragraph 3``; empty where the whole message is meant."""
        lang = {"en": self.env._("English"), "ar": self.env._("Arabic")}.get(
            finding.lang
        )
        place = {"subject": self.env._("subject"), "body": self.env._("text")}.get(
            finding.place
        )
        paragraph = (
            self.env._("paragraph %s", finding.paragraph) if finding.paragraph else None
        )
        comma = TEXTS["ar" if (self.env.lang or "").startswith("ar") else "en"]["comma"]
        return comma.join(filter(None, (lang, place, paragraph)))

    @api.model
    def _get_finding_text(self, finding):
        if finding.code == "template":
            return self._describe_problem(finding.params["problem"])
        params = {"words": "", "tag": "", "size": ""} | finding.params
        if params["tag"]:
            params["tag"] = (
                self.env["chaser.template"]
                ._get_merge_tag_words()
                .get(params["tag"], "")
                + f" ({params['tag']})"
            )
        return self._get_finding_sentences().get(finding.code, finding.code) % params

    @api.model
    def _get_finding_sentences(self):
        """Code of a finding → sentence. A later addon extends the dictionary."""
        return self._get_content_sentences() | self._get_form_sentences()

    @api.model
    def _get_content_sentences(self):
        """What the letter says, and whether both languages say the same."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "no_arabic": _(
                "There is no Arabic text: customers who want Arabic get English."
            ),
            "amount_differs": _("The amount “%(tag)s” is in this language only."),
            "date_differs": _("The date “%(tag)s” is in this language only."),
            "tag_differs": _("“%(tag)s” is in this language only."),
            "link_tag_differs": _("The link “%(tag)s” is in this language only."),
            "number_differs": _("The number %(words)s is in this language only."),
            "link_differs": _("The address %(words)s is in this language only."),
            "empty_tag": _(
                "“%(tag)s” has no value here and would be printed empty. Ask first: "
                "{%% if … %%} … {%% endif %%}."
            ),
            "bare_reference": _(
                "“%(tag)s” is not held left-to-right inside the Arabic text."
            ),
            "not_isolated": _(
                "“%(words)s” was typed by hand and turns round inside Arabic text: "
                "use a merge tag."
            ),
            "wording_interest": _(
                "“%(words)s” is about interest, which the company's settings do not "
                "allow."
            ),
            "wording_fee": _(
                "“%(words)s” is about fees, which the company's settings do not allow."
            ),
            "wording_threat": _(
                "“%(words)s” reads as a threat, which the company's settings do not "
                "allow."
            ),
            "wording_religion": _(
                "“%(words)s” touches religion, which the company's settings do not "
                "allow."
            ),
            "other_language": _(
                "This part is written in the other language: “%(words)s …”."
            ),
        }

    @api.model
    def _get_form_sentences(self):
        """How the letter looks to mail programs and spam filters."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "shouting": _(
                "“%(words)s” is all in capitals, which spam filters take for shouting."
            ),
            "subject_capitals": _(
                "The subject is in capitals, which spam filters take for shouting."
            ),
            "exclamation": _("Too many exclamation marks: spam filters count them."),
            "long_subject": _(
                "The subject is %(size)s characters long; most programs show fewer "
                "than 80."
            ),
            "insecure_link": _("The link %(words)s is not encrypted: use https."),
            "misleading_link": _(
                "The link shows another address than it leads to: %(words)s."
            ),
            "little_text": _(
                "There is hardly any text in the message, which spam filters distrust."
            ),
            "too_large": _(
                "The message has %(size)s kB; mail programs cut messages above 100 kB."
            ),
            "no_template": _("There is no template for these reminders."),
        }

    @api.model
    def _format_findings(self, values, severity=ERROR):
        """Findings of one severity as lines of text, for an error message or a
        question."""
        lines = []
        for one in values:
            if one["severity"] == severity:
                lines.append(
                    "• "
                    + ": ".join(
                        filter(None, (one["template"], one["place"], one["text"]))
                    )
                )
        return "\n".join(dict.fromkeys(lines))

    # -- what stops a template: it cannot be read

    @api.model
    def _describe_problem(self, problem):
        """A TemplateProblem in the user's language."""
        params = {
            "line": "",
            "tag": "",
            "nearest": "",
            "detail": "",
            "limit": "",
        } | problem.params
        sentence = {
            "syntax": self._get_syntax_words().get(params.get("kind", "other")),
            "forbidden": self.env._(
                "line %(line)s: “%(detail)s” is not allowed in a template; use merge "
                "tags, if and plural."
            ),
            "unknown_filter": self.env._(
                "line %(line)s: the filter “%(tag)s” does not exist."
            ),
            "unknown_tag": self.env._(
                "line %(line)s: the merge tag “%(tag)s” does not exist."
            ),
            "missing_tag": self.env._(
                "the merge tag “%(tag)s” is required and missing."
            ),
            "too_long": self.env._("the text is longer than %(limit)s characters."),
            "too_many_tags": self.env._("it names more than %(limit)s merge tags."),
            "undefined": self.env._("the merge tag “%(detail)s” has no value."),
            "failed": self.env._("it cannot be filled in: %(detail)s"),
        }[problem.code] % params
        if params["nearest"]:
            sentence += " " + self.env._("Did you mean “%s”?", params["nearest"])
        return sentence

    @api.model
    def _get_syntax_words(self):
        """Kind of a syntax error (``core.template_language``) → sentence."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "open_print": _("line %(line)s: “{{” is not closed by “}}”."),
            "open_if": _(
                "line %(line)s: an “{%% if %%}” is not closed by “{%% endif %%}”."
            ),
            "open_statement": _(
                "line %(line)s: a statement is not closed by “}}” or “%%}”."
            ),
            "stray_end": _("line %(line)s: “%(tag)s” without an “if” before it."),
            "unknown_statement": _(
                "line %(line)s: the statement “%(tag)s” does not exist; there are if, "
                "elif, else and endif."
            ),
            "unexpected": _("line %(line)s cannot be read at “%(tag)s”."),
            "other": _("line %(line)s cannot be read: %(detail)s"),
        }
