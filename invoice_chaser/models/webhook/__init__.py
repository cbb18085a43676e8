from . import chaser_webhook_event
from . import chaser_retention
from . import chaser_provider
