from . import oauth, tracking
from . import customer_page, tracking
