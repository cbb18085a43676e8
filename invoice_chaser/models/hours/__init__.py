from . import chaser_holiday
from . import resource_calendar
from . import res_company
from . import chaser_window
