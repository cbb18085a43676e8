from . import chaser_whatsapp_register
from . import chaser_whatsapp_opt_in
from . import chaser_whatsapp_answer
