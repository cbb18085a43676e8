from . import chaser_webhook_event
