from . import (
    test_api,
    test_companies,
   
    test_plan,
    test_rights,
    test_routes,
    test_secrets,
    test_send,
    test_template,
    test_translation,
    test_window,
)
from . import test_oauth, test_oauth_keys, test_oauth_secrets, test_oauth_settle  # isort: skip
