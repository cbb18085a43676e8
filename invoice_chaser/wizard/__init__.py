from . import (
    chaser_inbound_assign,
    chaser_mailbox_move,
    chaser_preview,
    chaser_simulation,
    chaser_template_compare,
    chaser_template_import,
)
