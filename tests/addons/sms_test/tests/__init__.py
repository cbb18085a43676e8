from . import test_sms_test
