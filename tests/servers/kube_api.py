"""A stand-in for a cluster's API server on loopback, which answers each request as it is told."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers.serving import Serving

JSON = "application/json"


class Said(NamedTuple):
    """One answer; without a kind it has no Content-Type, as a proxy's own may."""

    status: int
    body: bytes = b""
    kind: str = ""


def object_(found: dict[str, Any]) -> Said:
    return Said(200, json.dumps(found).encode(), JSON)


def refusal(status: int, message: str) -> Said:
    """As the API server writes it."""
    told = {"kind": "Status", "apiVersion": "v1", "code": status, "message": message}
    return Said(status, json.dumps(told).encode(), JSON)


class KubeApi(Serving):
    """`says` is looked up by a part of the path, then by method, then by `any`."""

    def __init__(self, says: dict[str, Said]) -> None:
        self._api = _Api(("127.0.0.1", 0), _Conversation)
        self.says = self._api.says = says
        super().__init__(self._api)

    def kubeconfig(self, folder: Path) -> Path:
        """A file for KUBECONFIG that leads here."""
        named = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        file = folder / "kubeconfig"
        file.write_text(json.dumps(named))
        return file

    @property
    def port(self) -> int:
        return self._api.server_port


class _Api(ThreadingHTTPServer):
    daemon_threads = True
    says: dict[str, Said]


class _Conversation(BaseHTTPRequestHandler):
    server: _Api

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        says = self.server.says
        named = [said for part, said in says.items() if part in self.path]
        said = named[0] if named else says.get(self.command) or says["any"]
        self.send_response(said.status)
        if said.kind:
            self.send_header("Content-Type", said.kind)
        self.send_header("Content-Length", str(len(said.body)))
        self.end_headers()
        self.wfile.write(said.body)

    do_PATCH = do_DELETE = do_POST = do_PUT = do_GET  # noqa: N815 - as http.server calls them

    def log_message(self, *_: object) -> None:
        """Nothing."""
