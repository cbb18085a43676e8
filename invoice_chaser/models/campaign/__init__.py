from . import chaser_segment
from . import chaser_campaign_row
from . import chaser_campaign_figures
from . import chaser_campaign_letters
from . import chaser_campaign
from . import chaser_daily_run
