from . import chaser_receivables
from . import chaser_overview_reminders
from . import chaser_overview_today
from . import chaser_overview
from . import chaser_overview_link
