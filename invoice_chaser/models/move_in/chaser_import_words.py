from odoo import api, models


class ChaserImportWords(models.AbstractModel):
    """What a person reads about files and records, in one place. The codes are those of
    ``core.move_in`` and of the writers beside this file."""

    _name = "chaser.import.words"
    _description = "Move In: Words"

    @api.model
    def _describe_problem(self, code, params):
        """A sentence with its row and column, and the way out."""
        words = self._get_file_words() | self._get_record_words()
        params = {"detail": "", "limit": "", "column": "", "row": ""} | (params or {})
        params["column"] = self._get_target_words().get(
            params["column"], params["column"]
        )
        sentence = words[code] % params
        if params["row"]:
            return self.env._(
                "Row %(row)s: %(sentence)s", row=params["row"], sentence=sentence
            )
        return sentence

    @api.model
    def _get_file_words(self):
        """Of a file that cannot be taken."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return self._get_container_words() | {
            "binary": _("This is no text. Export the table as CSV or XLSX."),
            "bad_bytes": _(
                "Letters here cannot be read. Save the file as UTF-8 (in Excel: CSV "
                "UTF-8), and drop it in again."
            ),
            "open_quote": _(
                "A quotation mark is opened here and not closed, or stands inside a "
                "cell that has none around it. Correct the row in the file."
            ),
            "bad_line_end": _("A line ends in the middle of a cell."),
            "cell_too_large": _(
                "A cell has more than %(limit)s characters. Shorten it, or take the "
                "column out."
            ),
            "too_many_cells": _(
                "The row has %(detail)s cells, the header %(limit)s. A value with the "
                "separator in it needs quotation marks around it."
            ),
            "mixed_separators": _(
                "The row is separated by “%(detail)s”, the header is not. Use one "
                "separator in the whole file."
            ),
            "no_separator": _(
                "The header is one cell. Separate columns by comma, semicolon or tab."
            ),
            "double_header": _(
                "Two columns are called “%(column)s” (%(detail)s). Rename one."
            ),
            "no_header": _("The first row must name the columns; it is empty."),
            "too_many_columns": _("There are more than %(limit)s columns."),
            "no_rows": _("There are no rows below the header."),
            "no_file": _(
                "Its file is not there (%(detail)s). Drop in the whole ZIP of Move Out."
            ),
            "bad_json": _("This is no complete JSON. %(detail)s"),
            "json_row": _("Each entry must be an object with named values."),
            "json_form": _("No list of records is found in the JSON."),
        }

    @api.model
    def _get_container_words(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "too_large": _("It is larger than %(limit)s MB. Split it."),
            "empty": _("It is empty."),
            "old_excel": _("It is an Excel file of the old form. Save it as XLSX."),
            "pdf": _("It is a PDF. Export the table as CSV or XLSX."),
            "html": _(
                "It is a web page, perhaps a sign-in page in place of the export. "
                "Download the export again."
            ),
            "other_archive": _(
                "It is packed in another way than ZIP. Unpack it first."
            ),
            "torn_zip": _("The ZIP is damaged. Download it again. %(detail)s"),
            "zip_bomb": _(
                "It would unpack to more than anybody exports (over %(limit)s MB, or "
                "packed beyond belief). It is not opened."
            ),
            "zip_members": _("There are more than %(limit)s files in the ZIP."),
            "zip_in_zip": _("There is a ZIP in the ZIP: %(detail)s. Unpack it first."),
            "zip_locked": _("The ZIP has a password (%(detail)s). Unpack it first."),
            "zip_without_tables": _("There is no CSV, XLSX or JSON in the ZIP."),
            "other_office": _("It is a document, not a spreadsheet."),
            "other_version": _(
                "The export has version %(detail)s; this program reads version "
                "%(limit)s."
            ),
            "changed_since": _(
                "“%(detail)s” was changed after the export: its hash is not that of "
                "the manifest. Export again, or import the table by itself."
            ),
            "torn_xlsx": _("The spreadsheet is damaged. Save it again as XLSX."),
        }

    @api.model
    def _get_record_words(self):
        """Of a record that is refused, doubtful, or remarkable."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return self._get_value_words() | {
            "missing": _("“%(column)s” is empty."),
            "no_name": _("It has neither a name nor an e-mail address."),
            "twice": _("The same as row %(detail)s of this table; the first counts."),
            "doubtful": _(
                "It may be one of several customers: decide, then import again."
            ),
            "left_out": _("Left out by decision."),
            "other_company": _(
                "“%(detail)s” belongs to a customer of another company. Take the "
                "column of ids out, or import it there."
            ),
            "no_customer": _(
                "No customer here is meant by it (%(detail)s). Import the contacts too."
            ),
            "found_vat": _("Found by its TRN: %(detail)s."),
            "found_email": _("Found by its e-mail address: %(detail)s."),
            "found_name": _("Found by its name: %(detail)s."),
            "found_choice": _("By decision: %(detail)s."),
            "found_unique": _("The same is here already."),
            "kept_settings": _(
                "Settings here differ and stay; choose to replace them above."
            ),
            "planned": _("A row before makes this customer."),
            "not_found": _("“%(detail)s” is not known here (%(column)s); left empty."),
            "released": _(
                "A person let mail go there again on %(detail)s, after that; it stays "
                "so."
            ),
            "refused_here": _("Odoo refuses it: %(detail)s"),
            "no_send": _("No message that it belongs to has come in."),
            "future": _("It lies in the future: %(detail)s."),
            "not_sent": _("It was never sent; only what was sent is history."),
            "past_promise": _(
                "Its day (%(detail)s) is past, and the file does not say whether it "
                "was kept. Add a column “status”."
            ),
            "lost_tags": _(
                "These merge tags have no counterpart here: %(detail)s. Write them "
                "anew in the file, or make the template here."
            ),
            "template": "%(detail)s",
            "no_invoice": _("Not found here, and left out of it: %(detail)s."),
            "no_currency": _("The currency “%(detail)s” is not active here."),
            "own_reference": _("What it refers to did not come in: %(detail)s."),
        }

    @api.model
    def _get_value_words(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "date": _("“%(detail)s” is no date (%(column)s)."),
            "date_order": _("Is it day or month first? “%(detail)s” (%(column)s)"),
            "date_year": _(
                "The year of “%(detail)s” cannot be meant (%(column)s). Dates of the "
                "Hijri calendar must be converted first."
            ),
            "number": _("“%(detail)s” is no number (%(column)s)."),
            "number_decimal": _(
                "Is it a decimal point or comma? “%(detail)s” (%(column)s)"
            ),
            "truth": _("“%(detail)s” is neither yes nor no (%(column)s)."),
            "email": _("“%(detail)s” is no e-mail address."),
            "email_many": _(
                "“%(detail)s” is more than one address. One row, one address."
            ),
            "json": _("“%(detail)s” is no JSON object (%(column)s)."),
            "status": _(
                "The state “%(detail)s” is not known (%(column)s). Nothing is guessed: "
                "write subscribed, unsubscribed or bounced."
            ),
            "event": _("The event “%(detail)s” is not known."),
        }

    @api.model
    def _get_kind_words(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "contacts": _("Contacts"),
            "stopped": _("Stopped Addresses"),
            "lists": _("Lists"),
            "members": _("Members of Lists"),
            "templates": _("Templates"),
            "campaigns": _("Past Campaigns"),
            "sends": _("Sent Messages"),
            "events": _("Opens, Clicks and Other Events"),
            "promises": _("Promises to Pay"),
            "notes": _("Notes"),
            "invoices": _("Invoices (Odoo has its own: nothing to import)"),
            "records": _("Records of This Addon"),
            "kept": _("Notes of the Program's Own Work (for reading only)"),
        }

    @api.model
    def _get_step_words(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "stopped": _("Stopped Address"),
            "contact": _("Customer"),
            "channel": _("Number of a Customer"),
            "hold": _("Hold"),
            "segment": _("Segment"),
            "member": _("Member of a Segment"),
            "template": _("Template"),
            "campaign": _("Past Campaign"),
            "send": _("Sent Message"),
            "event": _("Event"),
            "promise": _("Promise"),
            "note": _("Note"),
            "record": _("Record of This Addon"),
            "link": _("Link Between Records"),
        }

    @api.model
    def _get_action_words(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "new": _("New"),
            "changed": _("Changed"),
            "same": _("The same"),
            "refused": _("Refused"),
            "doubtful": _("Doubtful"),
        }

    @api.model
    def _get_target_words(self):
        """What a column may mean."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return (
            self._get_contact_words()
            | self._get_history_words()
            | {
                "reason": _("Reason"),
                "channel": _("Channel"),
                "active": _("In Force"),
                "released_at": _("Released On"),
                "origin": _("Where From"),
                "description": _("Description"),
                "list": _("List"),
                "category": _("Category"),
                "subject": _("Subject"),
                "body_html": _("Body"),
                "body_text": _("Body as Text"),
                "subject_ar": _("Subject in Arabic"),
                "body_html_ar": _("Body in Arabic"),
            }
        )

    @api.model
    def _get_history_words(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "campaign_type": _("Campaign Type"),
            "scheduled_at": _("Scheduled For"),
            "started_at": _("Started On"),
            "completed_at": _("Completed On"),
            "created_at": _("Created On"),
            "state": _("State"),
            "campaign": _("Campaign"),
            "sent_at": _("Sent On"),
            "message_id": _("Message-ID"),
            "level": _("Level"),
            "invoices": _("Invoice Numbers"),
            "opened_at": _("Opened On"),
            "clicked_at": _("Clicked On"),
            "bounced_at": _("Bounced On"),
            "replied_at": _("Replied On"),
            "delivered_at": _("Delivered On"),
            "event_type": _("Event"),
            "send": _("Message of the Event"),
            "occurred_at": _("Time"),
            "link": _("Link"),
            "user_agent": _("User Agent"),
            "ip": _("IP Address"),
            "device": _("Device"),
            "mail_client": _("Mail Program"),
            "detail": _("Details"),
            "date_promised": _("Promised Day"),
            "promised_at": _("Said On"),
            "amount": _("Amount"),
            "currency": _("Currency"),
            "written_at": _("Written On"),
            "author": _("Written By"),
            "number": _("Invoice Number"),
            "due_date": _("Due Date"),
            "amount_due": _("Amount Due"),
            "amount_paid": _("Amount Paid"),
        }

    @api.model
    def _get_contact_words(self):
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return self._get_agreed_words() | {
            "custom": _("A field of its own"),
            "email": _("E-mail"),
            "external_id": _("Id in the Other Tool"),
            "customer_ref": _("Id of the Customer"),
            "customer_name": _("Name of the Customer"),
            "name": _("Name"),
            "first_name": _("First Name"),
            "last_name": _("Last Name"),
            "company": _("Company"),
            "is_company": _("Is a Company"),
            "vat": _("Tax Registration Number (TRN)"),
            "reference": _("Reference"),
            "phone": _("Phone"),
            "mobile": _("Mobile"),
            "website": _("Website"),
            "street": _("Street"),
            "street2": _("Street, Second Line"),
            "city": _("City"),
            "zip": _("ZIP"),
            "country": _("Country"),
            "language": _("Language"),
            "tags": _("Tags"),
        }

    @api.model
    def _get_agreed_words(self):
        """What was agreed with a contact."""
        # pylint: disable=prefer-env-translation  # this is what _ stands for here
        _ = self.env._
        return {
            "lists": _("Lists of the Contact"),
            "source": _("Source"),
            "consent": _("Marketing Consent"),
            "consent_at": _("Consent Given On"),
            "consent_proof": _("Proof of Consent"),
            "status": _("Subscription Status"),
            "stopped": _("Opted Out"),
            "bounced": _("Bounced"),
            "stopped_at": _("Stopped On"),
            "stop_note": _("Why It Was Stopped"),
            "note": _("Note"),
            "custom_fields": _("Custom Fields (JSON)"),
            "contact_interval": _("Days Between Contacts"),
            "consolidation": _("Consolidation"),
            "consolidation_max": _("Consolidate up to"),
            "paused_until": _("Paused Until"),
            "pause_reason": _("Reason for the Pause"),
            # Fields of the contact, where the difference is shown.
            "ref": _("Reference"),
            "company_name": _("Company"),
            "country_id": _("Country"),
            "lang": _("Language"),
            "chaser_source": _("Source"),
            "chaser_marketing_consent": _("Marketing Consent"),
            "chaser_consent_at": _("Consent Given On"),
            "chaser_consent_proof": _("Proof of Consent"),
            "chaser_paused_until": _("Paused Until"),
            "chaser_pause_reason": _("Reason for the Pause"),
            "preferred_contact_interval": _("Days Between Contacts"),
            "consolidation_preference": _("Consolidation"),
            "max_consolidation_amount": _("Consolidate up to"),
        }
