import logging
import time

import psycopg2
import psycopg2.errors

from odoo import SUPERUSER_ID, http
from odoo.http import content_disposition, request

from ..core.page import pages
from ..core.page.customer_answers import MAX_FILE, AnswerProblem, read_answer
from ..core.page.customer_page import render_busy, render_notice, render_page
from ..core.page.pages import PLAIN_POLICY, get_headers
from ..core.page.rate import RateLimiter
from ..core.status.tracking import valid_token
from .tracking import _QUIET, make_page

_logger = logging.getLogger(__name__)
# Calls a minute, per worker process; what is stored is limited in the database besides.
PER_TOKEN, PER_IP = RateLimiter(60, 60), RateLimiter(240, 60)
# A statement takes a tenth of a second to draw.
STATEMENTS = RateLimiter(6, 60)
# More than the largest file, so that one that is a little too large gets a clear
# message; a larger request is refused unread.
MAX_BODY = 4 * MAX_FILE
# How long a request waits for a lock, and for a statement (milliseconds); and how often
# it starts again after a collision.
_LOCK, _STATEMENT, _TRIES = 1500, 5000, 3
_FIELDS = ("name", "day", "amount", "currency", "reference", "reason", "email")


class Busy(Exception):
    """The database does not respond in time."""


class ChaserCustomerPage(http.Controller):
    """The page of a reminder. GET and HEAD show, POST acts once per form; every request
    gets a page as response, without session or cookie."""

    @http.route("/chaser/p/<token>", type="http", methods=["GET", "HEAD"], **_QUIET)
    def show(self, token, lang="", a="", **_params):
        lang, path = self._choose_lang(lang), self._get_path(token)
        if not self._count_request(token):
            return self._answer(
                *render_notice(lang or "en", path, "too_often"), status=429
            )
        done = int(a) if a.isascii() and a.isdigit() and len(a) < 10 else 0
        try:
            data = (
                self._ask(
                    lambda reminders: self._read(reminders, token, lang, done=done)
                )
                if valid_token(token)
                else None
            )
        except Busy:
            return self._answer(*render_busy(lang or "en", path))
        return (
            self._answer(*render_page(data))
            if data
            else self._answer(pages.invalid_page(), PLAIN_POLICY)
        )

    @http.route(
        "/chaser/p/<token>/statement.pdf",
        type="http",
        methods=["GET", "HEAD"],
        **_QUIET,
    )
    def show_statement(self, token, lang="", **_params):
        """The statement of the customer's account as it is now."""
        lang, path = self._choose_lang(lang), self._get_path(token)
        now = time.monotonic()
        if not self._count_request(token) or not STATEMENTS.allow(token[:64], now):
            return self._answer(
                *render_notice(lang or "en", path, "too_often"), status=429
            )
        try:
            document = (
                self._ask(
                    lambda reminders: self._draw_statement(reminders, token, lang)
                )
                if valid_token(token)
                else None
            )
        except Busy:
            return self._answer(*render_busy(lang or "en", path))
        if not document:
            return self._answer(pages.invalid_page(), PLAIN_POLICY)
        return request.make_response(
            document.content,
            [
                ("Content-Type", document.mimetype),
                ("Content-Disposition", content_disposition(document.name)),
                *get_headers("default-src 'none'; frame-ancestors 'none'"),
            ],
        )

    @http.route(
        "/chaser/p/<token>",
        type="http",
        methods=["POST"],
        **_QUIET | {"max_content_length": MAX_BODY},
    )
    def act(self, token, **_params):
        if request.httprequest.method != "POST":  # OPTIONS, which Odoo lets through
            return self.show(token)
        form, lang, path = (
            self._read_form(),
            self._choose_lang(request.httprequest.form.get("lang", "")),
            self._get_path(token),
        )
        if not self._count_request(token):
            return self._answer(
                *render_notice(lang or "en", path, "too_often"), status=429
            )
        try:
            data, answer_id, lang = (
                self._ask(
                    lambda reminders: self._process_form(reminders, token, lang, form)
                )
                if valid_token(token)
                else (None, 0, lang)
            )
        except Busy:
            return self._answer(
                *render_busy(
                    lang or "en",
                    path,
                    form | {"lang": lang or "en"},
                    tuple(self._get_ticked()),
                    bool(self._get_file()),
                )
            )
        if answer_id:
            return self._redirect(f"{path}?lang={lang}&a={answer_id}")
        return (
            self._answer(*render_page(data))
            if data
            else self._answer(pages.invalid_page(), PLAIN_POLICY)
        )

    # -- within the transaction

    def _read(self, reminders, token, lang, **shown):
        reminder = reminders._find_by_page_token(token)
        return (
            reminder._get_page_data(reminder._get_page_lang(lang), **shown)
            if reminder
            else None
        )

    def _draw_statement(self, reminders, token, lang):
        reminder = reminders._find_by_page_token(token)
        return (
            reminder.env["chaser.documents"]._draw_account(
                reminder, reminder._get_page_lang(lang)
            )
            if reminder
            else None
        )

    def _process_form(self, reminders, token, lang, form):
        """(data of the page to show again, id of the stored answer, language); nothing
        of either for an unknown page."""
        reminder = reminders._find_by_page_token(token)
        if not reminder:
            return None, 0, lang
        lang, action, ticked = (
            reminder._get_page_lang(lang),
            form["action"],
            self._get_ticked(),
        )
        shown = {"problem_action": action, "entered": form, "ticked": frozenset(ticked)}
        try:
            answer = read_answer(
                action, form, ticked, self._get_file(), reminder._get_page_frame()
            )
            if not reminder._check_form_key(action, form["key"]):
                raise AnswerProblem("expired_form")
            return (
                None,
                reminder._process_answer(
                    answer, form["key"], self._describe_request()
                ).id,
                lang,
            )
        except AnswerProblem as problem:
            return reminder._get_page_data(lang, problem=problem.code, **shown), 0, lang

    def _ask(self, call):
        """The result of ``call`` as superuser; again after a collision with another
        transaction.

        :raises Busy: when the database does not respond in time, or anything else goes
        wrong; nothing is stored then
        """
        env = request.env(user=SUPERUSER_ID, su=True)
        for _attempt in range(_TRIES):
            try:
                env["chaser.reminder"]._set_patience(_LOCK, _STATEMENT)
                result = call(env["chaser.reminder"])
                env.flush_all()
                return result
            except (
                psycopg2.errors.SerializationFailure,
                psycopg2.errors.DeadlockDetected,
            ):
                self._start_again(env)
            except Exception:
                _logger.info("The customer's page could not be served", exc_info=True)
                self._start_again(env)
                break
        raise Busy

    def _start_again(self, env):
        env.cr.rollback()
        env.transaction.reset()

    # -- the request

    def _count_request(self, token):
        now, caller = time.monotonic(), request.httprequest.remote_addr or ""
        return PER_IP.allow(caller, now) and PER_TOKEN.allow(token[:64], now)

    def _get_path(self, token):
        return f"/chaser/p/{token}" if valid_token(token) else "/chaser/p"

    def _choose_lang(self, lang):
        return lang if lang in ("en", "ar") else ""

    def _read_form(self):
        """The fields that the page has, as far as they came, each of them cut; nothing
        else of the request is used."""
        form = request.httprequest.form
        return {name: form.get(name, "")[:4000] for name in ("action", "key", *_FIELDS)}

    def _get_ticked(self):
        return request.httprequest.form.getlist("invoice")[:500]

    def _get_file(self):
        """(name, content), a little more of it than is allowed; None without a file."""
        upload = request.httprequest.files.get("file")
        if not upload:
            return None
        upload.seek(0)
        return upload.filename or "", upload.read(MAX_FILE + 1)

    def _describe_request(self):
        http_request = request.httprequest
        return {
            "ip": http_request.remote_addr or "",
            "user_agent": (http_request.user_agent.string or "").replace("\0", "")[
                :500
            ],
        }

    # -- the answer

    def _answer(self, html, policy, status=200):
        return make_page(html, policy, status)

    def _redirect(self, path):
        """See other: a reload of what follows sends nothing again (RFC 9110
        §15.4.4)."""
        response = request.redirect(path, code=303)
        for name, value in get_headers():
            response.headers[name] = value
        return response
