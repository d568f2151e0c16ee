"""A web server inside the test's own loop that redirects as told and remembers every request."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self


class Maze:
    """`async with Maze() as maze:` answers with the head and body told for a path, else 200; with
    401 what lacks the line of the head that it `wants`."""

    def __init__(self, tls: object = None) -> None:
        self._tls = tls
        self._answers: dict[str, bytes] = {}
        self.wants = ""
        self.connections = 0
        self.requests: list[str] = []
        """Each request as it came, head and body."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)  # type: ignore[arg-type]  # an SSLContext or None
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        self._server.close()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def answer(self, path: str, status: int, *headers: str, body: bytes = b"") -> None:
        lines = (f"HTTP/1.1 {status} Told", *headers, f"Content-Length: {len(body)}", "", "")
        self._answers[path] = "\r\n".join(lines).encode() + body

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        self.answer(path, status, f"Location: {to}", body=b"moved")

    def _told(self, head: str) -> bytes:
        if self.wants and self.wants not in head.split("\r\n"):
            return b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
        path = head.split(" ")[1]
        return self._answers.get(path, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = head.lower().partition("content-length: ")[2].partition("\r")[0]
            body = await reader.readexactly(int(length or 0))
            self.requests.append(head + body.decode())
            writer.write(self._told(head))
            await writer.drain()
        writer.close()
