from . import chaser_token_mixin
from . import chaser_reminder
from . import chaser_reminder_actions
from . import chaser_reminder_line
from . import chaser_event
from . import chaser_answer
from . import chaser_page
from . import chaser_delivery
