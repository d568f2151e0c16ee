"""One HTTP answer as it arrives, held to its limits while it streams and never after."""

HEADER_LIMIT = 64 * 1024
"""Bytes of all headers of one answer, interim answers and trailers included."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GO_ON, _STOP = None, 0
"""What curl is told: taken, or nothing taken, which ends the transfer."""


class Answer:
    """Collects headers (lower-case names, repeated ones joined) and at most `body_limit` decoded
    bytes. `fault` says in our words why we broke off, when the answer is to blame."""

    def __init__(self, *, body_limit: int, follow: bool) -> None:
        self._limit = body_limit
        self._follow = follow
        self._header_bytes = 0
        self._chunks: list[bytes] = []
        self._size = 0
        self.status = 0
        self.headers: dict[str, str] = {}
        self.truncated = False
        self.fault = ""

    @property
    def body(self) -> bytes:
        return b"".join(self._chunks)

    @property
    def location(self) -> str:
        """Where this answer sends us, when it is a redirect that we follow."""
        onward = self._follow and self.status in _REDIRECTS
        return self.headers.get("location", "") if onward else ""

    @property
    def complete(self) -> bool:
        """Whether a transfer that we ended ourselves has all that was wanted."""
        return not self.fault and (self.truncated or bool(self.location))

    def header(self, line: bytes) -> int | None:
        """One line of the head, its line end included."""
        self._header_bytes += len(line)
        if self._header_bytes > HEADER_LIMIT:
            self.fault = "the answer's headers are longer than 64 KiB"
            return _STOP
        if line.startswith(b"HTTP/"):
            self.status, self.headers = _status(line), {}
        elif line in (b"\r\n", b"\n"):
            return self._head_complete()
        else:
            self._keep(line.decode("utf-8", "replace"))
        return _GO_ON

    def chunk(self, chunk: bytes) -> int | None:
        """A piece of the decoded body."""
        if self.location:
            return _STOP
        room = self._limit - self._size
        self._chunks.append(chunk[:room])
        self._size += min(len(chunk), room)
        self.truncated = len(chunk) > room
        return _STOP if self.truncated else _GO_ON

    def _keep(self, line: str) -> None:
        name, _, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        earlier = self.headers.get(name)
        self.headers[name] = value if earlier is None else f"{earlier}, {value}"

    def _head_complete(self) -> int | None:
        """Each further coding multiplies what a bomb may cost us before a byte comes out of it."""
        if "," in self.headers.get("content-encoding", ""):
            self.fault = "the answer is compressed more than once"
            return _STOP
        return _GO_ON


def _status(line: bytes) -> int:
    code = line.split(b" ", 2)[1:2]
    return int(code[0]) if code and code[0].strip().isdigit() else 0
