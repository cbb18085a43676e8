from . import customer_page, oauth, tracking
from . import oauth, template_file, tracking
