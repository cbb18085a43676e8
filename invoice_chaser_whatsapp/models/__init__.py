from . import common
from . import account
from . import person
from . import template
from . import price
from . import answer
from . import channel
from . import webhook
