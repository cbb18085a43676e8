from . import chaser_whatsapp_register
