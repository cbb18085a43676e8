from . import chaser_oauth_consent
from . import chaser_provider
from . import res_company
