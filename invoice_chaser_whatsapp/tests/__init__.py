from . import test_whatsapp_answer
from . import test_whatsapp_person
from . import test_whatsapp_price
from . import test_whatsapp_template
