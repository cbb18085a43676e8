from . import customer_page, oauth, template_file, tracking
from . import customer_page, oauth, tracking, webhook
