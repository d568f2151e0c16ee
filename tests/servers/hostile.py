"""A web server in a process of its own that answers as badly as it can: one path per attack."""

import asyncio
import contextlib
import gzip
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Awaitable, Callable
from typing import Self

Attack = Callable[[asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\n"
BOMB_MIB = 1024


class Hostile:
    """`with Hostile() as server:` attacks whoever asks `server.url("bomb")`."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.servers.hostile"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.port, self.stuck_port = map(int, self._process.stdout.readline().split())
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.kill()

    def url(self, attack: str) -> str:
        return f"http://127.0.0.1:{self.port}/{attack}"

    @property
    def stuck_tls(self) -> str:
        """Takes the connection and never says a word of TLS."""
        return f"https://127.0.0.1:{self.stuck_port}/"


def bomb() -> bytes:
    """About 1 MB of gzip that becomes 1 GiB: one MiB of zeros, repeated as whole deflate blocks."""
    squeeze = zlib.compressobj(9, wbits=-15)
    mebibyte = squeeze.compress(bytes(2**20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + mebibyte * BOMB_MIB


async def send(writer: asyncio.StreamWriter, *pieces: bytes) -> None:
    for piece in pieces:
        writer.write(piece)
        await writer.drain()


async def honest(writer: asyncio.StreamWriter) -> None:
    await send(writer, OK + b"Content-Length: 2\r\n\r\nok")


async def drip(writer: asyncio.StreamWriter) -> None:
    await send(writer, OK + b"Content-Length: 100000\r\n\r\n")
    while True:
        await send(writer, b".")
        await asyncio.sleep(0.1)


async def drip_headers(writer: asyncio.StreamWriter) -> None:
    await send(writer, OK)
    while True:
        await send(writer, b"X: y\r\n")
        await asyncio.sleep(0.1)


async def silent(_writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


async def gzip_bomb(writer: asyncio.StreamWriter) -> None:
    await send(writer, OK + b"Content-Encoding: gzip\r\n\r\n", bomb())


async def double_bomb(writer: asyncio.StreamWriter) -> None:
    head = OK + b"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n\r\n"
    await send(writer, head, gzip.compress(bomb()))


async def endless_body(writer: asyncio.StreamWriter) -> None:
    await send(writer, OK + b"\r\n")
    while True:
        await send(writer, bytes(65_536))


async def endless_headers(writer: asyncio.StreamWriter) -> None:
    await send(writer, OK)
    while True:
        await send(writer, b"X-More: " + b"y" * 1000 + b"\r\n")


async def long_header(writer: asyncio.StreamWriter) -> None:
    await send(writer, OK + b"X-Long: ")
    while True:
        await send(writer, b"y" * 65_536)


async def endless_interim(writer: asyncio.StreamWriter) -> None:
    while True:
        await send(writer, b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")


async def endless_trailers(writer: asyncio.StreamWriter) -> None:
    await send(writer, OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n")
    while True:
        await send(writer, b"X-More: " + b"y" * 1000 + b"\r\n")


async def half(writer: asyncio.StreamWriter) -> None:
    await send(writer, OK + b"Content-Length: 100\r\n\r\nhalf of it")


async def nothing(_writer: asyncio.StreamWriter) -> None:
    return


async def reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def not_http(writer: asyncio.StreamWriter) -> None:
    await send(writer, b"SSH-2.0-OpenSSH_9.9\r\n" * 10)


async def not_gzip(writer: asyncio.StreamWriter) -> None:
    await send(writer, OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (
        *(honest, drip, drip_headers, silent, gzip_bomb, double_bomb, endless_body),
        *(endless_headers, long_header, endless_interim, endless_trailers),
        *(half, nothing, reset, not_http, not_gzip),
    )
}


async def _attack(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        request = await reader.readuntil(b"\r\n\r\n")
        await ATTACKS[request.split(b" ")[1][1:].decode()](writer)
    writer.close()


async def _hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await silent(writer)


async def _serve() -> None:
    attacking = await asyncio.start_server(_attack, "127.0.0.1", 0)
    holding = await asyncio.start_server(_hold, "127.0.0.1", 0)
    ports = [server.sockets[0].getsockname()[1] for server in (attacking, holding)]
    sys.stdout.write(" ".join(map(str, ports)) + "\n")
    sys.stdout.flush()
    await asyncio.gather(attacking.serve_forever(), holding.serve_forever())


if __name__ == "__main__":
    asyncio.run(_serve())
