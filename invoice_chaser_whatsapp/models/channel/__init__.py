from . import chaser_reminder
from . import chaser_channel_whatsapp
from . import chaser_channel_late
from . import chaser_channel_contacts
