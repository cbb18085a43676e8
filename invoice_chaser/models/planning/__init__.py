from . import chaser_policy
from . import chaser_level
from . import chaser_planner
from . import chaser_forecast
from . import chaser_campaign_reminders
from . import chaser_worklist
