from . import (
    chaser_domain_check,
    chaser_glance,
    chaser_inbound_assign,
    chaser_mailbox_move,
    chaser_person_data,
    chaser_preview,
    chaser_preview_message,
    chaser_simulation,
    chaser_template_compare,
    chaser_template_import,
)
