{
    "name": "Invoice Chaser: WhatsApp",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "summary": "Payment reminders by WhatsApp, beside e-mail: approved templates, "
    "opt-in, delivered and read, answers in the same list",
    "author": "Invoice Chaser contributors",
    "license": "LGPL-3",
    "depends": ["invoice_chaser", "phone_validation"],
    "external_dependencies": {"python": ["phonenumbers", "requests"]},
    "data": [
        "security/ir.model.access.csv",
        "security/chaser_whatsapp_rules.xml",
        "data/ir_cron_data.xml",
        "wizard/chaser_whatsapp_answer_views.xml",
        "wizard/chaser_whatsapp_opt_in_views.xml",
        "wizard/chaser_whatsapp_register_views.xml",
        "views/chaser_inbound_views.xml",
        "views/chaser_provider_views.xml",
        "views/res_config_settings_views.xml",
        "views/chaser_whatsapp_person_views.xml",
        "views/chaser_whatsapp_price_views.xml",
        "views/chaser_whatsapp_template_views.xml",
        "views/chaser_whatsapp_menus.xml",
    ],
    "assets": {
        "web.assets_backend": [
            "invoice_chaser_whatsapp/static/src/template/own_direction.scss"
        ]
    },
    "uninstall_hook": "uninstall_hook",
}
