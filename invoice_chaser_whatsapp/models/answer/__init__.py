from . import chaser_whatsapp_inbound
from . import chaser_inbound
