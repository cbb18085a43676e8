from . import chaser_import_words
from . import chaser_import
from . import chaser_import_file
from . import chaser_import_line
from . import chaser_export
