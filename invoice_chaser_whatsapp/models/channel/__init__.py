from . import chaser_channel_whatsapp
