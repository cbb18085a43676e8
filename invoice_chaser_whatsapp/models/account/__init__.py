from . import chaser_provider
