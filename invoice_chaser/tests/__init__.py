from . import test_companies, test_rights, test_secrets, test_send
