from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, plaintext2html

from ...core.plan.cadence import ORDER
from ...core.plan.gates import Skip
from ...core.plan.reach import DEFAULT_CHANNEL, choose_route, order_channels

_REPLY_ACTIVITY = "invoice_chaser.mail_activity_type_answer"


class ChaserChannel(models.AbstractModel):
    """A way to reach a customer: the door behind which everything stands that is
    particular to e-mail, or to whatever a further addon sends by.

    A channel is a model ``chaser.channel.<code>`` that inherits this one; its code is
    added to the field ``channel`` of ``chaser.channel.mixin``: see
    docs/adding-a-channel.md. Planning, the sender's steps, limits, windows and the
    never-twice rule are the same for all.

    ``job`` is a ``SendJob`` of the sender: ``job.row`` the reminder, ``job.facts`` what
    is known of the customer, ``job.run`` what all messages of the run share."""

    _name = "chaser.channel"
    _description = "Channel of Reminders"

    # Kinds of mailboxes (``chaser.provider.kind``) that carry it.
    _kinds = ()
    # ``message_type`` of the notes in the chatter.
    _message_type = "notification"
    # Whether statement, letter and invoices go along as files.
    _takes_documents = False
    # Columns of ``chaser.reminder`` that say where a message goes.
    _recipient_fields = ()

    # -- which channels there are

    @api.model
    def _get(self, code):
        """The model of a channel; None when its addon is not installed (any more)."""
        name = f"chaser.channel.{code}"
        return self.env[name] if name in self.env else None

    @api.model
    def _get_code(self):
        return self._name.removeprefix("chaser.channel.")

    @api.model
    def _get_selection(self):
        """(code, name in the user's language) of the channels that are installed; for
        the selection fields that name a channel."""
        field = self.env["chaser.channel.mixin"]._fields["channel"]
        return field._description_selection(self.env)

    @api.model
    def _get_known(self):
        """The codes of the channels that are installed."""
        codes = self.env["chaser.channel.mixin"]._fields["channel"].get_values(self.env)
        return tuple(code for code in codes if self._get(code) is not None)

    @api.model
    def _get_by_kind(self, kind):
        """The code of the channel that a kind of mailbox carries."""
        for code in self._get_known():
            if kind in self._get(code)._kinds:
                return code
        return DEFAULT_CHANNEL

    @api.model
    def _get_name(self, code):
        return dict(self._get_selection()).get(code, code)

    @api.model
    def _forget(self, code):
        """Called when the addon of a channel is uninstalled (``ondelete`` of its
        value): nobody is to be written to by it any more. What waits for it goes on by
        its next channel, or is skipped with its reason; what was sent stays, without a
        channel."""
        env = self.sudo().with_context(active_test=False).env
        for level in env["chaser.level"].search([("channel", "=", code)]):
            level.write(
                {
                    "channel": level.channel_fallback or DEFAULT_CHANNEL,
                    "channel_fallback": False,
                    "channel_pick": ORDER,
                }
            )
        env["chaser.level"].search([("channel_fallback", "=", code)]).write(
            {"channel_fallback": False, "channel_pick": ORDER}
        )
        env["chaser.campaign"].search([("channel", "=", code)]).channel = False
        # pylint: disable-next=no-search-all  # a wish is kept per company
        for company in env["res.company"].search([]):
            Partner = env["res.partner"].with_company(company)
            Partner.search([("chaser_channel", "=", code)]).chaser_channel = False
        mine = env["chaser.reminder"].search([("channel", "=", code)])
        channel = self._get(code)
        for reminder in mine.filtered(lambda one: one.state in ("draft", "queued")):
            if channel is None or not channel._fall_back(reminder, "channel_gone"):
                reminder._set_skipped("channel_gone")
        mine.filtered(lambda one: one.channel == code).write(
            {"channel": False, "recipient_domain": False}
        )
        self._keep_sentences(code)
        self._forget_routes(code)

    @api.model
    def _keep_sentences(self, code):
        """The catalogue loses the sentences of the channel's addon, whose keys begin
        with its code. What they have said of a record stays, in the company's
        language."""
        for model in self.env.values():
            field = model._fields.get("reason_code")
            if not field or not field.store or not model._auto or model._transient:
                continue
            records = model.sudo().with_context(active_test=False)
            prefix = f"{code}_".replace("_", "\\_")
            for record in records.search([("reason_code", "=like", f"{prefix}%")]):
                company = (
                    record["company_id"] if "company_id" in record._fields else None
                )
                lang = company and company.partner_id.lang or self.env.lang
                text = record.with_context(lang=lang).reason
                record.write(
                    record._prepare_reason_values("channel_gone", {"detail": text})
                )

    @api.model
    def _forget_routes(self, code):
        """No reminder waits for the channel, or says that it was passed over."""
        Reminder = self.env["chaser.reminder"].sudo()
        Reminder.flush_model(["channel_rest", "channel_passed"])
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM chaser_reminder WHERE channel_rest::text LIKE %s "
                "OR channel_passed::text LIKE %s",
                *[f'%"{code}"%'] * 2,
            )
        )
        for reminder in Reminder.browse(row[0] for row in rows):
            rest = [one for one in reminder.channel_rest or () if one != code]
            passed = [one for one in reminder.channel_passed or () if one[0] != code]
            reminder.write(
                {"channel_rest": rest or False, "channel_passed": passed or False}
            )

    # -- whom it reaches

    @api.model
    def _read_reach(self, partners, company):
        """How customers can be reached, in a number of queries that does not depend on
        how many they are.

        :param partners: commercial partners, ``with_company(company)``
        :return: partner id → ``core.plan.reach.Reach``; each partner is in it
        """
        raise NotImplementedError

    @api.model
    def _prepare_recipient_values(self, addresses):
        """The values of a reminder's ``_recipient_fields`` for addresses as
        ``_read_reach`` gives them, and as ``_get_addresses`` reads them again; all
        empty without any."""
        raise NotImplementedError

    @api.model
    def _get_addresses(self, row):
        """The addresses of a reminder, best first. ``row``: a record of
        ``chaser.reminder``, or its ``_recipient_fields`` as a dictionary."""
        raise NotImplementedError

    def _read_current_addresses(self, job):
        """The addresses of a message that is about to leave, as they are now; as
        planned, where the channel does not look again."""
        return self._get_addresses(job.row)

    @api.model
    def _get_stopped_sql(self, addresses, company):
        """Which of the addresses are stopped, as rows of ``address`` and ``reason``
        (key of the catalogue of reasons); the first of an address counts. The text of
        the query must not depend on the values."""
        raise NotImplementedError

    @api.model
    def _read_stopped(self, addresses, company):
        """Stopped address → key of the reason."""
        rows = self.env.execute_query(self._get_stopped_sql(addresses, company))
        return dict(reversed(rows))

    @api.model
    def _stop_addresses(self, reminder, addresses, reason, source):
        """Nothing more goes to these addresses from the reminder's company, because the
        customer wants that (``unsubscribed``), or for another reason of
        ``chaser.suppression``. Returns those that were not stopped yet."""
        raise NotImplementedError

    # -- what a file of contacts says of it (Move In)

    @api.model
    def _get_import_targets(self):
        """What columns of a table of contacts may mean for channels, as
        ``core.move_in.targets.make_targets`` makes them: those of all that are
        installed. A channel says its own; their names in words: it adds to
        ``chaser.import.words._get_target_words``."""
        targets = {}
        if self._name == "chaser.channel":
            for code in self._get_known():
                targets |= self._get(code)._get_import_targets()
        return targets

    @api.model
    def _plan_contact(self, partner, told, values):
        """What a row of such a table would change: (values for ``_write_contact``,
        label → (here, in the file), reason). No values: nothing. A reason without
        values refuses the row. It writes nothing.

        :param partner: the contact, ``with_company`` of the import; empty where the
            import will make it
        :param told: target → value, this channel's own ones
        :param values: all values of the row
        """
        return {}, {}, None

    @api.model
    def _write_contact(self, partner, values):
        """Does what ``_plan_contact`` has planned."""
        raise NotImplementedError

    # -- by which of them a message goes

    @api.model
    def _read_routes(self, partners, company, order=(DEFAULT_CHANNEL,)):
        """By which channel customers are written to where no level says it (thanks):
        partner id → ``Route`` and the values of a reminder that say so.

        :param partners: commercial partners, ``with_company(company)``
        """
        known, routes, reach = self._get_known(), {}, {}
        for partner in partners:
            wanted = order_channels(partner.chaser_channel, None, order, known)
            for code in wanted:
                if code not in reach:
                    reach[code] = self._get(code)._read_reach(partners, company)
            found = {code: reach[code][partner.id] for code in wanted}
            route = choose_route(wanted, found)
            routes[partner.id] = (route, self._prepare_route_values(route))
        return routes

    @api.model
    def _prepare_route_values(self, route):
        """What a reminder says of its channel, and where it goes."""
        return {
            "channel": route.channel,
            "channel_rest": list(route.rest) or False,
            "channel_passed": [_as_entry(code, stop) for code, stop in route.passed]
            or False,
            **self._prepare_all_recipients(route.channel, route.addresses),
        }

    @api.model
    def _prepare_all_recipients(self, code, addresses):
        """The columns of all channels: of each but one they are empty."""
        values = {}
        for other in self._get_known():
            values |= self._get(other)._prepare_recipient_values(
                addresses if other == code else ()
            )
        return values

    @api.model
    def _fall_back(self, reminder, reason, params=None):
        """Queue a reminder of this channel anew by the next one of its order that
        reaches the customer and has a mailbox; returns whether there is one. It stays
        one reminder: the row that says where it goes is the row that says that it
        waits.

        Called as superuser, only when it is certain that the customer got nothing:
        before the intent to send was written down, after a refusal, or by a report
        that it was not delivered.

        :param reason: key of the catalogue of reasons: why this channel does not reach
        """
        if not self._may_fall_back(reminder):
            return False
        rest = list(reminder.channel_rest or ())
        passed = [
            *(reminder.channel_passed or ()),
            [reminder.channel, reason, params or {}],
        ]
        company = reminder.company_id
        partners = reminder.partner_id.with_company(company)
        while rest:
            code = rest.pop(0)
            channel = self._get(code)
            if channel is None:
                continue
            reach = channel._read_reach(partners, company)[partners.id]
            provider = self.env["chaser.provider"]._get_default(company, code)
            if reach.stop or provider.state != "connected":
                stop = reach.stop or Skip("no_mailbox")
                passed.append(_as_entry(code, stop))
                continue
            reminder._set_state(
                "draft" if reminder.state == "draft" else "queued",
                "fell_back",
                channel=code,
                channel_rest=rest or False,
                channel_passed=passed,
                # What happened by the former channel does not speak of this one.
                channel_since=self.env.cr.now(),
                provider_id=provider.id,
                attempt_count=0,
                sent_at=False,
                scheduled_at=fields.Datetime.now(),
                **self._prepare_all_recipients(code, reach.addresses),
            )
            reminder.campaign_id._reopen()
            return True
        return False

    @api.model
    def _send_again(self, reminder, reason, params, until):
        """Queue a reminder anew by its own channel, not before ``until`` (UTC): a
        report says that it was not delivered, and a further try may help. Called as
        superuser, as ``_fall_back`` is and for the same certainty; returns whether it
        goes again. It stays the same row, and its attempts are counted on."""
        if reminder.state != "sent" or not self._may_fall_back(reminder):
            return False
        reminder._set_state(
            "queued",
            reason,
            params | {"until": until.isoformat()},
            # What happened to the former attempt does not speak of the next one.
            channel_since=self.env.cr.now(),
            sent_at=False,
            scheduled_at=until,
        )
        reminder.campaign_id._reopen()
        return True

    @api.model
    def _is_current(self, reminder):
        """Whether a reminder still goes by this channel. A late response to what it
        sent before says nothing about the message that another one sends now."""
        return reminder.channel == self._get_code()

    @api.model
    def _may_fall_back(self, reminder):
        """Read under a lock: two reports about one message come at the same moment.
        Never while the outcome is unknown, for what is settled or given up, or beside
        another reminder to the customer that is on its way or has been sent since."""
        reminder.lock_for_update(allow_referencing=True)
        reminder.invalidate_recordset()
        if (
            not self._is_current(reminder)
            or reminder.is_undecided
            or reminder.paid_at
            or reminder.campaign_id.state == "cancelled"
        ):
            return False
        return not reminder.search_count(
            [
                ("id", "!=", reminder.id),
                ("company_id", "=", reminder.company_id.id),
                ("partner_id", "=", reminder.partner_id.id),
                ("purpose", "=", reminder.purpose),
                ("split_move_id", "=", reminder.split_move_id.id),
                *Domain.OR(
                    [
                        [("state", "in", ("draft", "queued", "sending"))],
                        [("is_undecided", "=", True)],
                        [
                            ("state", "=", "sent"),
                            ("sent_at", ">", reminder.sent_at or fields.Datetime.now()),
                        ],
                    ]
                ),
            ],
            limit=1,
        )

    # -- a message

    @api.model
    def _prepare_run_settings(self, provider):
        """What its messages need of mailbox and company besides what all need, as plain
        values: ``job.settings``."""
        return {}

    def _get_facts_sql(self, job):
        """Further columns of the query that reads what is known of the customer (alias
        ``p``: their ``res_partner``): name → ``SQL``; they come as ``job.facts``."""
        return {}

    def _get_domain(self, addresses):
        """What the limit per recipient domain counts by; empty where there is none."""
        return ""

    def _get_address_stop(self, job):
        """Why nothing can go to the addresses of a message now, as ``Skip`` (it goes on
        by the next channel, if there is one) or ``Hold`` (it waits for this one); None
        when it can. ``job.facts``: ``addresses``, ``recipients`` (those that are not
        stopped), ``stopped`` (address → reason)."""
        raise NotImplementedError

    def _choose_options(self, job, options):
        """Which documents go along, from those that the template asks for
        (``chaser.template._get_document_options``)."""
        return options

    def _compose(self, job, content, with_copies):
        """The message: sets ``job.rendered``, and ``job.message`` to what the transport
        takes (at least ``message_id``). Returns nothing, or why there is no message, as
        ``_get_address_stop`` does.

        :param content: of the template's version, by language
        :param with_copies: whether colleagues who want it get a copy
        :raises TemplateProblem: when the template cannot be used
        """
        raise NotImplementedError

    def _repeat(self, job, original):
        """The message word for word as it was sent before, in place of what
        ``_compose`` made; the balances are the same. A channel that does not keep the
        words leaves the new ones.

        :param original: the reminder that was sent
        """

    def _prepare_kept_values(self, job):
        """What is kept of the exact message, written together with the intent to send
        it; columns of ``chaser.reminder``."""
        raise NotImplementedError

    def _prepare_sent_values(self, result):
        """What the transport's result says, for the record of a message that is out."""
        return {}

    def _prepare_note(self, job):
        """For the notes on customer and invoices: ``subject``, ``recipients`` (tuple),
        ``sender`` and ``reply_to`` (addresses of e-mail, or empty)."""
        raise NotImplementedError

    def _prepare_late_note(self, reminder):
        """The same from the record of a reminder that is out."""
        raise NotImplementedError

    def _process_error(self, job, error):
        """An error of the transport that means something particular here: does what it
        means for address, template or mailbox, and returns what becomes of the message
        (``core.plan.gates.Stop``; the attempt counts). None: what its class says
        (``core.mail.errors``)."""

    @api.model
    def _get_refusal_params(self, reminder, error):
        """The service does not take the customer's address and never will
        (``RecipientRefused``): the parameters of the reason, which the event keeps."""
        return {"detail": str(error)}

    @api.model
    def _process_refusal(self, reminder, error):
        """What that means for the address, after it is recorded."""

    @api.model
    def _process_dead(self, reminder, addresses, words):
        """Addresses that the service never takes, while the message goes to another one
        of the customer, or may go later. For channels whose messages have several."""

    # -- responses

    @api.model
    def _process_answer(self, reminder, words, uid, moment=None):
        """The customer has answered a message, for channels whose answers are no mail:
        into their chatter, and the ladder rests until a person has looked.

        :param words: what they wrote, as plain text :param uid: key of the answer at
        the service, so that the same one counts once :param moment: UTC
        """
        moment = moment or fields.Datetime.now()
        partner, company = reminder.partner_id, reminder.company_id
        reminder._record_event(
            "replied", source="webhook", provider_event_id=uid, occurred_at=moment
        )
        body = plaintext2html(words)
        partner._for_chaser(company)._message_log(
            body=body, author_id=partner.id, message_type=self._message_type
        )
        if not reminder.paid_at:
            self.env["chaser.hold"]._hold(
                company,
                partner,
                "reply",
                detail=words[:120],
                reminder=reminder,
                source="mail",
            )
        self._plan_look(company, partner, reminder, partner.name, body)

    @api.model
    def _plan_look(self, company, partner, reminder, sender, body):
        """One open task per customer and responsible, however many answers come."""
        user = company._get_chaser_responsible(partner, reminder)
        open_ones = partner.activity_search([_REPLY_ACTIVITY], user_id=user.id)
        if user and company not in open_ones.chaser_company_id:
            partner._for_chaser(company).activity_schedule(
                _REPLY_ACTIVITY,
                user_id=user.id,
                date_deadline=fields.Date.context_today(self),
                summary=user._say_chaser(
                    self, lambda one: one.env._("Answer from %s", sender)
                ),
                note=body,
            )

    # -- what a person sees before

    @api.model
    def _render_preview(self, template, data, lang, level):
        """The message as the customer will see it, as HTML; empty where the template
        has no text in the language.

        :param data: ``MessageData`` :param lang: ``en`` or ``ar``
        :param level: ``chaser.level`` of the message, may be empty
        :raises TemplateProblem: when the template cannot be used
        """
        raise NotImplementedError


def _as_entry(code, stop):
    """A channel that was passed over, and why, as it is kept on a reminder."""
    return [code, stop.reason, stop.params]
