"""The processes of bench check: `target`, and `door URL` and `requests URL`, which tell the
microseconds of CPU that one check cost them."""

import asyncio
import resource
import sys
import threading
from typing import Any

CHECKS = 1600
LANES = 16
WARM_UP = 100
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n"
    b'Connection: close\r\n\r\n{"ok": true}\n'
)


class _Answering(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, _data: bytes) -> None:
        self._transport.write(ANSWER)
        self._transport.close()


async def target() -> None:
    """Answer each connection once, until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Answering, "127.0.0.1", 0, backlog=1024)
    _tell(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def door(url: str) -> None:
    """Our client, as a poll uses it."""
    from functions.clients.http import outbound_http  # noqa: PLC0415 - not for the others
    from functions.core.ports import HttpRequest  # noqa: PLC0415 - not for the others

    http, request = outbound_http(["127.0.0.0/8"]), HttpRequest(url=url)

    async def lane(checks: int) -> None:
        for _ in range(checks):
            assert (await http.fetch(request)).status == 200

    await lane(WARM_UP)
    before = _cpu()
    await asyncio.gather(*(lane(CHECKS // LANES) for _ in range(LANES)))
    _tell((_cpu() - before) / CHECKS * 1e6)


def by_requests(url: str) -> None:
    """The library that people reach for, one call per check."""
    import requests  # noqa: PLC0415 - not for the others

    def lane(checks: int) -> None:
        for _ in range(checks):
            assert requests.get(url, timeout=10).status_code == 200

    lane(WARM_UP)
    before = _cpu()
    lanes = [threading.Thread(target=lane, args=(CHECKS // LANES,)) for _ in range(LANES)]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    _tell((_cpu() - before) / CHECKS * 1e6)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _tell(figure: float) -> None:
    sys.stdout.write(f"{figure}\n")
    sys.stdout.flush()


def _main(role: str, *urls: str) -> None:
    if role == "requests":
        by_requests(*urls)
    else:
        import uvloop  # noqa: PLC0415 - not for requests

        uvloop.run({"target": target, "door": door}[role](*urls))


if __name__ == "__main__":
    _main(*sys.argv[1:])
