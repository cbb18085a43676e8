from . import chaser_maybe_paid
from . import account_bank_statement_line
from . import res_company
from . import chaser_reminder
