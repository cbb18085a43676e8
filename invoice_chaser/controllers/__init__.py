from . import oauth, tracking
