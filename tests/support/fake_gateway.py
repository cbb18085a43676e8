"""A strict stand-in of the gateway for short messages of docs/adding-a-channel.md, on
loopback: what the interface does not allow is refused, so that a wrong request cannot
pass."""

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NUMBER = re.compile(r"\d{8,15}$")


class FakeGateway:
    """``messages``: what was taken, in its order. ``refused``: numbers that do not
    exist; ``delay``: seconds between taking a message and saying so."""

    def __init__(self, key="a-secret-key", delay=0.0):
        self.key, self.delay = key, delay
        self.messages, self.problems, self.refused = [], [], set()
        self._lock = threading.Lock()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                gateway._serve(self, None)

            def do_POST(self):
                size = int(self.headers.get("Content-Length") or 0)
                gateway._serve(self, self.rfile.read(size))

            def log_message(self, *_args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, request, body):
        status, answer = self._answer(request, body)
        if status >= 400 and status not in (404,):
            self.problems.append((request.path, status, answer))
        data = json.dumps(answer).encode()
        try:
            request.send_response(status)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(data)))
            request.end_headers()
            request.wfile.write(data)
        except OSError:
            pass  # the process that asked was killed

    def _answer(self, request, body):
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return 401, {"error": "wrong key"}
        if request.command == "GET" and request.path == "/me":
            return 200, {"account": "POP Trading"}
        if request.command != "POST" or request.path != "/messages":
            return 405, {"error": "no such call"}
        if request.headers.get("Content-Type") != "application/json":
            return 415, {"error": "not JSON"}
        message = json.loads(body)
        if set(message) != {"ref", "to", "text"} or not NUMBER.match(message["to"]):
            return 422, {"error": "not a message"}
        if not 1 <= len(message["text"]) <= 1600:
            return 422, {"error": "too long"}
        if message["to"] in self.refused:
            return 404, {"error": "no such number"}
        with self._lock:
            self.messages.append(message)
            number = len(self.messages)
        time.sleep(self.delay)
        return 201, {"id": f"gw-{number}"}
