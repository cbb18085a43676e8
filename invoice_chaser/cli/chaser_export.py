"""``odoo-bin chaser_export``: everything that a company has in Invoice Chaser, as a
ZIP."""

import sys
from pathlib import Path

from odoo.api import SUPERUSER_ID, Environment
from odoo.cli import Command
from odoo.modules.registry import Registry
from odoo.tools import config


class ChaserExport(Command):
    """Write everything that a company has in Invoice Chaser into a ZIP: a CSV per
    model, the sent messages as .eml, a manifest with hashes."""

    name = "chaser_export"

    def run(self, args):
        add = self.parser.add_argument
        add("-c", "--config", help="a configuration file of Odoo")
        add("-d", "--database", required=True)
        add("--company", help="name or id; needed where there are several")
        add("file", type=Path)
        options = self.parser.parse_args(args)
        config.parse_config(
            ["-d", options.database, "--no-http"]
            + (["-c", options.config] if options.config else []),
            setup_logging=True,
        )
        with Registry(options.database).cursor() as cr:
            env = Environment(cr, SUPERUSER_ID, {})
            companies = env["res.company"].search([])
            if options.company:
                companies = companies.filtered(
                    lambda company: options.company in (company.name, str(company.id))
                )
            if len(companies) != 1:
                sys.exit("Name one company by --company: its name or id.")
            with options.file.open("wb") as stream:
                counts = env["chaser.export"]._write(companies, stream)
        for model, number in counts.items():
            sys.stdout.write(f"{model}: {number}\n")
