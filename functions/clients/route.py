"""Whether this machine has a way to an address, asked of its kernel: no packet leaves."""

import errno
import socket

_NO_WAY = frozenset(
    {errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EMFILE}
)
"""No route, no interface, no address of our own in this family, no such family, no descriptor."""


def has_route(address: str) -> bool:
    """Whether a packet to `address` could leave this machine."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.connect((address, 1))
    except OSError as wrong:
        return wrong.errno not in _NO_WAY
    return True
