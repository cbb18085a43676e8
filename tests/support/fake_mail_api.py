"""Mailboxes that speak as Gmail's API and Microsoft Graph document it, strictly: a
wrong method, parameter, id or token is refused."""

import base64
import email
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "token-1"


class FakeMailApi:
    """Mails in order of arrival. ``responses``: (status, headers, body) to give instead
    of the next real ones."""

    def __init__(self):
        self.mails, self.gone, self.sent = [], set(), set()
        self.token, self.requests, self.responses = TOKEN, [], []
        self.generation = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _handler(outer):  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer._answer(self)

            def _refuse(self):
                self.send_error(405)

            do_POST = do_PATCH = do_DELETE = do_PUT = _refuse

            def log_message(self, *_args):
                pass

        return Handler

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def deliver(self, raw):
        self.mails.append(raw)

    def remove(self, number):
        self.gone.add(number)

    def _answer(self, handler):
        parts = urlsplit(handler.path)
        query = {
            name: values[0]
            for name, values in parse_qs(parts.query, keep_blank_values=True).items()
        }
        self.requests.append((parts.path, query, dict(handler.headers)))
        if self.responses:
            return self._reply(handler, *self.responses.pop(0))
        if handler.headers.get("Authorization") != f"Bearer {self.token}":
            return self._reply(
                handler,
                401,
                {},
                {"error": {"code": 401, "message": "Invalid Credentials"}},
            )
        try:
            return self._reply(
                handler, *self.serve(unquote(parts.path), query, handler.headers)
            )
        except (KeyError, ValueError, IndexError) as error:
            return self._reply(
                handler,
                400,
                {},
                {"error": {"code": 400, "message": f"bad request: {error!r}"}},
            )

    @staticmethod
    def _reply(handler, status, headers, body):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **headers,
        }.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    def _get(self, ref, prefix):
        number = int(ref.removeprefix(prefix))
        if (
            not ref.startswith(prefix)
            or number in self.gone
            or number >= len(self.mails)
        ):
            return None
        return self.mails[number]


class FakeGmail(FakeMailApi):
    prefix = "18f0"
    first_history = 1000
    oldest_history = 1000

    def serve(self, path, query, headers):
        base = "/gmail.googleapis.com/gmail/v1/users/me"
        if not path.startswith(base):
            return 404, {}, {"error": {"code": 404, "message": "no such service"}}
        path = path.removeprefix(base)
        if path == "/profile":
            return (
                200,
                {},
                {
                    "emailAddress": "accounts@pop.example",
                    "historyId": str(self.first_history + len(self.mails)),
                },
            )
        if path == "/history":
            return self._history(query)
        if path == "/messages":
            return self._list(query)
        raw = self._get(path.removeprefix("/messages/"), self.prefix)
        if raw is None:
            return (
                404,
                {},
                {"error": {"code": 404, "message": "Requested entity was not found."}},
            )
        if query["format"] == "raw":
            return (
                200,
                {},
                {"id": "x", "raw": base64.urlsafe_b64encode(raw).decode().rstrip("=")},
            )
        if query["format"] != "metadata":
            raise ValueError("format")
        pairs = [
            {"name": name, "value": str(value)}
            for name, value in email.message_from_bytes(raw).items()
        ]
        return 200, {}, {"id": "x", "payload": {"headers": pairs}}

    def _list(self, query):
        if not query["q"].startswith("after:") or query["labelIds"] != "INBOX":
            raise ValueError(query)
        numbers = [
            number for number in range(len(self.mails)) if number not in self.gone
        ][::-1]
        start, limit = int(query.get("pageToken") or 0), int(query["maxResults"])
        more = (
            {"nextPageToken": str(start + limit)}
            if start + limit < len(numbers)
            else {}
        )
        return (
            200,
            {},
            {
                "messages": [
                    {"id": f"{self.prefix}{number}"}
                    for number in numbers[start : start + limit]
                ]
            }
            | more,
        )

    def _history(self, query):
        if query["historyTypes"] != "messageAdded" or query["labelId"] != "INBOX":
            raise ValueError(query)
        start = int(query["startHistoryId"])
        if start < self.oldest_history:
            return (
                404,
                {},
                {"error": {"code": 404, "message": "Requested entity was not found."}},
            )
        numbers = list(range(start - self.first_history, len(self.mails)))
        skip, limit = int(query.get("pageToken") or 0), int(query["maxResults"])
        rows = [
            {
                "id": str(self.first_history + n + 1),
                "messagesAdded": [{"message": {"id": f"{self.prefix}{n}"}}],
            }
            for n in numbers[skip : skip + limit]
        ]
        more = (
            {"nextPageToken": str(skip + limit)} if skip + limit < len(numbers) else {}
        )
        return (
            200,
            {},
            {"history": rows, "historyId": str(self.first_history + len(self.mails))}
            | more,
        )

    def forget(self):
        self.oldest_history = self.first_history + len(self.mails) + 1
        self.first_history += 10_000
        self.oldest_history = self.first_history


class FakeGraph(FakeMailApi):
    prefix = "AAMk"
    origin = "https://graph.microsoft.com/v1.0"

    def serve(self, path, query, headers):
        if not path.startswith("/graph.microsoft.com/v1.0/me/"):
            return (
                404,
                {},
                {"error": {"code": "ResourceNotFound", "message": "no such service"}},
            )
        path = path.removeprefix("/graph.microsoft.com/v1.0/me/")
        if path == "mailFolders/inbox/messages/delta":
            return self._delta(query, headers)
        if 'IdType="ImmutableId"' not in headers.get("Prefer", ""):
            raise ValueError("the id would change when the mail is moved")
        ref, _, value = path.removeprefix("messages/").partition("/")
        raw = self._get(ref, self.prefix)
        if raw is None:
            return (
                404,
                {},
                {
                    "error": {
                        "code": "ErrorItemNotFound",
                        "message": "The specified object was not found in the store.",
                    }
                },
            )
        if value == "$value":
            return 200, {"Content-Type": "text/plain"}, raw
        if "internetMessageHeaders" not in query["$select"]:
            raise ValueError("headers come only when they are asked for")
        pairs = [
            {"name": name, "value": str(value)}
            for name, value in email.message_from_bytes(raw).items()
        ]
        return 200, {}, {"id": ref, "internetMessageHeaders": pairs}

    def _delta(self, query, headers):
        prefer = headers.get("Prefer", "")
        limit = int(prefer.partition("odata.maxpagesize=")[2])
        token = query.get("$deltatoken") or query.get("$skiptoken")
        if token:
            generation, start = map(int, token.split("-"))
            if generation != self.generation:
                return (
                    410,
                    {},
                    {
                        "error": {
                            "code": "syncStateNotFound",
                            "message": "The sync state generation is not found.",
                        }
                    },
                )
        else:
            if (
                not query["$filter"].startswith("receivedDateTime ge ")
                or query["changeType"] != "created"
            ):
                raise ValueError(query)
            start = 0
        numbers = list(range(start, len(self.mails)))[:limit]
        end = start + len(numbers)
        kind = "$skiptoken" if end < len(self.mails) else "$deltatoken"
        link = (
            f"{self.origin}/me/mailFolders/inbox/messages/delta?"
            f"{kind}={self.generation}-{end}"
        )
        rows = [
            {
                "id": f"{self.prefix}{number}",
                **({"@removed": {"reason": "deleted"}} if number in self.gone else {}),
            }
            for number in numbers
        ]
        return (
            200,
            {},
            {
                "value": rows,
                "@odata.nextLink" if kind == "$skiptoken" else "@odata.deltaLink": link,
            },
        )

    def forget(self):
        self.generation += 1


class Introspection:
    """Responds to Dovecot's question whose a bearer token is (RFC 7662)."""

    def __init__(self):
        self.users = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                user = outer.users.get(
                    self.headers.get("Authorization", "").removeprefix("Bearer ")
                )
                content = json.dumps(
                    {"active": "true", "user": user} if user else {"active": "false"}
                ).encode()
                self.send_response(200 if user else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/introspect"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
