"""The client of Meta's Cloud API against its strict stand-in; the table of errors."""

import re
from pathlib import Path

import pytest
from support.whatsapp_server import WhatsappServer
from whatsapp_core import payload
from whatsapp_core.client import Client
from whatsapp_core.errors import (
    NO_CODE,
    RULES,
    Action,
    ConnectFailed,
    GraphError,
    Reach,
    TooLarge,
    UnknownOutcome,
    find_rule,
)

NUMBER = "+971501234567"
URL = "https://pay.pop.example/chaser/p/{{1}}"


@pytest.fixture
def server():
    made = WhatsappServer()
    made.add_template(
        "chaser_firm_v1",
        "ar",
        components=[
            {"type": "HEADER", "format": "DOCUMENT"},
            {"type": "BODY", "text": "السادة {{customer}}، لديكم {{total}} متأخرة."},
            {"type": "BUTTONS", "buttons": [{"type": "URL", "url": URL}]},
        ],
    )
    yield made
    made.stop()


@pytest.fixture
def client(server):
    with Client(
        server.token,
        base_url=f"{server.url}/graph.facebook.com",
        phone_id=server.phone_id,
        waba_id=server.waba_id,
        app_id=server.app_id,
        timeout=(2, 2),
    ) as made:
        yield made


def make_message(media_id="", callback="<chaser.1@x>|2"):
    values = {"customer": "Al Noor\nTrading", "total": "1,000.00 AED"}
    components = [payload.make_body(values), payload.make_url_button("AbC")]
    components = payload.set_media(components, media_id, "Statement.pdf")
    return payload.make_template(NUMBER, "chaser_firm_v1", "ar", components, callback)


def test_a_message_with_its_statement(server, client):
    media_id = client.upload_media(b"%PDF-1.7", "Statement.pdf")
    accepted = client.send_message(make_message(media_id))
    [message] = server.messages
    assert accepted.wamid == message["wamid"]
    assert (accepted.wa_id, accepted.status) == ("971501234567", "accepted")
    assert message["biz_opaque_callback_data"] == "<chaser.1@x>|2"
    [customer, total] = message["template"]["components"][1]["parameters"]
    # Meta takes no line breaks in values.
    assert (customer["text"], total["text"]) == ("Al Noor Trading", "1,000.00 AED")
    assert not server.problems


def test_a_user_id_in_place_of_a_number():
    made = payload.make_text("AE.13491208655302741918", "Hello")
    assert made["recipient"] == "AE.13491208655302741918" and "to" not in made
    for wrong in ("0501234567", "971501234567", "AE.", "", None):
        with pytest.raises(ValueError):
            payload.make_text(wrong, "Hello")


@pytest.mark.parametrize("code", sorted(RULES))
def test_each_error_of_the_table(server, client, code):
    server.fail(code, "Meta's own words")
    with pytest.raises(GraphError) as caught:
        client.send_message(make_message("media-1"))
    assert caught.value.code == code
    assert caught.value.rule is RULES[code]
    assert "Meta's own words" in str(caught.value)
    assert not server.messages


def test_the_table_is_that_of_the_facts():
    """Actions by the reading of Meta's pages, one of each row."""
    expected = {
        Action.STOP_ACCOUNT: {0, 3, 10, 190, 368}
        | {131005, 131031, 130497, 131042, 131044, 131037},
        Action.BACK_OFF: {4, 80007, 130429},
        Action.WAIT_PAIR: {131056},
        Action.STOP_NUMBER: {131048},
        Action.STOP_CATEGORY: {131064},
        Action.ELSEWHERE: {131049, 130472},
        Action.STOP_PERSON: {131050},
        Action.UNDELIVERABLE: {131026},
        Action.USE_TEMPLATE: {131047},
        Action.REGISTER: {131045, 133010},
        Action.UPLOAD_AGAIN: {131052, 131053},
        Action.RETRY: {1, 2, 131000, 131016, 131057, 133004, 135000},
        Action.REFUSE: {33, 100, 131008, 131009, 131051},
        Action.READ_TEMPLATE: {132000, 132001, 132005, 132008, 132012},
        Action.STOP_TEMPLATE: {132007, 132015, 132016},
        Action.CORRECT_TEMPLATE: {2388040, 2388047, 2388072, 2388073}
        | {2388293, 2388299, 2388019},
    }
    found = {}
    for code, rule in RULES.items():
        found.setdefault(rule.action, set()).add(code)
    for action, codes in expected.items():
        assert found[action] == codes, action
    for code in (200, 230, 299):
        assert find_rule(code).action is Action.STOP_ACCOUNT
    # Never repeated by itself, whatever it is.
    assert find_rule(999999).action is Action.REFUSE
    # Without a code it is not Meta's code 0, which stops the account.
    assert GraphError(NO_CODE, "x").action is Action.REFUSE
    # How a creation fails, the subcode says.
    assert find_rule(100, 2388040).action is Action.CORRECT_TEMPLATE
    assert {rule.reach for rule in RULES.values()} == set(Reach)


def test_each_error_has_its_sentence():
    source = (
        Path(__file__).resolve().parents[2]
        / "invoice_chaser_whatsapp/models/common/chaser_reason_mixin.py"
    ).read_text()
    told = set(re.findall(r'"(whatsapp_\w+)": _\(', source))
    missing = {rule.sentence for rule in RULES.values()} - told
    assert not missing and find_rule(999999).sentence in told


def test_slower_says_how_long(server, client):
    server.fail(130429)
    with pytest.raises(GraphError) as caught:
        client.send_message(make_message("media-1"))
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("how", ["take", "gateway", "garbage", "hang"])
def test_a_line_that_breaks_after_the_message_tells_nothing(server, client, how):
    media_id = client.upload_media(b"%PDF-1.7", "Statement.pdf")
    server.break_line(how)
    with pytest.raises(UnknownOutcome):
        client.send_message(make_message(media_id))
    assert len(server.messages) == 1


@pytest.mark.parametrize("how", ["take", "gateway", "garbage"])
def test_a_line_that_breaks_elsewhere_hands_nothing_over(server, client, how):
    server.break_line(how, where="media")
    with pytest.raises(ConnectFailed):
        client.upload_media(b"%PDF-1.7", "Statement.pdf")


def test_nobody_there(server):
    server.stop()
    client = Client("t", base_url=server.url, phone_id="1", timeout=(1, 1))
    with pytest.raises(ConnectFailed):
        client.send_message({})


def test_the_token_is_in_no_error(server):
    secret = "EAAGm0PX4ZCpsBAKZCsecretsecret"
    client = Client(secret, base_url=server.url, phone_id=server.phone_id)
    server.token = secret
    server.fail(190, f"Malformed access token {secret}", where="object")
    with pytest.raises(GraphError) as caught:
        client.read_number()
    assert secret not in str(caught.value) and "Malformed" in str(caught.value)
    assert secret not in repr(vars(client)).replace(client._Client__token, "")


def test_another_version_is_refused(server):
    client = Client(
        server.token, "v99.0", f"{server.url}/graph.facebook.com", server.phone_id
    )
    with pytest.raises(GraphError):
        client.read_number()


def test_account_number_and_token(server, client):
    assert client.read_number()["display_phone_number"] == "+971 4 123 4567"
    assert client.read_account()["currency"] == "AED"
    assert client.read_token()["is_valid"]
    assert [one["id"] for one in client.read_numbers()] == [server.phone_id]
    server.number["status"] = "PENDING"
    client.register("123456")
    assert server.number["status"] == "CONNECTED"
    client.subscribe("https://pop.example/chaser/whatsapp/x", "words")
    assert server.callback == "https://pop.example/chaser/whatsapp/x"
    assert client.read_subscriptions()
    assert not server.problems


def test_templates_page_by_page(server, client):
    for number in range(230):
        server.add_template(f"t{number}")
    assert len(list(client.list_templates())) == 231
    handle = client.upload_sample(b"%PDF-1.7 sample", "Statement.pdf")
    made = client.create_template(
        {
            "name": "chaser_soft_v1",
            "language": "en",
            "category": "UTILITY",
            "parameter_format": "NAMED",
            "components": [
                {
                    "type": "HEADER",
                    "format": "DOCUMENT",
                    "example": {"header_handle": [handle]},
                },
                {"type": "BODY", "text": "Hello, thank you."},
            ],
        }
    )
    assert made["status"] == "PENDING"
    client.edit_template(made["id"], {"category": "UTILITY"})
    client.unpause_template(made["id"])
    client.delete_template("chaser_soft_v1", made["id"])
    assert not server.problems


def test_files_of_customers(server, client):
    media_id = client.upload_media(b"%PDF-1.7 proof", "proof.pdf")
    info = client.get_media(media_id)
    assert client.download_media(info["url"], 100) == b"%PDF-1.7 proof"
    with pytest.raises(TooLarge):
        client.download_media(info["url"], 5)
    for elsewhere in (
        "https://evil.example/x",
        "http://lookaside.fbsbx.com/x",
        "https://fbsbx.com.evil.example/x",
        "https://evilfbsbx.com/",
        "file:///etc/passwd",
        "http://127.0.0.1:1/x",
    ):
        with pytest.raises(GraphError):
            client.download_media(elsewhere, 100)
