"""A connection to a host of ours that may have several addresses, of which some may be silent."""

import socket
import time
from collections.abc import Sequence
from typing import Any

_Place = tuple[socket.AddressFamily, Any]


def connected(host: str, port: int, *, seconds: float) -> socket.socket:
    """A connection made within so many seconds, which are also its time-out then. Raises OSError,
    TimeoutError among them."""
    until = time.monotonic() + seconds
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    ours = first_of([(family, address) for family, *_, address in found], until=until)
    ours.settimeout(seconds)
    return ours


def first_of(places: Sequence[_Place], *, until: float) -> socket.socket:
    """A connection to the first place that takes it, by `until` (of time.monotonic). Each has an
    even part of what those before it left, so that one that is silent leaves some. Raises OSError,
    that of the last one."""
    failed: OSError = TimeoutError()
    for place, (family, address) in enumerate(places):
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        ours = socket.socket(family, socket.SOCK_STREAM)
        ours.settimeout(left / (len(places) - place))
        try:
            ours.connect(address)
        except OSError as error:
            ours.close()
            failed = error
        else:
            return ours
    raise failed
