"""A strict stand-in of Meta's Cloud API on loopback: what the interface does not allow
is refused with Meta's own code, so that a wrong request cannot pass.

``python tests/support/whatsapp_server.py PORT [WEBHOOK_URL]`` runs it alone (demo)."""

import hashlib
import hmac
import io
import itertools
import json
import re
import socket
import sys
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import requests
from werkzeug.formparser import parse_form_data

E164 = re.compile(r"\+[1-9]\d{6,14}")
USER_ID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
NAME = re.compile(r"[a-z0-9_]{1,512}")
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
SCOPES = [
    "business_management",
    "whatsapp_business_management",
    "whatsapp_business_messaging",
]
# Meta's words; only code and details matter to a client.
HTTP_STATUS = {190: 401, 0: 401, 3: 403, 10: 403, 131005: 403, 131031: 403, 368: 403}
HTTP_STATUS |= {4: 429, 80007: 429, 130429: 429, 131056: 429, 131048: 429}
HTTP_STATUS |= {1: 500, 2: 500, 131000: 500, 131016: 500, 131057: 500, 133004: 503}


class Refusal(Exception):
    def __init__(self, code, details, subcode=0, status=None):
        super().__init__(details)
        self.code, self.details, self.subcode = code, details, subcode
        self.status = status or HTTP_STATUS.get(code, 400)


class WhatsappServer:
    """``messages``: payloads that were taken, in their order; ``problems``: requests
    that were refused without being asked to.

    ``statuses``: what is reported of each message when ``webhook`` is set (several
    addresses possible); ``undeliverable``: number → code of a ``failed`` report in
    place of them; ``limit``: unique persons in all, as the messaging limit has it;
    ``delay``: seconds between taking a message and saying so."""

    def __init__(
        self,
        token="EAAtoken0000000000000000",
        app_secret="app-secret",
        version="v25.0",
        phone_id="106540352242922",
        waba_id="102290129340398",
        app_id="670843887433847",
        delay=0.0,
        port=0,
    ):
        self.token, self.app_secret, self.version = token, app_secret, version
        self.phone_id, self.waba_id, self.app_id = phone_id, waba_id, app_id
        self.delay, self.webhook = delay, ""
        self.number = {
            "display_phone_number": "+971 4 123 4567",
            "verified_name": "POP Trading",
            "quality_rating": "GREEN",
            "status": "CONNECTED",
            "code_verification_status": "VERIFIED",
            "platform_type": "CLOUD_API",
            "throughput": {"level": "STANDARD"},
            "name_status": "APPROVED",
            "whatsapp_business_manager_messaging_limit": "TIER_2K",
            "health_status": {"can_send_message": "AVAILABLE", "entities": []},
            "id": phone_id,
        }
        self.account = {
            "id": waba_id,
            "name": "POP Trading",
            "currency": "AED",
            "owner_business_info": {"id": "506914307656634", "name": "POP"},
        }
        self.debug = {
            "app_id": app_id,
            "type": "SYSTEM_USER",
            "is_valid": True,
            "expires_at": 0,
            "scopes": list(SCOPES),
        }
        self.subscribed, self.callback = [app_id], ""
        self.templates, self.media, self.samples = {}, {}, {}
        self.messages, self.problems, self.calls, self.reports = [], [], [], []
        self.undeliverable, self.statuses = {}, ["sent", "delivered"]
        self.windows, self.limit = {}, None
        self._failures, self._broken, self.stopped = [], [], False
        self._pairs, self._ids = defaultdict(list), itertools.count(1)
        self._lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._make_handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        ).start()

    def stop(self):
        self.stopped = True
        self._server.shutdown()
        self._server.server_close()

    # -- what tests ask for

    def fail(
        self, code, details="as asked", times=1, where="messages", to=None, **more
    ):
        """The next ``times`` requests there are refused with this code; with ``skip``,
        after so many that are taken."""
        self._failures.append(
            {"code": code, "details": details, "times": times, "where": where, "to": to}
            | more
        )

    def break_line(self, how, times=1, where="messages"):
        """``take``: takes the request and closes the line without a response;
        ``gateway``: takes it and responds 502 without Graph's form; ``garbage``: 200
        that is no JSON; ``hang``: waits ten seconds before it responds."""
        self._broken.append({"how": how, "times": times, "where": where})

    def add_template(
        self, name, language="en", body="Hello {{customer}}, thanks.", **more
    ):
        components = more.pop("components", None) or [{"type": "BODY", "text": body}]
        row = {
            "id": str(next(self._ids) + 900000),
            "name": name,
            "language": language,
            "status": "APPROVED",
            "category": "UTILITY",
            "parameter_format": "NAMED",
            "components": components,
            "rejected_reason": "NONE",
            "quality_score": {"score": "GREEN"},
        } | more
        self.templates[name, language] = row
        return row

    def open_window(self, address):
        """They have written just now: free text is allowed for 24 hours."""
        self.windows[address.lstrip("+")] = time.time()

    # -- HTTP

    def _make_handler(self):
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self):
                size = int(self.headers.get("Content-Length") or 0)
                stand_in._serve(self, self.rfile.read(size))

            do_GET = do_POST = do_DELETE = _serve

            def log_message(self, *_args):
                pass

        return Handler

    def _serve(self, request, body):
        parts = urlsplit(request.path)
        # The detour names the host first.
        path = parts.path.removeprefix("/graph.facebook.com").strip("/")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        try:
            status, answer = self._route(request, path, query, body)
        except Refusal as refusal:
            if not getattr(refusal, "asked", False):
                self.problems.append((request.path, refusal.code, refusal.details))
            status, answer = refusal.status, _make_error(refusal)
        how = self._take(self._broken, _get_place(path), None)
        if how and how["how"] == "hang":
            time.sleep(10)
        if how and how["how"] == "take":
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        if how and how["how"] == "gateway":
            status, answer = 502, b"<html>Bad Gateway</html>"
        if how and how["how"] == "garbage":
            status, answer = 200, b"<html>"
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        try:
            request.send_response(status)
            request.send_header("Content-Type", "application/json")
            if status == 429:
                request.send_header("Retry-After", "7")
            request.send_header("Content-Length", str(len(data)))
            request.end_headers()
            request.wfile.write(data)
        except OSError:
            pass  # the process that asked was killed

    def _take(self, rows, place, address):
        with self._lock:
            for row in rows:
                if (
                    row["where"] == place
                    and row["times"] > 0
                    and row.get("to") in (None, address)
                ):
                    if row.get("skip"):
                        row["skip"] -= 1
                        continue
                    row["times"] -= 1
                    return row
        return None

    def _route(self, request, path, query, body):
        version, _, rest = path.partition("/")
        if version != self.version:
            raise Refusal(2635, f"unknown version {version}")
        place = _get_place(path)
        self.calls.append((request.command, rest))
        scheme = "OAuth" if rest.startswith("upload:") else "Bearer"
        if request.headers.get("Authorization") != f"{scheme} {self.token}":
            raise Refusal(190, "Invalid OAuth access token")
        payload = self._read_json(request, rest, body)
        address = payload.get("to") or payload.get("recipient")
        if failure := self._take(self._failures, place, address):
            refusal = Refusal(
                failure["code"],
                failure["details"],
                failure.get("subcode", 0),
                failure.get("status"),
            )
            refusal.asked = True
            raise refusal
        for pattern, method, handle in self._get_routes():
            if request.command == method and (found := re.fullmatch(pattern, rest)):
                return handle(request, query, payload or body, *found.groups())
        raise Refusal(100, f"unknown path {request.command} {rest}")

    def _read_json(self, request, rest, body):
        form = request.headers.get("Content-Type", "")
        if request.command != "POST" or rest.startswith("upload:"):
            return {}
        if rest.endswith(("/media", "/uploads")):
            return {}
        if form.partition(";")[0] != "application/json":
            raise Refusal(100, f"not JSON: {form}")
        try:
            payload = json.loads(body or b"{}")
        except ValueError:
            raise Refusal(100, "not JSON") from None
        if not isinstance(payload, dict):
            raise Refusal(100, "not an object")
        return payload

    def _get_routes(self):
        phone, waba = re.escape(self.phone_id), re.escape(self.waba_id)
        return [
            (f"{phone}/messages", "POST", self._post_message),
            (f"{phone}/media", "POST", self._post_media),
            (phone, "GET", self._get_number),
            (f"{phone}/register", "POST", self._register),
            (f"{phone}/deregister", "POST", lambda *_: (200, {"success": True})),
            (waba, "GET", lambda *_: (200, self.account)),
            (
                f"{waba}/phone_numbers",
                "GET",
                lambda *_: (200, {"data": [self.number]}),
            ),
            ("debug_token", "GET", self._debug_token),
            (f"{waba}/subscribed_apps", "POST", self._subscribe),
            (f"{waba}/subscribed_apps", "GET", self._get_subscriptions),
            (f"{waba}/subscribed_apps", "DELETE", lambda *_: (200, {"success": True})),
            (f"{waba}/message_templates", "GET", self._list_templates),
            (f"{waba}/message_templates", "POST", self._create_template),
            (f"{waba}/message_templates", "DELETE", self._delete_template),
            (r"(\d+)/unpause", "POST", self._unpause),
            (f"{re.escape(self.app_id)}/uploads", "POST", self._start_upload),
            (r"(upload:[\w-]+)", "POST", self._finish_upload),
            (r"files/(\w+)", "GET", self._get_file),
            (r"(media-\w+)", "GET", self._get_media),
            (r"(9\d{5})", "POST", self._edit_template),
        ]

    # -- the number

    def _get_number(self, _request, query, _body):
        if "fields" not in query:
            return 200, {"id": self.phone_id}
        wanted = query["fields"].split(",")
        unknown = set(wanted) - set(self.number)
        if unknown:
            raise Refusal(100, f"unknown fields {unknown}")
        return 200, {name: self.number[name] for name in wanted} | {"id": self.phone_id}

    def _register(self, _request, _query, payload):
        if set(payload) - {"data_localization_region"} != {"messaging_product", "pin"}:
            raise Refusal(100, "unexpected keys")
        if not re.fullmatch(r"\d{6}", str(payload["pin"])):
            raise Refusal(100, "the PIN has six digits")
        if self.number["status"] == "CONNECTED":
            raise Refusal(133005, "Two step verification PIN mismatch")
        self.number["status"] = "CONNECTED"
        return 200, {"success": True}

    def _debug_token(self, _request, query, _body):
        if query.get("input_token") != self.token:
            raise Refusal(100, "input_token")
        return 200, {"data": self.debug}

    def _subscribe(self, _request, _query, payload):
        if set(payload) - {"override_callback_uri", "verify_token"}:
            raise Refusal(100, "unexpected keys")
        if self.app_id not in self.subscribed:
            self.subscribed.append(self.app_id)
        self.callback = payload.get("override_callback_uri", "")
        return 200, {"success": True}

    def _get_subscriptions(self, *_args):
        rows = [
            {"whatsapp_business_api_data": {"id": one, "name": "Chaser"}}
            for one in self.subscribed
        ]
        return 200, {"data": rows}

    # -- files

    def _post_media(self, request, _query, body):
        environ = {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        _stream, form, files = parse_form_data(environ)
        if form.get("messaging_product") != "whatsapp" or "file" not in files:
            raise Refusal(100, "messaging_product and file are required")
        file = files["file"]
        content = file.read()
        if file.mimetype == "application/pdf" and not content.startswith(b"%PDF"):
            raise Refusal(131053, "not a PDF")
        key = f"media-{next(self._ids)}"
        self.media[key] = (content, file.mimetype, file.filename)
        return 200, {"id": key}

    def _get_media(self, _request, _query, _body, key):
        if key not in self.media:
            raise Refusal(100, "no such media")
        content, mimetype, _name = self.media[key]
        return 200, {
            "url": f"{self.url}/graph.facebook.com/{self.version}/files/"
            + key.partition("-")[2],
            "mime_type": mimetype,
            "sha256": hashlib.sha256(content).hexdigest(),
            "file_size": len(content),
            "id": key,
        }

    def _get_file(self, _request, _query, _body, number):
        return 200, self.media[f"media-{number}"][0]

    def _start_upload(self, _request, query, _body):
        if set(query) != {"file_name", "file_length", "file_type"}:
            raise Refusal(100, "file_name, file_length, file_type")
        key = f"upload:{next(self._ids)}"
        self.samples[key] = int(query["file_length"])
        return 200, {"id": key}

    def _finish_upload(self, request, _query, body, key):
        if request.headers.get("file_offset") != "0":
            raise Refusal(100, "file_offset")
        if self.samples.get(key) != len(body):
            raise Refusal(100, "another length than announced")
        self.samples[f"4::{key}"] = len(body)
        return 200, {"h": f"4::{key}"}

    # -- templates

    def _list_templates(self, _request, query, _body):
        rows = list(self.templates.values())
        start, limit = int(query.get("after") or 0), int(query.get("limit") or 25)
        page = rows[start : start + limit]
        answer = {"data": page, "paging": {"cursors": {"after": str(start + limit)}}}
        if start + limit < len(rows):
            answer["paging"]["next"] = "https://graph.facebook.com/next"
        return 200, answer

    def _create_template(self, _request, _query, payload):
        allowed = {"name", "language", "category", "parameter_format", "components"}
        if set(payload) - allowed - {"allow_category_change"}:
            raise Refusal(100, f"unexpected keys {set(payload) - allowed}")
        if not NAME.fullmatch(payload.get("name", "")):
            raise Refusal(100, "bad name", 2388072)
        key = payload["name"], payload["language"]
        if key in self.templates:
            raise Refusal(100, "there is content in this language", 2388024)
        self._check_components(payload["components"])
        row = self.add_template(*key, components=payload["components"])
        row |= {"status": "PENDING", "category": payload["category"]}
        return 200, {name: row[name] for name in ("id", "status", "category")}

    def _check_components(self, components):
        for one in components:
            text = one.get("text") or ""
            if one["type"] == "BODY":
                if len(text) > 1024:
                    raise Refusal(100, "body too long", 2388040)
                if text.startswith("{{") or text.rstrip().endswith("}}"):
                    raise Refusal(100, "variable at the edge", 2388299)
                named = one.get("example", {}).get("body_text_named_params", [])
                if {v["param_name"] for v in named} != set(VARIABLE.findall(text)):
                    raise Refusal(100, "a sample for each variable", 2388073)
            elif one["type"] == "FOOTER" and len(text) > 60:
                raise Refusal(100, "footer too long", 2388040)
            elif one["type"] == "HEADER" and one["format"] == "DOCUMENT":
                [handle] = one["example"]["header_handle"]
                if handle not in self.samples:
                    raise Refusal(100, "unknown handle", 2388273)

    def _find_template(self, key):
        for row in self.templates.values():
            if row["id"] == key:
                return row
        raise Refusal(100, "no such template")

    def _edit_template(self, _request, _query, payload, key):
        row = self._find_template(key)
        if set(payload) - {"category", "components", "message_send_ttl_seconds"}:
            raise Refusal(100, "only category and components can be edited")
        self._check_components(payload.get("components", []))
        row |= payload | {"status": "PENDING"}
        return 200, {"success": True}

    def _delete_template(self, _request, query, _body):
        found = [
            key
            for key, row in self.templates.items()
            if key[0] == query.get("name") and query.get("hsm_id") in (None, row["id"])
        ]
        if not found:
            raise Refusal(100, "no such template")
        for key in found:
            del self.templates[key]
        return 200, {"success": True}

    def _unpause(self, _request, _query, _payload, key):
        self._find_template(key)["status"] = "APPROVED"
        return 200, {"success": True}

    # -- messages

    def _post_message(self, _request, _query, payload):
        if payload.get("status") == "read":
            return 200, {"success": True}
        self._check_message(payload)
        address = payload.get("to") or payload["recipient"]
        with self._lock:
            self._check_limits(address)
            wamid = f"wamid.{next(self._ids):08d}"
            self.messages.append(payload | {"wamid": wamid})
        self._report_soon(payload, wamid)
        time.sleep(self.delay)
        contact = {"input": address}
        if "to" in payload:
            contact["wa_id"] = address.lstrip("+")
        return 200, {
            "messaging_product": "whatsapp",
            "contacts": [contact],
            "messages": [{"id": wamid, "message_status": "accepted"}],
        }

    def _check_message(self, payload):
        kind = payload.get("type")
        wanted = {"messaging_product", "recipient_type", "type", kind}
        extra = set(payload) - wanted - {"biz_opaque_callback_data", "context"}
        if extra not in ({"to"}, {"recipient"}):
            raise Refusal(100, f"to or recipient, and nothing else: {extra}")
        if payload["messaging_product"] != "whatsapp":
            raise Refusal(100, "messaging_product")
        if "to" in payload and not E164.fullmatch(payload["to"]):
            raise Refusal(131009, f"to: {payload['to']}")
        if "recipient" in payload and not USER_ID.fullmatch(payload["recipient"]):
            raise Refusal(131009, f"recipient: {payload['recipient']}")
        if len(payload.get("biz_opaque_callback_data", "")) > 512:
            raise Refusal(131009, "biz_opaque_callback_data")
        if self.number["status"] != "CONNECTED":
            raise Refusal(133010, "Phone number not registered")
        if kind == "template":
            self._check_template(payload["template"])
        elif kind == "text":
            self._check_text(payload)
        else:
            raise Refusal(131051, f"type {kind}")

    def _check_text(self, payload):
        address = (payload.get("to") or payload.get("recipient")).lstrip("+")
        if time.time() - self.windows.get(address, 0) > 24 * 3600:
            raise Refusal(131047, "Re-engagement message")
        if not 1 <= len(payload["text"]["body"]) <= 4096:
            raise Refusal(131009, "body")

    def _check_template(self, template):
        if set(template) != {"name", "language", "components"}:
            raise Refusal(100, f"template: {set(template)}")
        language = template["language"]
        if set(language) != {"policy", "code"} or language["policy"] != "deterministic":
            raise Refusal(100, "language")
        row = self.templates.get((template["name"], language["code"]))
        if not row or row["status"] in ("PENDING", "REJECTED", "DELETED"):
            raise Refusal(132001, f"{template['name']} in {language['code']}")
        if row["status"] == "PAUSED":
            raise Refusal(132015, "Template is paused")
        if row["status"] == "DISABLED":
            raise Refusal(132016, "Template is disabled")
        parts = {one["type"]: one for one in row["components"]}
        given = defaultdict(list)
        for one in template["components"]:
            given[one["type"]].append(one)
        self._check_header(parts.get("HEADER"), given["header"])
        self._check_body(parts.get("BODY"), given["body"])
        self._check_buttons(parts.get("BUTTONS"), given["button"])
        if set(given) - {"header", "body", "button"}:
            raise Refusal(100, f"components: {set(given)}")

    def _check_header(self, part, given):
        if not part or part.get("format") != "DOCUMENT":
            if given:
                raise Refusal(132000, "a header that the template does not have")
            return
        if len(given) != 1:
            raise Refusal(132012, "the header's document is missing")
        [parameter] = given[0]["parameters"]
        document = parameter["document"]
        if parameter["type"] != "document" or set(document) != {"id", "filename"}:
            raise Refusal(132012, "header")
        if document["id"] not in self.media:
            raise Refusal(131053, "media of another number")
        if not document["filename"].lower().endswith(".pdf"):
            raise Refusal(131009, "filename")

    def _check_body(self, part, given):
        names = list(dict.fromkeys(VARIABLE.findall(part["text"])))
        values = {}
        for parameter in itertools.chain(*(one["parameters"] for one in given)):
            if set(parameter) != {"type", "parameter_name", "text"}:
                raise Refusal(132012, "body parameter")
            text = parameter["text"]
            if not text or re.search(r"[\n\t\r]| {4,}", text):
                raise Refusal(132012, f"value {text!r}")
            values[parameter["parameter_name"]] = text
        if list(values) != names and set(values) != set(names):
            raise Refusal(132000, f"expected {names}, got {list(values)}")
        filled = VARIABLE.sub(lambda found: values[found[1]], part["text"])
        if len(filled) > 1024:
            raise Refusal(132005, "Translated text too long")

    def _check_buttons(self, part, given):
        wanted = [
            str(place)
            for place, one in enumerate(part["buttons"] if part else ())
            if one["type"] == "URL" and "{{1}}" in one["url"]
        ]
        if [one["index"] for one in given] != wanted:
            raise Refusal(132000, "buttons")
        for one in given:
            [parameter] = one["parameters"]
            if one["sub_type"] != "url" or parameter["type"] != "text":
                raise Refusal(132012, "button")
            if not re.fullmatch(r"[\w.~/?=&%-]+", parameter["text"]):
                raise Refusal(131009, "button")

    def _check_limits(self, address):
        now = time.time()
        recent = [moment for moment in self._pairs[address] if moment > now - 270]
        if len(recent) >= 45:
            raise Refusal(131056, "pair rate limit")
        self._pairs[address] = [*recent, now]
        persons = {one.get("to") or one["recipient"] for one in self.messages}
        if self.limit and len(persons | {address}) > self.limit:
            raise Refusal(131048, "messaging limit")

    # -- the webhook

    def _report_soon(self, payload, wamid):
        if self.webhook:
            threading.Thread(
                target=self._report_message, args=(payload, wamid), daemon=True
            ).start()

    def _report_message(self, payload, wamid):
        address = payload.get("to") or payload["recipient"]
        code = self.undeliverable.get(address)
        for status in ["failed"] if code else self.statuses:
            self.send_report([self.make_status(payload, wamid, status, code)])

    def make_status(self, payload, wamid, status, code=None):
        """A status as Meta reports it."""
        made = {
            "id": wamid,
            "status": status,
            "timestamp": str(int(time.time())),
            "biz_opaque_callback_data": payload.get("biz_opaque_callback_data", ""),
        }
        if "to" in payload:
            made["recipient_id"] = payload["to"].lstrip("+")
        if status in ("sent", "delivered"):
            made["pricing"] = {
                "billable": True,
                "pricing_model": "PMP",
                "type": "regular",
                "category": "utility",
            }
        if code:
            details = {"details": "Message undeliverable."}
            made["errors"] = [{"code": code, "title": "x", "error_data": details}]
        return made

    def make_messages_change(self, **value):
        return {
            "field": "messages",
            "value": {
                "messaging_product": "whatsapp",
                "metadata": {
                    "display_phone_number": self.number["display_phone_number"],
                    "phone_number_id": self.phone_id,
                },
                **value,
            },
        }

    def send_report(self, statuses):
        return self.post([self.make_messages_change(statuses=statuses)])

    def send_inbound(self, number, message, name="A Customer"):
        """What a customer writes; ``message``: Meta's value without sender."""
        wa_id = number.lstrip("+")
        self.open_window(number)
        made = {
            "from": wa_id,
            "id": f"wamid.in{next(self._ids)}",
            "timestamp": str(int(time.time())),
            **message,
        }
        contacts = [{"profile": {"name": name}, "wa_id": wa_id}]
        return self.post(
            [self.make_messages_change(contacts=contacts, messages=[made])]
        )

    def send_change(self, field, value):
        return self.post([{"field": field, "value": value}])

    def make_body(self, changes):
        entry = {"id": self.waba_id, "changes": changes}
        return json.dumps(
            {"object": "whatsapp_business_account", "entry": [entry]}
        ).encode()

    def sign(self, body):
        made = hmac.new(self.app_secret.encode(), body, hashlib.sha256).hexdigest()
        return {"X-Hub-Signature-256": f"sha256={made}"}

    def post(self, changes):
        """One signed report, tried again for a while as Meta does."""
        body = self.make_body(changes)
        headers = self.sign(body) | {"Content-Type": "application/json"}
        for pause in (0, *[0.5] * 240):
            time.sleep(pause)
            if self.stopped:
                return False
            try:
                response = requests.post(
                    self.webhook, data=body, headers=headers, timeout=10
                )
            except requests.RequestException:
                continue
            if response.status_code == 200:
                self.reports.append(body)
                return True
        return False


def _make_error(refusal):
    return {
        "error": {
            "message": f"(#{refusal.code}) {refusal.details}",
            "type": "OAuthException",
            "code": refusal.code,
            "error_subcode": refusal.subcode,
            "error_data": {
                "messaging_product": "whatsapp",
                "details": refusal.details,
            },
            "fbtrace_id": "AbC",
        }
    }


def _get_place(path):
    """The kind of a call, by which failures are asked for."""
    last = path.rpartition("/")[2]
    if last.startswith("upload:"):
        return "uploads"
    return last if not re.fullmatch(r"[\d-]+|media-\w+", last) else "object"


if __name__ == "__main__":
    server = WhatsappServer(port=int(sys.argv[1]))
    server.webhook = sys.argv[2] if len(sys.argv) > 2 else ""
    print(server.url, flush=True)
    threading.Event().wait()
