"""What Meta reports: the proof of its origin, many updates in one request, and whatever
else may stand in a body."""

import copy
import json
import random
from datetime import datetime

import pytest
from whatsapp_core import webhook
from whatsapp_core.health import explain, read_facts
from whatsapp_core.status import RANK, Step, judge, strongest

PHONE, WABA = "106540352242922", "102290129340398"
STATUS = {
    "id": "wamid.1",
    "status": "delivered",
    "timestamp": "1764000000",
    "recipient_id": "971501234567",
    "recipient_user_id": "AE.13491208655302741918",
    "biz_opaque_callback_data": "<chaser.1@whatsapp.invalid>|ab",
    "pricing": {"billable": True, "pricing_model": "PMP", "category": "utility"},
}
FAILED = {
    "id": "wamid.2",
    "status": "failed",
    "timestamp": "1764000001",
    "errors": [
        {
            "code": 131026,
            "title": "Message undeliverable",
            "error_data": {"details": "The recipient\nhas no WhatsApp."},
        }
    ],
}
MESSAGE = {
    "from": "971501234567",
    "from_user_id": "AE.13491208655302741918",
    "id": "wamid.in1",
    "timestamp": "1764000002",
    "type": "text",
    "text": {"body": "We pay on Thursday"},
    "context": {"from": "97141234567", "id": "wamid.1"},
}
CONTACT = {"profile": {"name": "Aisha"}, "wa_id": "971501234567"}


def make(changes, waba=WABA):
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": waba, "changes": changes}],
    }


def make_messages(**value):
    metadata = {"display_phone_number": "97141234567", "phone_number_id": PHONE}
    return {
        "field": "messages",
        "value": {"messaging_product": "whatsapp", "metadata": metadata, **value},
    }


def parse(data):
    return webhook.parse(json.dumps(data))


def test_the_signature_is_over_the_bytes():
    body = json.dumps(make([make_messages(statuses=[STATUS])])).encode()
    signature = webhook.sign("secret", body)
    assert webhook.is_signed("secret", body, signature)
    for wrong in (
        "",
        None,
        signature[:-1],
        signature.upper(),
        "sha1=1",
        "é",
        "x" * 9999,
    ):
        assert not webhook.is_signed("secret", body, wrong)
    assert not webhook.is_signed("other", body, signature)
    # The same values in another spelling are other bytes.
    assert not webhook.is_signed("secret", body.replace(b", ", b","), signature)


def test_the_challenge():
    asked = {
        "hub.mode": "subscribe",
        "hub.challenge": "1158201444",
        "hub.verify_token": "words",
    }
    assert webhook.get_challenge(asked, "words") == "1158201444"
    for wrong in (
        asked | {"hub.verify_token": "other"},
        asked | {"hub.mode": "unsubscribe"},
        asked | {"hub.challenge": "<script>"},
        {},
    ):
        assert webhook.get_challenge(wrong, "words") is None
    assert webhook.get_challenge(asked | {"hub.verify_token": ""}, "") is None


def test_many_updates_in_one_request():
    changes = [
        make_messages(statuses=[STATUS, FAILED]),
        make_messages(statuses=[STATUS | {"id": "wamid.3"}]),
        make_messages(contacts=[CONTACT], messages=[MESSAGE]),
        {"field": "message_template_status_update", "value": {"event": "PAUSED"}},
        {"field": "account_update", "value": {"event": "ACCOUNT_RESTRICTION"}},
    ]
    data = make(changes)
    data["entry"].append({"id": "2", "changes": changes[:1]})
    report = parse(data)
    assert len(report.statuses) == 5 and len(report.messages) == 1
    assert [one.field for one in report.changes] == [
        "message_template_status_update",
        "account_update",
    ]
    assert report.count == 8 and not report.unknown


def test_a_status_in_full():
    [status, failed] = parse(make([make_messages(statuses=[STATUS, FAILED])])).statuses
    assert status.wamid == "wamid.1" and status.status == "delivered"
    assert status.moment == datetime(2025, 11, 24, 16, 0)
    assert status.callback.endswith("|ab") and status.phone_id == PHONE
    assert status.pricing["category"] == "utility"
    assert failed.errors == ((131026, "The recipient has no WhatsApp."),)
    assert failed.recipient == failed.user_id == ""


def test_no_phone_number_at_all():
    message = {name: MESSAGE[name] for name in MESSAGE.keys() - {"from"}}
    contact = {"user_id": MESSAGE["from_user_id"], "profile": {"username": "aisha"}}
    report = parse(make([make_messages(contacts=[contact], messages=[message])]))
    [found] = report.messages
    assert found.contact["profile"]["username"] == "aisha"


def test_what_is_unknown_is_kept_and_counted():
    report = parse(
        make(
            [
                {"field": "new_field", "value": {"a": 1}},
                {"field": "new_field", "value": {"a": 2}},
                make_messages(statuses=[STATUS | {"status": "teleported"}], extra=[1]),
            ]
        )
    )
    assert report.unknown == {"new_field": 2, "messages.extra": 1}
    assert report.statuses[0].status == "teleported"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"nonsense", b'{"entry": 3}', b"1"]
)
def test_what_is_no_report(body):
    with pytest.raises(webhook.Malformed):
        webhook.parse(body)
    with pytest.raises(webhook.Malformed):
        webhook.parse(b"[" * 100_000)


# -- by rank


@pytest.mark.parametrize(
    ("known", "status", "step"),
    [
        ([], "sent", Step.FORWARD),
        ([], "read", Step.FORWARD),
        (["sent"], "delivered", Step.FORWARD),
        (["read"], "delivered", Step.BEHIND),
        (["read"], "sent", Step.BEHIND),
        (["delivered"], "delivered", Step.BEHIND),
        (["delivered"], "played", Step.FORWARD),
        (["read"], "played", Step.BEHIND),
        (["sent"], "failed", Step.FAILED),
        ([], "failed", Step.FAILED),
        (["delivered"], "failed", Step.NOTE),
        (["read"], "failed", Step.NOTE),
        (["failed"], "failed", Step.BEHIND),
        # An older report comes late; "delivered" after "failed" is news.
        (["failed"], "sent", Step.BEHIND),
        (["failed"], "delivered", Step.FORWARD),
        (["sent"], "teleported", Step.UNKNOWN),
    ],
)
def test_status_by_rank(known, status, step):
    assert judge(status, known) is step


def test_any_order_ends_at_the_same():
    """Whatever order and however often, the furthest stays."""
    dice = random.Random(5)
    for _ in range(2000):
        told = [dice.choice(["sent", "delivered", "read", "played"]) for _ in range(6)]
        known = []
        for status in told:
            if judge(status, known) is Step.FORWARD:
                known.append(status)
        assert strongest(known) == strongest(told)
        ranks = [RANK.index(strongest([one])) for one in known]
        assert ranks == sorted(set(ranks))


# -- limits and health


@pytest.mark.parametrize(
    ("told", "limit"),
    [
        (2000, 2000),
        ("2000", 2000),
        ("TIER_250", 250),
        ("TIER_2K", 2000),
        ("TIER_100K", 100000),
        ("TIER_UNLIMITED", 0),
        ("UNLIMITED", 0),
        (-1, 0),
        (None, None),
        ("TIER_NOT_SET", None),
        ({}, None),
    ],
)
def test_limits_as_number_and_as_text(told, limit):
    assert webhook.read_limit(told) == limit


GOOD_NUMBER = {
    "display_phone_number": "+971 4 123 4567",
    "verified_name": "POP Trading",
    "quality_rating": "GREEN",
    "status": "CONNECTED",
    "name_status": "APPROVED",
    "whatsapp_business_manager_messaging_limit": "TIER_2K",
}
GOOD_TOKEN = {
    "is_valid": True,
    "expires_at": 0,
    "app_id": "670843887433847",
    "scopes": [
        "business_management",
        "whatsapp_business_management",
        "whatsapp_business_messaging",
    ],
}
SUBSCRIBED = [{"whatsapp_business_api_data": {"id": "670843887433847"}}]
NOW = datetime(2026, 11, 28)


def find(number=None, token=None, subscriptions=SUBSCRIBED):
    findings = explain(
        GOOD_NUMBER | (number or {}),
        {},
        GOOD_TOKEN | (token or {}),
        subscriptions,
        "670843887433847",
        NOW,
    )
    return {one.sentence.removeprefix("whatsapp_check_"): one for one in findings}


def test_all_in_order():
    assert not find()
    facts = read_facts(GOOD_NUMBER, {"currency": "AED"}, GOOD_TOKEN)
    assert (facts.quality, facts.limit, facts.currency) == ("green", 2000, "AED")
    assert facts.token_expires is None


@pytest.mark.parametrize(
    ("number", "token", "code", "blocks"),
    [
        ({"status": "PENDING"}, {}, "register", True),
        ({"status": "BANNED"}, {}, "banned", True),
        ({"status": "FLAGGED"}, {}, "flagged", False),
        ({"status": "NEW_WORD"}, {}, "status", True),
        ({"name_status": "DECLINED"}, {}, "name", False),
        ({"quality_rating": "RED"}, {}, "quality_red", False),
        ({"quality_rating": "YELLOW"}, {}, "quality_yellow", False),
        (
            {"whatsapp_business_manager_messaging_limit": None},
            {},
            "limit_unknown",
            False,
        ),
        ({}, {"is_valid": False}, "token_invalid", True),
        ({}, {"scopes": GOOD_TOKEN["scopes"][1:]}, "scopes", False),
        ({}, {"scopes": GOOD_TOKEN["scopes"][:2]}, "scopes", True),
        ({}, {"app_id": "1"}, "other_app", True),
        ({}, {"expires_at": 1796000000}, "token_ends", False),
        ({}, {"expires_at": 1700000000}, "token_ends", True),
    ],
)
def test_what_is_found(number, token, code, blocks):
    found = find(number, token)
    assert list(found) == [code]
    assert found[code].blocks is blocks


def test_health_in_words():
    health = {
        "can_send_message": "BLOCKED",
        "entities": [
            {"entity_type": "PHONE_NUMBER", "can_send_message": "AVAILABLE"},
            {
                "entity_type": "WABA",
                "can_send_message": "BLOCKED",
                "errors": [
                    {
                        "error_code": 141006,
                        "error_description": "No payment method.",
                        "possible_solution": "Add one.",
                    }
                ],
            },
            {
                "entity_type": "BUSINESS",
                "can_send_message": "LIMITED",
                "additional_info": ["Not verified."],
            },
        ],
    }
    found = find({"health_status": health})
    assert found["health_account"].blocks and not found["health_business"].blocks
    assert found["health_account"].params["detail"] == "No payment method. Add one."
    assert list(find(subscriptions=[])) == ["not_subscribed"]
    # Whatever Meta may make of it one day, nothing raises.
    for odd in ("x", 1, [1], {"entities": 1}, {"entities": [{"errors": 1}]}):
        find({"health_status": odd}, subscriptions=[odd])


# -- anything at all


GRAINS = [None, True, 0, -1, 1.5, 10**30, "", "x", "\0", "\ud800", [], {}, [[]], [None]]
GRAINS += [{"id": {}}, "1764000000", "<chaser.1@x>|2", "'; DROP TABLE x; --", "é" * 500]


def mutate(node, dice):
    """The same structure with something broken in it."""
    if dice.random() < 0.06:
        return copy.deepcopy(dice.choice(GRAINS))
    if isinstance(node, dict):
        items = [
            (key if dice.random() > 0.03 else dice.choice(["", "id", "entry"]), value)
            for key, value in node.items()
            if dice.random() > 0.04
        ]
        return {key: mutate(value, dice) for key, value in items}
    if isinstance(node, list):
        rows = [mutate(one, dice) for one in node if dice.random() > 0.04]
        return rows * dice.choice([1, 1, 1, 1, 3])
    return node


def make_seed(dice):
    return make(
        [
            make_messages(statuses=[STATUS, FAILED], contacts=[CONTACT]),
            make_messages(contacts=[CONTACT], messages=[MESSAGE], errors=[]),
            {
                "field": "message_template_status_update",
                "value": {"event": "REJECTED", "message_template_language": "en-US"},
            },
            {
                "field": "account_update",
                "value": {
                    "event": "ACCOUNT_RESTRICTION",
                    "restriction_info": [{"restriction_type": "X", "expiration": 1}],
                },
            },
            {
                "field": dice.choice(["user_preferences", "zzz"]),
                "value": {"wa_id": "9"},
            },
        ]
    )


def test_ten_thousand_broken_reports():
    """Nothing in a body raises anything but ``Malformed``; what is read is text that a
    database can store."""
    dice, read = random.Random(2026), 0
    for _ in range(10_000):
        body = json.dumps(mutate(make_seed(dice), dice)).encode()
        if dice.random() < 0.1:
            cut = dice.randrange(len(body) + 1)
            body = body[:cut] + bytes([dice.randrange(256)]) + body[cut + 1 :]
        try:
            report = webhook.parse(body)
        except webhook.Malformed:
            continue
        read += 1
        for status in report.statuses:
            for text in (
                status.wamid,
                status.status,
                status.callback,
                status.recipient,
            ):
                assert isinstance(text, str) and "\0" not in text
            assert isinstance(status.pricing, dict)
            for code, words in status.errors:
                assert isinstance(code, int) and isinstance(words, str)
            judge(status.status, ["sent"])
        for message in report.messages:
            assert isinstance(message.contact, dict) and message.message["id"]
        for change in report.changes:
            assert isinstance(change.value, dict)
            webhook.read_limit(change.value.get("max_daily_conversations_per_business"))
        assert sum(report.unknown.values()) >= 0
    # Most of them can still be read, so that the test is about reading.
    assert read > 5000
