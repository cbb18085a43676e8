from . import chaser_whatsapp_template
from . import chaser_whatsapp_template_meta
from . import chaser_whatsapp_template_reports
from . import chaser_whatsapp_template_use
from . import chaser_whatsapp_template_version
from . import chaser_provider
