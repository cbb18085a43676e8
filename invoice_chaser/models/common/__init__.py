from . import limits
from . import chaser_mixins
from . import chaser_reason_mixin
from . import chaser_secret_mixin
from . import ir_http
from . import mail_message
from . import res_config_settings
