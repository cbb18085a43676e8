from . import chaser_channel_whatsapp
from . import chaser_channel_late
