from . import test_whatsapp_walks
from . import test_whatsapp_answer
from . import test_whatsapp_person
from . import test_whatsapp_price
from . import test_whatsapp_template
from . import test_whatsapp_account
from . import test_whatsapp_channel
from . import test_whatsapp_webhook
