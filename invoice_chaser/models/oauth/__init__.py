from . import chaser_oauth_grant
from . import chaser_oauth_request
from . import chaser_provider
from . import chaser_provider_outlook
from . import chaser_provider_keys
from . import res_company
