from . import chaser_webhook_event
from . import chaser_retention
from . import chaser_forget
from . import chaser_retention_rule
from . import chaser_person
from . import chaser_provider
