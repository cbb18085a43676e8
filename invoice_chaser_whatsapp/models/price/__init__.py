from . import chaser_whatsapp_price
from . import chaser_whatsapp_charge
