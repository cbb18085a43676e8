from . import chaser_statement_mixin
from . import chaser_hold
from . import chaser_promise
from . import chaser_dispute
from . import chaser_call
from . import account_move
from . import res_partner
