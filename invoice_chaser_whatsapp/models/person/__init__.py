from . import personal_data
from . import chaser_whatsapp_person
from . import chaser_whatsapp_person_facts
from . import res_partner
