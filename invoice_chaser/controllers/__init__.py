from . import customer_page, move_out, oauth, template_file, tracking, webhook
