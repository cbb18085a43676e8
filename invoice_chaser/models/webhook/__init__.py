from . import chaser_webhook_event
from . import chaser_retention
from . import chaser_provider
from . import chaser_reminder
