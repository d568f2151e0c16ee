"""What the bridge answers by itself: everything that is the same on every machine and every day.

The standard library only: the bridge must answer within a second of its start."""

import json
from pathlib import Path
from typing import Any

SNAPSHOT = Path(__file__).parent.parent / "tools" / "snapshot.json"

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN_VERSIONS = ("2026-07-28",)
PREFIX = "io.modelcontextprotocol/"

PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS = -32700, -32600, -32602
UNSUPPORTED_VERSION = -32022

Message = dict[str, Any]


def read_snapshot() -> dict[str, dict[str, Message]]:
    """Results by era (`handshake`, `modern`) and method, as the service itself gives them."""
    snapshot: dict[str, dict[str, Message]] = json.loads(SNAPSHOT.read_bytes())
    return snapshot


def error(key: object, code: int, *, message: str, **more: Any) -> Message:
    """A JSON-RPC error."""
    return {"jsonrpc": "2.0", "id": key, "error": {"code": code, "message": message, **more}}


def result(key: object, value: Message) -> Message:
    return {"jsonrpc": "2.0", "id": key, "result": value}


def envelope_of(message: Message) -> Message | None:
    """The `_meta` of a request of the stateless era (2026-07-28 on), else None."""
    params = message.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    return meta if isinstance(meta, dict) and PREFIX + "protocolVersion" in meta else None


class Answers:
    """`version` is what the handshake agreed on, for the requests that are passed on."""

    def __init__(self, snapshot: dict[str, dict[str, Message]]) -> None:
        self._snapshot = snapshot
        self.version = HANDSHAKE_VERSIONS[-1]

    def answer(self, request: Message) -> Message | None:
        """The whole reply, or None for what only the service can answer."""
        method, envelope = request["method"], envelope_of(request)
        if method == "initialize":
            return self._initialize(request)
        if envelope is None:
            return self._constant(request, "handshake")
        version = envelope[PREFIX + "protocolVersion"]
        if version not in MODERN_VERSIONS:
            versions = {"supported": list(MODERN_VERSIONS), "requested": version}
            return error(
                request["id"],
                UNSUPPORTED_VERSION,
                message="Unsupported protocol version",
                data=versions,
            )
        if not isinstance(envelope.get(PREFIX + "clientCapabilities"), dict):
            return None  # the service explains what is missing
        return self._constant(request, "modern")

    def _initialize(self, request: Message) -> Message:
        params = request.get("params")
        asked = params.get("protocolVersion") if isinstance(params, dict) else None
        if not isinstance(asked, str):
            return error(
                request["id"], INVALID_PARAMS, message="initialize needs params.protocolVersion"
            )
        self.version = asked if asked in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]
        known = self._snapshot["handshake"]["initialize"]
        return result(request["id"], {**known, "protocolVersion": self.version})

    def _constant(self, request: Message, era: str) -> Message | None:
        value = self._snapshot[era].get(request["method"])
        params = request.get("params")
        paged = isinstance(params, dict) and "cursor" in params
        return None if value is None or paged else result(request["id"], value)
