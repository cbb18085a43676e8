"""Everything that can be said without a database. No module below here imports
``odoo``."""
