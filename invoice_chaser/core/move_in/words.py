"""The words of other tools for states, events, languages; ours are what they become."""

import re

from .habits import clean
from .targets import norm

# How an address may be written to, by the words of the tools. None of them is consent.
_STATUS = {
    "active": "subscribed subscribed enabled active confirmed optedin opt_in opted_in "
    "single_opt_in double_opt_in valid ok yes",
    "unsubscribed": "unsubscribed unsub opted_out opt_out optout optedout blocklisted "
    "blacklisted blocked blocklist suppressed "
    "email_marketing_unsubscribed no_email do_not_contact dnc removed",
    "bounced": "bounced hard_bounce hardbounce hard_bounced cleaned bounce invalid "
    "undeliverable",
    "complained": "complained complaint spam abuse spam_complaint",
    "held": "disabled inactive paused on_hold hold",
    "none": "pending unconfirmed transactional never_subscribed non_subscribed "
    "nonsubscribed archived draft not_subscribed unknown",
}
_REASON = {
    "unsubscribed": "1 unsubscribed unsubscribe unsub opted_out opt_out optout "
    "unsubscribe_link list_unsubscribe contact_unsubscribed user_unsubscribed",
    "hard_bounce": "2 bounced bounce hard_bounce hardbounce hard cleaned invalid "
    "invalid_email contact_bounced blocked_address does_not_exist undeliverable",
    "complaint": "complaint complained spam abuse spam_complaint spamreport "
    "spam_report feedback_loop fbl",
    "manual": "3 manual manually admin contact_manual by_hand blocked blacklisted "
    "blocklisted suppressed do_not_contact dnc stopped_by_a_person",
    "soft": "soft_bounce softbounce soft temporary",
}
_EVENT = {
    "sent": "sent send request requests processed queued accepted inviata envoye "
    "caricata_per_procura",
    "delivered": "delivered delivery consegnata livre",
    "opened": "opened open opens first_opening unique_opened opened_first_time "
    "first_open uniqueopened aperta prima_apertura loaded_by_proxy proxy_open "
    "unique_proxy_open email_opened",
    "clicked": "clicked click clicks link_clicked cliccata email_clicked",
    "replied": "replied reply responded",
    "bounced": "bounced bounce hard_bounce hardbounce hard_bounces invalid_email "
    "blocked email_bounced",
    "complained": "complained complaint spam spamreport spam_report abuse",
    "unsubscribed": "unsubscribed unsubscribe unsub email_unsubscribed",
    "failed": "failed failure error dropped rejected",
    "deferred": "deferred soft_bounce softbounce soft_bounces delayed",
}
_SENT_STATE = {
    "sent": "sent delivered opened clicked replied success done complete completed ok "
    "read accepted unsubscribed bounced hard_bounce soft_bounce",
    "failed": "failed error rejected dropped failure",
    "skipped": "skipped suppressed held cancelled canceled draft queued scheduled "
    "pending sending",
}
_CAMPAIGN = {
    "completed": "completed complete sent finished done archived success",
    "cancelled": "cancelled canceled draft paused aborted stopped scheduled queued "
    "sending running save schedule failed error",
}
_PROMISE = {
    "kept": "kept paid fulfilled met honoured honored done",
    "partly": "partly partial partially_kept partly_kept partially_paid",
    "broken": "broken missed not_kept overdue failed unpaid",
    "cancelled": "cancelled canceled withdrawn void",
    "open": "open pending active promised",
}
_LANGUAGE = {"en": "en english eng", "ar": "ar arabic ara العربية عربي", "both": "both"}


def _index(table: dict[str, str]) -> dict[str, str]:
    return {word: ours for ours, words in table.items() for word in words.split()}


_INDEX = {
    "status": _index(_STATUS),
    "reason": _index(_REASON),
    "event": _index(_EVENT),
    "sent_state": _index(_SENT_STATE),
    "campaign": _index(_CAMPAIGN),
    "promise": _index(_PROMISE),
    "language": _index(_LANGUAGE),
}


def translate(subject: str, word: object) -> str:
    """Our word for a tool's one; empty where it is not known."""
    key = norm(clean(word))
    if subject == "language":
        key = key.split("_")[0]
    return _INDEX[subject].get(key, "")


def stop_of_event(word: object) -> str:
    """Why an event stops the address; empty where it does not. A bounce does only where
    it is called a hard one."""
    ours = translate("event", word)
    if ours == "bounced":
        key = norm(clean(word)).replace("_", "")
        hard = key.startswith("hard") or key == "invalidemail"
        return "hard_bounce" if hard else ""
    return {"unsubscribed": "unsubscribed", "complained": "complaint"}.get(ours, "")


def split_tags(value: object) -> list[str]:
    """The tags of one cell, in the ways in which tools put several into one: a JSON
    list, quoted and separated by commas (Mailchimp), separated by ``;``, ``|`` or
    ``,``. Each once, in the order of the file."""
    if isinstance(value, list):
        parts = [_name_of(item) for item in value]
        return _once(parts)
    text = clean(value)
    if not text:
        return []
    quoted = re.findall(r'"((?:[^"]|"")*)"', text)
    rest = re.sub(r'"((?:[^"]|"")*)"', "", text).strip(" ,;[]")
    if quoted and not rest:
        return _once([part.replace('""', '"') for part in quoted])
    text = text.strip("[]")
    separator = next((mark for mark in ("|", ";", "\n", ",") if mark in text), ",")
    return _once([part.strip(" '\"") for part in text.split(separator)])


def _name_of(item: object) -> str:
    """A list of a subscriber as services write it in JSON: its name, else its id."""
    if isinstance(item, dict):
        item = item.get("name") or item.get("title") or item.get("id") or ""
    return clean(item)


def _once(parts: list[str]) -> list[str]:
    return list(dict.fromkeys(part.strip()[:100] for part in parts if part.strip()))
