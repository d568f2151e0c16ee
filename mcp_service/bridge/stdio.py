"""The stdio server that Claude starts: answers at once, passes the work on to the service.

The standard library only, until the first call: the bridge must answer within a second."""

import json
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, BinaryIO

from mcp_service.bridge.answers import (
    INVALID_REQUEST,
    PARSE_ERROR,
    Answers,
    Message,
    error,
    read_snapshot,
)

if TYPE_CHECKING:
    from mcp_service.bridge.call import Call, Reach

AT_ONCE = 64
"""Requests passed on at the same time; more wait."""
LAST_CALLS = 75.0
"""Seconds that calls in flight get after the client closed its end."""


def main() -> int:
    """Serve standard input. Nothing but messages reaches standard output: whatever else is printed
    goes to standard error."""
    wire = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        Bridge(wire).serve(sys.stdin.buffer)
    except (KeyboardInterrupt, BrokenPipeError):
        return 0
    return 0


class Bridge:
    """Reads requests, writes replies; one thread per request that is passed on."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._writing = threading.Lock()
        self._room = threading.Semaphore(AT_ONCE)
        self._answers = Answers(read_snapshot())
        self._calls: dict[object, Call] = {}
        self._reach: Reach | None = None
        self._reaching = threading.Lock()

    def serve(self, lines: BinaryIO) -> None:
        """Until the client closes its end. The service runs on."""
        starter = threading.Thread(target=self._start_service, daemon=True)
        starter.start()
        for line in lines:
            if line.strip():
                self._take(line)
        starter.join(1.5)
        self._finish()

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            self._reply(error(None, PARSE_ERROR, message="The line is not JSON."))
            return
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            self._reply(
                error(None, INVALID_REQUEST, message="The line is not one JSON-RPC 2.0 message.")
            )
        elif not isinstance(message.get("method"), str):
            return  # a reply to us, who never ask
        elif "id" not in message:
            self._notice(message)
        elif isinstance(message["id"], str | int):
            self._request(message)
        else:
            self._reply(
                error(None, INVALID_REQUEST, message="A request's id is a text or a whole number.")
            )

    def _notice(self, message: Message) -> None:
        params = message.get("params")
        if message["method"] == "notifications/cancelled" and isinstance(params, dict):
            key = params.get("requestId")
            call = self._calls.get(key) if isinstance(key, str | int) else None
            if call is not None:
                call.cancel()

    def _request(self, request: Message) -> None:
        answer = self._answers.answer(request)
        if answer is not None:
            self._reply(answer)
            return
        from mcp_service.bridge.call import Call  # noqa: PLC0415 - answering comes first

        call = self._calls[request["id"]] = Call(request, self._answers.version, write=self._write)
        threading.Thread(target=self._pass_on, args=(request["id"], call), daemon=True).start()

    def _pass_on(self, key: object, call: "Call") -> None:
        with self._room:
            call.run(self._service())
        self._calls.pop(key, None)

    def _service(self) -> "Reach":
        from mcp_service.bridge.call import Reach  # noqa: PLC0415 - answering comes first

        with self._reaching:
            self._reach = self._reach or Reach()
            return self._reach

    def _start_service(self) -> None:
        from functions.core.errors import MonitorError  # noqa: PLC0415 - answering comes first

        try:
            self._service().address()
        except MonitorError as reason:
            print(reason.message, file=sys.stderr)  # noqa: T201 - where a stdio server may speak

    def _finish(self) -> None:
        until = time.monotonic() + LAST_CALLS
        while time.monotonic() < until and any(call.ends for call in list(self._calls.values())):
            time.sleep(0.02)

    def _reply(self, message: Message) -> None:
        self._write(json.dumps(message, separators=(",", ":")))

    def _write(self, text: str) -> None:
        with self._writing:
            self._out.write(text.encode() + b"\n")
            self._out.flush()
