"""A relay in front of InfluxDB that notes when InfluxDB has taken what was written to it."""

import socket
import threading
import time
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

from tests.servers.serving import Serving

TAKEN = b"HTTP/1.1 204 "
"""What an answer to a write begins with; a query is answered 200."""


class Acceptance(Serving):
    """`with Acceptance(url) as relay:` serves at `relay.url`; `moments` are in the seconds of
    `time.monotonic`, oldest first."""

    def __init__(self, url: str) -> None:
        server = urlsplit(url)
        behind = (server.hostname or "", server.port or 80)
        self.moments: list[float] = []
        moments = self.moments

        class Relay(BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(behind) as inner:
                    asking = threading.Thread(target=_copy, args=(self.request, inner))
                    asking.start()
                    _copy(inner, self.request, moments)
                    asking.join()

        ThreadingTCPServer.daemon_threads = True
        super().__init__(ThreadingTCPServer(("127.0.0.1", 0), Relay))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"


def _copy(source: socket.socket, sink: socket.socket, moments: list[float] | None = None) -> None:
    """Until either side ends; then both are told."""
    sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while part := source.recv(65_536):
            if moments is not None and part.startswith(TAKEN):
                moments.append(time.monotonic())
            sink.sendall(part)
    except OSError:
        pass  # an end by reset is an end
    finally:
        for side in (source, sink):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
