"""A server on this machine that pods reach: it keeps the events that Knative delivers to it."""

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from functions.core.cloudevent import Event, decode

HOST = os.environ.get("LAB_HOST", "host.lab.internal")
"""The name by which pods reach this machine's loopback."""


class Receiver:
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

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Keep)

    def address(self, path: str) -> str:
        return f"http://{HOST}:{self._server.server_port}{path}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
