import random

from odoo import fields

from .prepared import PreparedQueries


class SendRun:
    """What one run of a mailbox keeps: the open transport, its recent sends, and what all its messages share."""

    def __init__(self, provider, transport):
        self.provider = provider
        self.transport = transport
        self.settings = provider._prepare_run_settings()
        self.throttle = provider._make_throttle(fields.Datetime.now())
        self.pace = self.throttle.pace
        self.cache = {}
        self.purposes = {}
        self._queries = PreparedQueries(provider.env.cr)
        self._dice = random.Random()
        self._work, self._worked = 0.0, 0
        self._was_limited = bool(provider.rate_limit_count)

    def get_allowance(self):
        return self.throttle.allowance(fields.Datetime.now())

    def get_domain_hold(self, domain):
        """Until when messages to a recipient domain wait; None when one may go."""
        return self.throttle.get_domain_hold(domain, fields.Datetime.now())

    def get_gap(self):
        """Seconds to the next message of the batch, with their random part."""
        return self.pace.gap(self._dice.random())

    def get_rest(self):
        """Seconds to the next batch."""
        return self.pace.rest(self._dice.random())

    def get_lag(self):
        """Seconds that are missing to the rest after the last message, whichever run it was."""
        last = self.throttle.get_last()
        return max(0.0, self.get_rest() - (fields.Datetime.now() - last).total_seconds()) if last else 0.0

    def note_attempt(self, domain):
        # Odoo's datetimes end at the second: counted up, so that no window opens too early.
        self.throttle.note(domain, fields.Datetime.add(fields.Datetime.now(), seconds=1))

    def note_work(self, seconds):
        """What one message took, its documents and the network included, without the pauses."""
        self._work, self._worked = self._work + seconds, self._worked + 1

    def get_work(self):
        """Mean seconds that a message takes; 0 before the first."""
        return self._work / self._worked if self._worked else 0.0

    def note_success(self):
        """The service takes messages again: its next refusal is a first one. Written down with the message's own record."""
        if self._was_limited:
            self.provider.rate_limit_count = 0
            self._was_limited = False

    def ask(self, query):
        """The rows of a query that is asked for each message."""
        return self._queries.ask(query)

    def get(self, key, make):
        """A value that all messages of the run share, made once."""
        if key not in self.cache:
            self.cache[key] = make()
        return self.cache[key]
