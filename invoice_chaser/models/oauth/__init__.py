from . import chaser_oauth_grant
from . import chaser_oauth_request
from . import chaser_provider
from . import res_company
