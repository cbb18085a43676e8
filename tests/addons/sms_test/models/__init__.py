from . import channel
from . import provider
