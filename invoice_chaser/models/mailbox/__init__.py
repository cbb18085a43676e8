from . import chaser_limits_mixin
from . import chaser_smtp_mixin
from . import chaser_diagnosis_mixin
from . import chaser_provider
from . import chaser_suppression
