from . import chaser_checker_mixin
from . import chaser_template_version
from . import chaser_template_preview
from . import chaser_template_choice
from . import chaser_template
from . import chaser_template_file
