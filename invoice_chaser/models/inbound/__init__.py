from . import chaser_inbound_matcher
from . import chaser_inbound
from . import chaser_inbound_effects
from . import mail_thread
from . import chaser_provider
from . import res_partner
from . import chaser_standing
