"""What stands before a function: caps on a request and its body, and a deadline for sending it.
Neither the framework nor uvicorn has them, so a stuck or greedy client would hold a socket or
memory."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from functions.core.cloudevent import EVENT_LIMIT

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

REQUEST_SECONDS = 10.0
"""From the first byte of a request (or the connection) to its last."""
REQUEST_LIMIT = 2 * EVENT_LIMIT
"""Bytes of a request on the wire: its head, its body, and what frames and follows a body."""
_END = b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_LATE, _LONG = b"HTTP/1.1 408 Request Timeout", b"HTTP/1.1 413 Content Too Large"


class PromptProtocol(HttpToolsProtocol):
    """Closes a connection on which a request does not arrive whole in time, or does not end; an
    idle one between two requests is left to the keep-alive."""

    _deadline: asyncio.TimerHandle | None = None
    _received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        self._allow(REQUEST_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)
        if self._received > REQUEST_LIMIT:
            self._give_up(_LONG)

    def on_message_begin(self) -> None:
        self._received = 0
        self._allow(REQUEST_SECONDS)
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._disarm()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.timeout_keep_alive_task is not None:
            # uvicorn forgets its own timer when as little as an empty line arrives.
            self._allow(self.timeout_keep_alive)

    def _allow(self, seconds: float) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, self._give_up, _LATE)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self, status: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(status + _END)
            self.transport.close()


def guarded(app: App) -> App:
    """The app behind a cap of 1 MiB on bodies; answers GET /healthz by itself."""

    async def guard(scope: Message, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET" and scope["path"] == "/healthz":
            await _answer(send, 200)
            return
        body = await _body(scope, receive)
        if body is None:
            await _answer(send, 413)
            return

        async def replay() -> Message:
            nonlocal body
            if body is None:
                return await receive()
            message = {"type": "http.request", "body": body, "more_body": False}
            body = None
            return message

        await app(scope, replay, send)

    return guard


async def _body(scope: Message, receive: Receive) -> bytes | None:
    """The whole body, or None when it is too long or its sender has left."""
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if not declared.isdigit() or int(declared) > EVENT_LIMIT:
        return None
    body = bytearray()
    while len(body) <= EVENT_LIMIT and (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"] and len(body) <= EVENT_LIMIT:
            return bytes(body)
    return None


async def _answer(send: Send, status: int) -> None:
    headers = [(b"content-length", b"0")] + [(b"connection", b"close")] * (status >= 400)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
