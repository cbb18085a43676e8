from . import chaser_provider
from . import chaser_provider_limits
from . import chaser_provider_smtp
from . import chaser_suppression
from . import chaser_provider_keys
