from . import test_send
