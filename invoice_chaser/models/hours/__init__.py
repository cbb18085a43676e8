from . import chaser_holiday
from . import res_company
from . import chaser_window
