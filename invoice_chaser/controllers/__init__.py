from . import customer_page, oauth, tracking
