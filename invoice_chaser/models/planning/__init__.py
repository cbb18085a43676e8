from . import chaser_policy
from . import chaser_level
from . import chaser_account
from . import chaser_planner
from . import chaser_simulator
from . import chaser_plan_writer
from . import chaser_ageing
from . import chaser_worklist
