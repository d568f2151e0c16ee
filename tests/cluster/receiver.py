"""A server on this machine that pods reach: it keeps the events that Knative delivers to it."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from functions.core.cloudevent import Event, decode
from tests.servers.serving import Serving

HOST = os.environ.get("LAB_HOST", "host.lab.internal")
"""The name by which pods reach this machine's loopback."""


class Receiver(Serving):
    """`with Receiver() as receiver:` serves; `received` are the events by the path they came to."""

    def __init__(self) -> None:
        self.received: dict[str, list[Event]] = {}
        received = self.received

        class Keep(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                received.setdefault(self.path, []).append(decode(dict(self.headers), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), Keep))

    def address(self, path: str) -> str:
        return f"http://{HOST}:{self._server.server_address[1]}{path}"
