"""A name server on loopback (RFC 1035, UDP) that knows a few names, and knows how to be silent."""

import asyncio
import ipaddress
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Self

A, AAAA = 1, 28
FAILURE, NO_SUCH_NAME = 2, 3
SILENT, FAILS = "silent", "fails"


class NameServer(asyncio.DatagramProtocol):
    """`async with NameServer({"shop.example": ["8.8.8.8"]}) as names:` answers at `names.address`.
    A name whose answer is SILENT is never answered ("" is the root), of one that FAILS it has no
    answer; the answers may be changed at any time. Each comes after `seconds`."""

    def __init__(self, answers: Mapping[str, Sequence[str]]) -> None:
        self.answers = dict(answers)
        self.questions: list[str] = []
        self.seconds = 0.0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        made = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self._transport = made[0]
        self.address = "{}:{}".format(*self._transport.get_extra_info("sockname"))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()

    def datagram_received(self, question: bytes, sender: Any) -> None:
        name, end = _name(question)
        kind = struct.unpack("!H", question[end : end + 2])[0]
        self.questions.append(name)
        known = self.answers.get(name)
        if known != SILENT:
            answer = _answer(question[: end + 4], known, kind)
            asyncio.get_running_loop().call_later(self.seconds, self._send, answer, sender)

    def _send(self, answer: bytes, receiver: Any) -> None:
        if not self._transport.is_closing():
            self._transport.sendto(answer, receiver)


def _name(question: bytes) -> tuple[str, int]:
    labels, at = [], 12
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode().lower())
        at += 1 + length
    return ".".join(labels), at + 1


def _answer(question: bytes, known: Sequence[str] | None, kind: int) -> bytes:
    code = NO_SUCH_NAME if known is None else FAILURE if known == FAILS else 0
    packed = [] if code else [ipaddress.ip_address(text).packed for text in known or ()]
    fitting = [address for address in packed if len(address) == {A: 4, AAAA: 16}.get(kind)]
    head = question[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(fitting), 0, 0)
    records = [struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(a)) + a for a in fitting]
    return head + question[12:] + b"".join(records)
