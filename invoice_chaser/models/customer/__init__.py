from . import chaser_identity
from . import res_partner
from . import res_partner_category
from . import res_company
from . import account_move
from . import res_users
