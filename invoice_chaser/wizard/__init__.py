from . import chaser_inbound_assign, chaser_preview
from . import chaser_mailbox_move, chaser_preview
