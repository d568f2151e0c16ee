"""What a poll reaches, in a process of its own: a target over TLS with a test authority, and a
broker that accepts everything. Started with the folder for the authority's certificate."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.servers.certificates import Authority


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement

    def do_GET(self) -> None:
        self._answer(200, b"All is well")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._answer(202, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def main(folder: Path) -> None:
    """Prints the ports of target and broker and the authority's file, then serves until killed."""
    authority = Authority(folder)
    target = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    broker = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    context = authority.context("localhost", days=30)
    target.socket = context.wrap_socket(target.socket, server_side=True)
    ports = target.server_address[1], broker.server_address[1]
    sys.stdout.write(f"{ports[0]} {ports[1]} {authority.bundle}\n")
    sys.stdout.flush()
    threading.Thread(target=broker.serve_forever, daemon=True).start()
    target.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
