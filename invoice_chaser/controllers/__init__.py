from . import customer_page, oauth, template_file, tracking, webhook
