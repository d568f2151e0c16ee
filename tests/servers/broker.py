"""A broker to post events to: keeps what it accepts, and refuses or dawdles when told."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from functions.core.events import Event, decode
from tests.servers.serving import Serving


class Broker(Serving):
    """`with Broker() as broker:` answers 202 at `broker.url`; `status` and `delay` (seconds) may be
    changed while it runs, and `refuses`, a source that is none to it. `events` are the accepted
    ones."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.status = 202
        self.delay = 0.0
        self.refuses = ""
        self.asked = threading.Event()
        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), self._answering()))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/monitors/default"

    def _answering(self) -> type[BaseHTTPRequestHandler]:
        broker = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                broker.asked.set()
                time.sleep(broker.delay)
                event = decode(dict(self.headers.items()), body)
                status = 400 if event.source == broker.refuses else broker.status
                if status < 300:
                    broker.events.append(event)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        return Answer
