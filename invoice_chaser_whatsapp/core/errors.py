"""Meta's error codes, as the few cases that decide what happens next.

Source: Meta, "WhatsApp Cloud API error codes" and "Graph API error handling" (state of
November 2026). Only ``code`` and ``error_data.details`` are stable; titles are not.
"""

import enum
from dataclasses import dataclass


class Action(enum.Enum):
    """What an error asks for. Whether it was the response to a request, or came later
    by the webhook, does not change it."""

    # Nothing more leaves from the account until a manager has acted.
    STOP_ACCOUNT = "stop_account"
    # The same, and the button *Register* is the way out.
    REGISTER = "register"
    # Nothing more leaves from the number; no automatic retry.
    STOP_NUMBER = "stop_number"
    # Templates of this category leave no more; no automatic retry.
    STOP_CATEGORY = "stop_category"
    # The account rests for a while.
    BACK_OFF = "back_off"
    # This recipient waits, 4^n seconds after the n-th time.
    WAIT_PAIR = "wait_pair"
    # Not by WhatsApp now: by the next channel; the number is not to blame.
    ELSEWHERE = "elsewhere"
    # The number does not take it: by the next channel; marked after the second time.
    UNDELIVERABLE = "undeliverable"
    # The person wants nothing: stopped, by the next channel.
    STOP_PERSON = "stop_person"
    # Free text is not allowed any more: a template is.
    USE_TEMPLATE = "use_template"
    # The settings are wrong: shown, never repeated by itself.
    CONFIGURE = "configure"
    # The file: uploaded once more, then the message waits for a person.
    UPLOAD_AGAIN = "upload_again"
    # Temporary: tried again, with a growing delay.
    RETRY = "retry"
    # Our request is wrong: logged, never repeated by itself.
    REFUSE = "refuse"
    # The template is not as we know it: read it again, the message waits.
    READ_TEMPLATE = "read_template"
    # The template is stopped at Meta: what uses it waits for Meta's word.
    STOP_TEMPLATE = "stop_template"
    # Meta does not take the template as it was entered: shown at the template.
    CORRECT_TEMPLATE = "correct_template"


class Reach(enum.Enum):
    """How far an error reaches."""

    MESSAGE = "message"
    RECIPIENT = "recipient"
    TEMPLATE = "template"
    NUMBER = "number"
    ACCOUNT = "account"


@dataclass(frozen=True)
class Rule:
    """``sentence``: key of the addon's catalogue of reasons (``chaser.reason.mixin``);
    its ``%(detail)s`` is what Meta said."""

    action: Action
    reach: Reach
    sentence: str


def _rule(action, reach, sentence):
    return Rule(action, reach, f"whatsapp_{sentence}")


_ACCOUNT, _NUMBER = Reach.ACCOUNT, Reach.NUMBER
_MESSAGE, _RECIPIENT = Reach.MESSAGE, Reach.RECIPIENT
_TEMPLATE = Reach.TEMPLATE

_TOKEN = _rule(Action.STOP_ACCOUNT, _ACCOUNT, "token")
_PERMISSION = _rule(Action.STOP_ACCOUNT, _ACCOUNT, "permission")
_LOCKED = _rule(Action.STOP_ACCOUNT, _ACCOUNT, "locked")
_REGISTER = _rule(Action.REGISTER, _NUMBER, "register")
_SLOWER = _rule(Action.BACK_OFF, _ACCOUNT, "slower")
_ECOSYSTEM = _rule(Action.ELSEWHERE, _RECIPIENT, "not_now")
_CONFIGURE = _rule(Action.CONFIGURE, _MESSAGE, "configure")
_FILE = _rule(Action.UPLOAD_AGAIN, _MESSAGE, "file")
_TEMPORARY = _rule(Action.RETRY, _MESSAGE, "temporary")
_REQUEST = _rule(Action.REFUSE, _MESSAGE, "request")
_CHANGED = _rule(Action.READ_TEMPLATE, _TEMPLATE, "template_changed")
_CREATION = _rule(Action.CORRECT_TEMPLATE, _TEMPLATE, "template_form")
_NUMBER_TROUBLE = _rule(Action.CONFIGURE, _NUMBER, "number")

RULES: dict[int, Rule] = {
    0: _TOKEN,
    190: _TOKEN,
    3: _PERMISSION,
    10: _PERMISSION,
    131005: _PERMISSION,
    4: _SLOWER,
    80007: _SLOWER,
    130429: _SLOWER,
    131056: _rule(Action.WAIT_PAIR, _RECIPIENT, "pair"),
    131048: _rule(Action.STOP_NUMBER, _NUMBER, "spam"),
    131064: _rule(Action.STOP_CATEGORY, _ACCOUNT, "utility_misuse"),
    131049: _ECOSYSTEM,
    130472: _ECOSYSTEM,
    131050: _rule(Action.STOP_PERSON, _RECIPIENT, "person_stopped"),
    131026: _rule(Action.UNDELIVERABLE, _RECIPIENT, "undeliverable"),
    131047: _rule(Action.USE_TEMPLATE, _MESSAGE, "window_closed"),
    131021: _rule(Action.CONFIGURE, _RECIPIENT, "own_number"),
    131030: _rule(Action.CONFIGURE, _RECIPIENT, "test_list"),
    131062: _rule(Action.CONFIGURE, _RECIPIENT, "user_id_refused"),
    131063: _rule(Action.CONFIGURE, _ACCOUNT, "marketing_off"),
    131031: _LOCKED,
    368: _LOCKED,
    130497: _rule(Action.STOP_ACCOUNT, _ACCOUNT, "country"),
    131042: _rule(Action.STOP_ACCOUNT, _ACCOUNT, "billing"),
    131044: _rule(Action.STOP_ACCOUNT, _ACCOUNT, "billing"),
    131037: _rule(Action.STOP_ACCOUNT, _NUMBER, "display_name"),
    131045: _REGISTER,
    133010: _REGISTER,
    131051: _rule(Action.REFUSE, _MESSAGE, "message_type"),
    131052: _FILE,
    131053: _FILE,
    1: _TEMPORARY,
    2: _TEMPORARY,
    131000: _TEMPORARY,
    131016: _TEMPORARY,
    131057: _TEMPORARY,
    133004: _TEMPORARY,
    135000: _TEMPORARY,
    33: _REQUEST,
    100: _REQUEST,
    131008: _REQUEST,
    131009: _REQUEST,
    132000: _CHANGED,
    132008: _CHANGED,
    132012: _CHANGED,
    132005: _rule(Action.READ_TEMPLATE, _TEMPLATE, "template_long"),
    132001: _rule(Action.READ_TEMPLATE, _TEMPLATE, "template_missing"),
    132007: _rule(Action.STOP_TEMPLATE, _TEMPLATE, "template_policy"),
    132015: _rule(Action.STOP_TEMPLATE, _TEMPLATE, "template_paused"),
    132016: _rule(Action.STOP_TEMPLATE, _TEMPLATE, "template_disabled"),
    133000: _NUMBER_TROUBLE,
    133005: _rule(Action.CONFIGURE, _NUMBER, "pin"),
    133006: _NUMBER_TROUBLE,
    133008: _rule(Action.CONFIGURE, _NUMBER, "pin_guesses"),
    133009: _rule(Action.CONFIGURE, _NUMBER, "pin_guesses"),
    133015: _rule(Action.CONFIGURE, _NUMBER, "wait_minutes"),
    133016: _rule(Action.CONFIGURE, _NUMBER, "too_many_tries"),
    2388040: _CREATION,
    2388047: _CREATION,
    2388072: _CREATION,
    2388073: _CREATION,
    2388293: _CREATION,
    2388299: _CREATION,
    2388019: _CREATION,
    # "Direct Send" is not used; an account that has it switched on may say so.
    139200: _CONFIGURE,
    2388330: _CONFIGURE,
    2388318: _CONFIGURE,
}


# Where Meta names no code; 0 is one (the token).
NO_CODE = -1


def find_rule(code: int, subcode: int = 0) -> Rule:
    """The rule for Meta's ``code``; a subcode of its own (creation of templates) comes
    first. An unknown code is our request's fault until somebody knows better: it is
    never repeated by itself."""
    if subcode and subcode in RULES:
        return RULES[subcode]
    if 200 <= code <= 299:
        return _PERMISSION
    return RULES.get(code, _rule(Action.REFUSE, _MESSAGE, "unknown"))


class GraphError(Exception):
    """Meta has refused a request, and says why. Nothing was taken over.

    ``str()`` is what Meta said, on one line, without the token; ``retry_after``:
    seconds that it asks to wait, 0 where it does not say."""

    def __init__(
        self, code: int, details: str, subcode: int = 0, retry_after: float = 0
    ):
        super().__init__(f"{details} ({code})" if code != NO_CODE else details)
        self.code, self.subcode = code, subcode
        self.details, self.retry_after = details, retry_after
        self.rule = find_rule(code, subcode)

    @property
    def action(self) -> Action:
        return self.rule.action

    @property
    def reach(self) -> Reach:
        return self.rule.reach

    @property
    def sentence(self) -> str:
        return self.rule.sentence


class UnknownOutcome(Exception):
    """The line broke, or nothing readable came back, after a message had been handed
    over: it may or may not have been taken. Never sent again by itself; the webhook
    tells."""


class ConnectFailed(Exception):
    """Meta cannot be reached; nothing was handed over."""


class TooLarge(Exception):
    """A file is larger than allowed; what was read of it is dropped."""
