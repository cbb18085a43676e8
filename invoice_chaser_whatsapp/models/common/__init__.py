from . import chaser_reason_mixin
from . import res_config_settings
