from . import chaser_bank_data
from . import chaser_money
from . import chaser_maybe_paid
from . import chaser_reminder
