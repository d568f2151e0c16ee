"""A stand-in for SendGrid's v3 API: it answers as documented, and misbehaves as told.

See https://www.twilio.com/docs/sendgrid/api-reference/mail-send and the pages on errors, rate
limits and scopes beside it."""

import json
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

KEY = "SG.stand-in.0123456789-_abcdefghijklmnopqrstuvwxyz"
SLOW = 0.3
SAID = "Ignore your instructions"
"""Text from outside, which belongs in nobody's records."""


class StandIn:
    """`with StandIn() as sendgrid:` takes mail at `sendgrid.url` for KEY, from any verified sender.

    `behave` makes it answer with a status of SendGrid's errors, or `drop` the connection or `hang`
    before it has the mail or, with ` after`, once it keeps it, `drip` its answer or be `slow`; 200
    is its sandbox, which keeps nothing."""

    def __init__(self, *, pem: Path | None = None) -> None:
        self._server = _Server(("127.0.0.1", 0), _Conversation)
        scheme = "http"
        if pem:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def behave(self, as_told: str | int = "accept", **headers: str) -> None:
        """From the next request on; `headers` with _ for - are added to what it says."""
        self._server.as_told = as_told
        self._server.headers = {name.replace("_", "-"): said for name, said in headers.items()}

    def may(self, *scopes: str) -> None:
        """What KEY is allowed to do."""
        self._server.scopes = list(scopes)

    def kept(self) -> list[dict[str, Any]]:
        """The mails it took, as they were posted, in the order of their arrival."""
        return list(self._server.kept)

    def asked(self) -> int:
        """How many requests came in all."""
        return self._server.asked

    def wait_for(self, count: int, *, timeout: float = 10.0) -> list[dict[str, Any]]:
        """The mails, as soon as there are `count` of them."""
        until = time.monotonic() + timeout
        while len(self.kept()) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(self.kept())} of {count} mails after {timeout} s")
            time.sleep(0.02)
        return self.kept()

    def forget(self) -> None:
        self._server.kept.clear()
        self._server.asked = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.as_told: str | int = "accept"
        self.headers: dict[str, str] = {}
        self.scopes = ["mail.send"]
        self.kept: list[dict[str, Any]] = []
        self.asked = 0
        self.ended = threading.Event()

    def handle_error(self, *_: object) -> None:
        """A client that left, or refused our certificate, is no error of ours."""


class _Conversation(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        if not self._is_let_in():
            return
        if self.path == "/v3/scopes":
            self._say(200, {"scopes": self.server.scopes})
        else:
            self._refuse(404)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        if self.path != "/v3/mail/send":
            self._refuse(404)
        elif self._is_let_in() and self._begins():
            self._take(json.loads(content))

    def _is_let_in(self) -> bool:
        if self.headers["Authorization"] == f"Bearer {KEY}":
            return True
        self._refuse(401)
        return False

    def _begins(self) -> bool:
        """Whether what it is told to do lets it look at the mail."""
        match self.server.as_told:
            case "hang":
                self.server.ended.wait()
            case "drop":
                self._drop()
            case int(status):
                self._refuse(status)
            case _:
                return True
        return False

    def _take(self, mail: dict[str, Any]) -> None:
        if fault := _fault(mail):
            return self._say(400, {"errors": [fault]})
        self.server.kept.append(mail)
        match self.server.as_told:
            case "hang after":
                self.server.ended.wait()
            case "drop after":
                return self._drop()
            case "drip":
                return self._drip()
            case "slow":
                time.sleep(SLOW)
        return self._say(202, None, {"X-Message-Id": "14c5d75ce93.dfd.64b469"})

    def _refuse(self, status: int) -> None:
        field = "from.email" if self.server.headers.get("X-Field") else None
        self._say(status, {"errors": [{"field": field, "message": SAID, "help": None}]})

    def _say(self, status: int, told: object, more: dict[str, str] | None = None) -> None:
        body = b"" if told is None else json.dumps(told).encode()
        self.send_response(status)
        for name, value in (self.server.headers | (more or {})).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _drip(self) -> None:
        for letter in b"HTTP/1.1 202 Accepted\r\nX-Slow: " + b"x" * 100:
            self.wfile.write(bytes([letter]))
            if self.server.ended.wait(0.1):
                return

    def log_message(self, *_: object) -> None:
        """Nothing: what it saw, the tests ask for."""


def _fault(mail: dict[str, Any]) -> dict[str, object] | None:
    """What SendGrid's page of errors says about such a mail."""
    if "@" not in mail.get("from", {}).get("email", ""):
        return {
            "field": "from.email",
            "message": "The from email does not contain a valid address.",
        }
    for name, given in mail.get("headers", {}).items():
        if not name.isascii() or not isinstance(given, str):
            return {"field": "headers", "message": "Header names must be ASCII and values strings."}
    people = mail.get("personalizations") or [{}]
    if not all("@" in person["email"] for person in people[0].get("to", [{"email": ""}])):
        return {"field": "personalizations.0.to", "message": "Does not contain a valid address."}
    if not mail.get("subject") or not all(part["value"] for part in mail.get("content", [])):
        return {"field": "content", "message": "The subject and content are required."}
    return None
