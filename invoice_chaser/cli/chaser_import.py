"""``odoo-bin chaser_import``: moves in from the command line. Odoo itself finds it in
the folder ``cli`` of an addon, and loads it without the addon."""

import sys
from base64 import b64encode
from pathlib import Path

from odoo.api import SUPERUSER_ID, Environment
from odoo.cli import Command
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.tools import config

# Like the usual tools: 1, something was refused or failed; 2, it could not begin.
OK, REFUSED, NOT_BEGUN = 0, 1, 2


def say(text):
    sys.stdout.write(f"{text}\n")


class ChaserImport(Command):
    """Move contacts, stopped addresses and history of another tool into Invoice Chaser.

    Without --apply the files are only checked, and what would change is shown.
    """

    name = "chaser_import"
    epilog = "Example: odoo-bin chaser_import -d books --company POP --apply *.csv"

    def run(self, args):
        options = self._parse(args)
        config.parse_config(
            ["-d", options.database, "--no-http"]
            + (["-c", options.config] if options.config else []),
            setup_logging=True,
        )
        with Registry(options.database).cursor() as cr:
            env = Environment(cr, SUPERUSER_ID, {"lang": options.lang})
            try:
                code = self._run(env, options)
            except UserError as error:
                cr.rollback()
                sys.stderr.write(f"{error}\n")
                code = NOT_BEGUN
        sys.exit(code)

    def _parse(self, args):
        parser = self.parser
        add = parser.add_argument
        add("-c", "--config", help="a configuration file of Odoo")
        add("-d", "--database", required=True)
        add("--company", help="name or id; needed where there are several")
        add("--user", default="admin", help="login of the user whose rights count")
        add("--apply", action="store_true", help="import; else the files are checked")
        add("--replace", action="store_true", help="replace what is here by the files")
        add("--tz", default="UTC", help="zone of times that name none")
        add("--dates", choices=["dmy", "mdy"], help="order of ambiguous dates")
        add("--decimals", choices=[".", ","], help="sign of ambiguous decimals")
        add("--lang", default="en_US", help="language of what is told")
        add("files", nargs="+", type=Path)
        return parser.parse_args(args)

    def _run(self, env, options):
        imp = self._create(env, options)
        imp._read_files()
        answers = {"date_order": options.dates, "decimal_sign": options.decimals}
        for file in imp.file_ids:
            file.write({name: told for name, told in answers.items() if told})
        imp._read_files()
        for file in imp.file_ids:
            told = file.problem or file.question or ""
            kind = dict(file._select_kind()).get(file.kind, "?")
            say(f"{file.name}: {file.tool or '-'}, {kind}. {told}".rstrip())
        env.cr.commit()
        if imp.is_open or not any(file._get_steps() for file in imp.file_ids):
            return NOT_BEGUN
        for dry in (True, False) if options.apply else (True,):
            imp._run_now(dry, self._tell)
            if imp.state == "failed":
                sys.stderr.write(f"{imp.message}\n")
                return REFUSED
        self._show(imp)
        refused = imp.refused_count + imp.doubtful_count
        return REFUSED if refused or any(imp.file_ids.mapped("problem")) else OK

    def _create(self, env, options):
        gone = [str(path) for path in options.files if not path.is_file()]
        if gone:
            raise UserError(f"There is no such file: {', '.join(gone)}.")
        user = env["res.users"].search([("login", "=", options.user)])
        if not user:
            raise UserError(f"There is no user {options.user}.")
        company = self._find_company(env, options.company) or user.company_id
        if company not in user.company_ids:
            raise UserError(f"{user.login} does not work in {company.name}.")
        env = Environment(
            env.cr,
            user.id,
            {"lang": options.lang, "allowed_company_ids": company.ids},
        )
        if not env.user.has_group("invoice_chaser.group_chaser_manager"):
            raise UserError(f"{user.login} is no chaser manager.")
        attachments = env["ir.attachment"].create(
            [
                {
                    "name": path.name,
                    "datas": b64encode(path.read_bytes()),
                    "res_model": "chaser.import",
                }
                for path in options.files
            ]
        )
        imp = env["chaser.import"].create(
            {
                "company_id": company.id,
                "attachment_ids": [(6, 0, attachments.ids)],
                "on_existing": "replace" if options.replace else "keep",
                "tz": options.tz,
            }
        )
        imp._check_rights()
        return imp

    def _find_company(self, env, told):
        companies = env["res.company"].search([])
        if not told:
            if len(companies) > 1:
                raise UserError("There are several companies: name one by --company.")
            return companies
        found = companies.filtered(
            lambda company: told in (company.name, str(company.id))
        )
        if len(found) != 1:
            names = ", ".join(companies.mapped("name"))
            raise UserError(f"There is no company {told} among {names}.")
        return found

    def _tell(self, imp):
        sys.stderr.write(f"\r{imp.rows_done} / {imp.rows_total} ")

    def _show(self, imp):
        sys.stderr.write("\n")
        words, steps = imp._get_action_words(), imp._get_step_words()
        totals = {}
        for file in imp.file_ids:
            for step, counts in (file.figures or {}).items():
                for action, number in counts.items():
                    mine = totals.setdefault(step, {})
                    mine[action] = mine.get(action, 0) + number
        for step, counts in totals.items():
            told = ", ".join(
                f"{counts[a]} {w}" for a, w in words.items() if a in counts
            )
            say(f"{steps[step]}: {told}")
        lines = imp.line_ids.search(
            [("import_id", "=", imp.id), ("action", "in", ("refused", "doubtful"))]
        )
        for line in lines:
            say(f"{line.file_id.name}, {line.row}: {line.name}: {line.reason}")
