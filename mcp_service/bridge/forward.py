"""Passes one request on to the standing service and gives back each message of its answer."""

import base64
import http.client
import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from mcp_service.bridge.answers import PREFIX, Message, envelope_of, error

DEADLINE = 600.0
"""Seconds without a sign of life; the service sends one every 15 s while it works."""
NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


class Refused(Exception):
    """Nothing listens at the service's address: the request was not begun."""


class Exchange:
    """One request on one connection; `cancel` may be called from another thread."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._connection = kind(parts.hostname or "", parts.port, timeout=DEADLINE)
        self._path = parts.path.rstrip("/") + "/mcp"
        self._token = token
        self.cancelled = False

    def cancel(self) -> None:
        """Close the connection, which is how the service learns of it."""
        self.cancelled = True
        if self._connection.sock is not None:
            with suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def run(self, request: Message, version: str) -> Iterator[str]:
        """Each message of the answer as one line of JSON. Raises Refused, OSError or HTTPException
        when the service cannot be reached or breaks off."""
        try:
            self._connection.connect()
        except ConnectionRefusedError as reason:
            raise Refused from reason
        try:
            body = json.dumps(request, separators=(",", ":")).encode()
            self._connection.request("POST", self._path, body, self._headers(request, version))
            yield from _messages(self._connection.getresponse(), request)
        finally:
            self._connection.close()

    def _headers(self, request: Message, version: str) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": version,
        }
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if (envelope := envelope_of(request)) is not None:
            headers["MCP-Protocol-Version"] = envelope[PREFIX + "protocolVersion"]
            headers["Mcp-Method"] = request["method"]
            name = request["params"].get(NAMED_BY.get(request["method"], ""))
            if isinstance(name, str):
                headers["Mcp-Name"] = header_text(name)
        return headers


def header_text(value: str) -> str:
    """Printable ASCII as it is, anything else as MCP writes it in a header (`=?base64?…?=`)."""
    if re.fullmatch(r"[!-~]([ -~]*[!-~])?", value) and not value.startswith("=?base64?"):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode('ascii')}?="


def _messages(response: http.client.HTTPResponse, request: Message) -> Iterator[str]:
    kind = response.headers.get_content_type()
    if kind == "text/event-stream":
        yield from _events(response)
        return
    body = response.read()
    if kind == "application/json" and b'"jsonrpc"' in body:
        # The service names no id when it could not read one; its client waits for this one.
        yield json.dumps({**json.loads(body), "id": request["id"]}, separators=(",", ":"))
    elif response.status != 202:
        yield json.dumps(error(request["id"], -32603, message=_refusal(response.status)))


def _events(response: http.client.HTTPResponse) -> Iterator[str]:
    parts: list[str] = []
    for raw in response:
        line = raw.decode().rstrip("\r\n")
        if line.startswith("data:"):
            parts.append(line[5:].removeprefix(" "))
        elif not line and parts:
            text, parts = "".join(parts), []
            if text:
                yield text


def _refusal(status: int) -> str:
    if status == 401:
        return "The service wants another token: set CLAUDE_MONITOR_TOKEN to the service's own."
    if status == 413:
        return "The request is too large for the service (4 MiB at most)."
    return f"The service answered with status {status}; run: claude-monitor doctor"
