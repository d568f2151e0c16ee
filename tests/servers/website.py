"""A web server in a process of its own, to be watched: it answers, fails, hangs, dies, returns."""

import asyncio
import subprocess
import sys
import threading
from typing import Literal, Self

Behaviour = Literal["ok", "500", "hang"]

PAGE = b"<html><title>shop</title><body>All is well</body></html>"
HANG = 3600


class Website:
    """`with Website() as site:` serves `site.url` until killed; a later start keeps the port."""

    def __init__(self) -> None:
        self.port = 0
        self._behaviour: Behaviour = "ok"
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def behave(self, behaviour: Behaviour) -> None:
        """From the next request on. Returns when the server has taken it in."""
        self._behaviour = behaviour
        if self._process:
            print(behaviour, file=self._process.stdin, flush=True)
            self._heard()

    def start(self) -> None:
        """Serve on the same port as before, behaving as told last."""
        command = [sys.executable, "-m", "tests.servers.website", str(self.port), self._behaviour]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._heard())

    def kill(self) -> None:
        """End with SIGKILL; from now on connections are refused."""
        process, self._process = self._process, None
        if process:
            with process:
                process.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _heard(self) -> str:
        pipe = self._running().stdout
        line = pipe.readline() if pipe else ""
        assert line, "the website ended; its message is above"
        return line

    def _running(self) -> subprocess.Popen[str]:
        assert self._process, "the website was killed; start it first"
        return self._process


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            await _respond(writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _respond(writer: asyncio.StreamWriter) -> None:
    if _behaviour == "hang":
        await asyncio.sleep(HANG)
    status = "200 OK" if _behaviour == "ok" else "500 Internal Server Error"
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}\r\n\r\n"
    writer.write(head.encode() + PAGE)
    await writer.drain()


def _obey(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    """Take each line of standing orders; end with the process that gave them."""
    global _behaviour  # noqa: PLW0603 - the one state of this process
    for line in sys.stdin:
        _behaviour = line.strip()
        _tell(_behaviour)
    loop.call_soon_threadsafe(ended.set)


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _serve(port: int) -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", port)
    ended = asyncio.Event()
    orders = threading.Thread(target=_obey, args=(asyncio.get_running_loop(), ended), daemon=True)
    orders.start()
    _tell(str(server.sockets[0].getsockname()[1]))
    await ended.wait()


if __name__ == "__main__":
    _behaviour = sys.argv[2]
    asyncio.run(_serve(int(sys.argv[1])))
