from odoo.tools import SQL

OWN = SQL(
    "(SELECT res_id FROM ir_model_data"
    " WHERE module = 'invoice_chaser' AND model = 'ir.ui.view')"
)

SIGNED_TWICE = "{{ salesperson_name or company_name }}%s{{ company_name }}"
SIGNED_ONCE = (
    "{%% if salesperson_name %%}{{ salesperson_name }}%s{%% endif %%}{{ company_name }}"
)


# 192 random bits in the form of a token (core.status.tracking), made by PostgreSQL.
RANDOM = SQL(
    """left(translate(encode(decode(replace(gen_random_uuid()::text ||
    gen_random_uuid()::text, '-', ''), 'hex'), 'base64'), '+/', '-_'), 32)"""
)


def migrate(cr, version):
    _drop_own_extensions(cr)
    _sign_once(cr)
    _fill_bounces(cr)
    _settle_records(cr)
    _part_tokens(cr)
    _mark_notes(cr)
    _forget_months(cr)


def _forget_months(cr):
    """Money that was booked by hand in a bank's journal is money now: closed months are
    added up anew by the next run of their job, and by the page until then."""
    cr.execute("SELECT to_regclass('chaser_receivable_kept') IS NOT NULL")
    if cr.fetchone()[0]:
        cr.execute("DELETE FROM chaser_receivable_kept")


def _mark_notes(cr):
    """Notes on customers that companies share belong to the company that wrote."""
    cr.execute(
        SQL("ALTER TABLE mail_message ADD COLUMN IF NOT EXISTS chaser_company_id int4")
    )
    cr.execute(
        SQL(
            """UPDATE mail_message m SET chaser_company_id = r.company_id
            FROM chaser_reminder r WHERE m.model = 'res.partner'
            AND m.res_id = r.partner_id AND m.message_id = r.message_id"""
        )
    )


def _part_tokens(cr):
    """Each power gets a token of its own. What has left keeps the one that stands in
    its image, links, way out and address for answers, so that these go on working; what
    has not left gets new ones. The secret part of links goes out of what people read:
    the kept messages and the targets of clicks."""
    names = ("pixel_token", "stop_token", "reply_token")
    cr.execute(
        SQL(
            "ALTER TABLE chaser_reminder %s",
            SQL(", ").join(
                SQL("ADD COLUMN IF NOT EXISTS %s varchar", SQL.identifier(name))
                for name in names
            ),
        )
    )
    for name in names:
        cr.execute(
            SQL(
                """UPDATE chaser_reminder SET %(name)s = CASE WHEN attempt_count > 0
                THEN token ELSE %(random)s END
                WHERE %(name)s IS NULL AND token IS NOT NULL""",
                name=SQL.identifier(name),
                random=RANDOM,
            )
        )
    for table, name in (
        ("chaser_reminder", "body_html"),
        ("chaser_reminder", "body_text"),
        ("chaser_event", "link_url"),
    ):
        cr.execute(
            SQL(
                """UPDATE %(table)s SET %(name)s = regexp_replace(%(name)s,
                '(/chaser/[a-z]/|[?&;]access_token=)[A-Za-z0-9_-]{8,}', '\\1removed',
                'g') WHERE %(name)s ~ '/chaser/[a-z]/|access_token='""",
                table=SQL.identifier(table),
                name=SQL.identifier(name),
            )
        )


def _drop_own_extensions(cr):
    """Our views on our own views go: since this version each view of ours is whole.

    The data files that are loaded next rebuild the forms. Odoo refuses a rebuilt form
    as long as an older extension of it waits in the database, because that one looks
    for what is no longer there. A view that somebody else has hung on one of these
    extensions hangs on the form itself from now on.
    """
    extension = SQL(
        "v.id IN %(own)s AND v.inherit_id IN %(own)s AND v.mode = 'extension'", own=OWN
    )
    cr.execute(
        SQL(
            """UPDATE ir_ui_view child SET inherit_id = v.inherit_id FROM ir_ui_view v
                WHERE child.inherit_id = v.id AND child.id NOT IN %s AND %s""",
            OWN,
            extension,
        )
    )
    cr.execute(SQL("DELETE FROM ir_ui_view v WHERE %s", extension))
    cr.execute(
        SQL(
            """DELETE FROM ir_model_data d
                WHERE d.module = 'invoice_chaser' AND d.model = 'ir.ui.view'
                  AND NOT EXISTS (SELECT 1 FROM ir_ui_view v WHERE v.id = d.res_id)"""
        )
    )


def _sign_once(cr):
    """The shipped letters were signed twice where an invoice has no salesperson. Only
    this line of them is changed, so that what somebody wrote stays."""
    for line_break in ("<br>", "<br/>"):
        cr.execute(
            SQL(
                """UPDATE chaser_template SET body_html = replace(
                    body_html::text, %s, %s)::jsonb
                    WHERE id IN (SELECT res_id FROM ir_model_data
                        WHERE module = 'invoice_chaser' AND model = 'chaser.template')
                      AND body_html::text LIKE %s""",
                SIGNED_TWICE % line_break,
                SIGNED_ONCE % line_break,
                f"%{SIGNED_TWICE % line_break}%",
            )
        )


def _fill_bounces(cr):
    """Columns of bounces, filled here by one statement: the ORM would go over all
    events, which may be millions, and most of them are opens."""
    cr.execute(
        """ALTER TABLE chaser_event ADD COLUMN IF NOT EXISTS bounce_class varchar,
           ADD COLUMN IF NOT EXISTS bounce_reason varchar"""
    )
    cr.execute(
        """UPDATE chaser_event SET
               bounce_class = CASE WHEN raw_data->>'bounce_class' IN
                   ('hard', 'soft', 'policy', 'delayed')
                   THEN raw_data->>'bounce_class' END,
               bounce_reason = left(coalesce(raw_data->>'words', raw_data->>'detail',
                   raw_data->>'response'), 500)
            WHERE event_type IN ('bounced', 'deferred')
              AND jsonb_typeof(raw_data::jsonb) = 'object'"""
    )


def _settle_records(cr):
    # Shared tags may have stood twice: the later ones get another name.
    cr.execute(
        """UPDATE chaser_tag SET name = jsonb_set(
               name, '{en_US}', to_jsonb((name->>'en_US') || ' (' || id || ')'))
            WHERE id NOT IN (SELECT min(id) FROM chaser_tag
                GROUP BY coalesce(company_id, 0), name->>'en_US')"""
    )
    # Two jobs stand with the others now, whose intervals an update leaves as they are.
    cr.execute(
        SQL(
            """UPDATE ir_model_data SET noupdate = true
                WHERE module = 'invoice_chaser' AND name IN (
                      'ir_cron_thanks', 'ir_cron_thanks_ir_actions_server',
                      'ir_cron_process_webhooks',
                      'ir_cron_process_webhooks_ir_actions_server')"""
        )
    )
    # A mailbox is seen by the users of its branches: reading has a rule of its own.
    cr.execute(
        SQL(
            """UPDATE ir_rule SET perm_read = false WHERE id IN (
                SELECT res_id FROM ir_model_data WHERE module = 'invoice_chaser'
                AND name = 'chaser_provider_rule_company')"""
        )
    )
    # The links of what waits in the queue: the sender does not make them any more.
    cr.execute(
        SQL(
            """UPDATE account_move m SET access_token = gen_random_uuid()::text
                WHERE m.access_token IS NULL AND m.move_type <> 'entry' AND m.id IN (
                      SELECT l.move_id FROM chaser_reminder_line l
                        JOIN chaser_reminder r ON r.id = l.reminder_id
                       WHERE r.state = 'queued' AND NOT l.is_credit)"""
        )
    )
