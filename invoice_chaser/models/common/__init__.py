from . import chaser_company_mixin
from . import chaser_reason_mixin
from . import chaser_secret_mixin
from . import chaser_statement_buttons
from . import ir_http
from . import res_config_settings
from . import res_lang
