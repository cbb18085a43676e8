from . import chaser_preview
