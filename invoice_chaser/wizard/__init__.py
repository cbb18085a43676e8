from . import chaser_inbound_assign, chaser_preview
