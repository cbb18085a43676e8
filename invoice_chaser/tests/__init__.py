from . import (
    test_api,
    test_companies,
    test_oauth,
    test_plan,
    test_rights,
    test_routes,
    test_secrets,
    test_send,
    test_template,
    test_translation,
    test_window,
)
