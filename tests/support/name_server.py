"""A name server on loopback: says the TXT records that a test gives it, and keeps what
it was asked."""

import socketserver
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset


class NameServer:
    """``records``: name without a final dot → its TXT records, which it cuts into
    pieces as a long one has to be; ``silent``: never answers."""

    def __init__(self, records=None, silent=False):
        self.records, self.silent, self.asked = records or {}, silent, []

    def __enter__(self):
        world = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                wire, socket = self.request
                answer = world.answer(dns.message.from_wire(wire))
                if answer:
                    socket.sendto(answer.to_wire(), self.client_address)

        self._server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, query):
        question = query.question[0]
        name = question.name.to_text().rstrip(".")
        self.asked.append(name)
        if self.silent:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name not in self.records:
            answer.set_rcode(dns.rcode.NXDOMAIN)
            return answer
        rows = [
            " ".join(f'"{one[at : at + 200]}"' for at in range(0, len(one), 200))
            for one in self.records[name]
        ]
        if rows:
            answer.answer.append(
                dns.rrset.from_text_list(question.name, 300, "IN", "TXT", rows)
            )
        return answer

    def make_resolver(self, patience=5.0):
        """A resolver that asks this server alone."""
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], self.port
        resolver.lifetime = patience
        return resolver
