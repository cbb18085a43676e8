from . import chaser_channel_mixin
from . import chaser_channel
from . import chaser_channel_email
