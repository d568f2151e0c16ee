"""An HTTP proxy that makes its tunnels slowly, but is never silent for long."""

import select
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

PARTS = 10


class SlowProxy:
    """`with SlowProxy(2.0) as proxy:` tunnels (CONNECT) behind `proxy.url`, each after so many
    seconds, of which no part is without a word for more than a tenth."""

    def __init__(self, seconds: float) -> None:
        self._server = _Server(("127.0.0.1", 0), _Tunnel)
        self._server.seconds = seconds
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def wait_for_ends(self, count: int, *, timeout: float = 10.0) -> None:
        """Of so many tunnels, by whichever side."""
        for _ in range(count):
            assert self._server.ended.acquire(timeout=timeout)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.seconds = 0.0
        self.ended = threading.Semaphore(0)


class _Tunnel(BaseHTTPRequestHandler):
    server: _Server

    def do_CONNECT(self) -> None:
        host, _, port = self.path.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), timeout=10) as there:
                self._answer()
                _join(self.connection, there)
        except OSError:
            pass  # one of them has left
        finally:
            self.server.ended.release()

    def _answer(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(PARTS):
            time.sleep(self.server.seconds / PARTS)
            self.wfile.write(b"X-Slow: yes\r\n")
        self.wfile.write(b"\r\n")

    def log_message(self, *_: object) -> None:
        """Nothing: nobody reads it."""


def _join(here: socket.socket, there: socket.socket) -> None:
    onward = {here: there, there: here}
    while True:
        for each in select.select(list(onward), [], [])[0]:
            if not (some := each.recv(65536)):
                return
            onward[each].sendall(some)
