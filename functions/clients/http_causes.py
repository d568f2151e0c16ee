"""Why a transfer failed, in our own words: curl's texts carry what the other side sent."""

import errno
from collections.abc import Callable, Iterable

from functions.clients.route import has_route
from functions.core.errors import SourceUnavailable
from functions.core.outbound import OwnNetworkDown

# Numbers of libcurl's CURLcode, which never change.
REFUSED, STOPPED, TLS_HANDSHAKE, UNTRUSTED, NO_AUTHORITIES = 7, 23, 35, 60, 77

_CURL = {
    1: "the answer is not HTTP",
    8: "the answer is not HTTP",
    16: "the answer breaks the HTTP protocol",
    18: "the answer broke off",
    28: "timed out",
    52: "the connection was closed without an answer",
    55: "the connection was reset",
    56: "the connection was reset",
    61: "the compressed answer is broken",
    92: "the answer breaks the HTTP protocol",
    100: "the answer's headers are too long",
}

_CONNECT = {
    errno.ECONNREFUSED: "the connection was refused",
    errno.ECONNRESET: "the connection was reset",
    errno.ETIMEDOUT: "the connection timed out",
    errno.EHOSTUNREACH: "the host cannot be reached",
}

_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
"""There is none from here, or a router on the way knows no further."""
_NONE_FREE = frozenset({errno.EADDRNOTAVAIL, errno.EMFILE})
"""Where there is a route, what lacks is a port or a descriptor."""

_OTHER_NAME = "TLS: the certificate is for another name"
_VERIFY = {
    0: _OTHER_NAME,
    1: _OTHER_NAME,
    9: "TLS: the certificate is not valid yet",
    10: "TLS: the certificate has expired",
    18: "TLS: the certificate is self-signed",
    19: "TLS: the certificate's issuer is not trusted",
    20: "TLS: the certificate's issuer is not trusted",
    21: "TLS: the certificate's issuer is not trusted",
    23: "TLS: the certificate was revoked",
    62: _OTHER_NAME,
}
"""OpenSSL's X509_V_ERR numbers. curl compares names itself, when OpenSSL found nothing wrong (0) or
was not asked (1)."""


def failure(
    code: int,
    *,
    os_error: int,
    verify: int,
    addresses: Iterable[str],
    routed: Callable[[str], bool] = has_route,
) -> SourceUnavailable:
    """The error for a transfer that ended with curl's `code`, the operating system's error at the
    last of the addresses that was tried, and OpenSSL's verification result."""
    cause = f"curl {code}, os {os_error}, verify {verify}"
    if code == REFUSED and _is_ours(os_error, map(routed, addresses)):
        return OwnNetworkDown("our own network cannot reach it", cause=cause)
    if code == NO_AUTHORITIES:
        return OwnNetworkDown("our own certificate authorities cannot be read", cause=cause)
    return SourceUnavailable(_words(code, os_error=os_error, verify=verify), cause=cause)


def _is_ours(os_error: int, routes: Iterable[bool]) -> bool:
    """Whether none of the addresses could have been reached from here. One without a route says
    nothing about the others, as IPv6 where a machine has none."""
    if os_error not in _NO_ROUTE | _NONE_FREE:
        return False
    found = set(routes)
    return True not in found or (os_error in _NONE_FREE and False not in found)


def _words(code: int, *, os_error: int, verify: int) -> str:
    if code == UNTRUSTED:
        return _VERIFY.get(verify, "TLS: the certificate is not valid")
    if code == TLS_HANDSHAKE:
        return "TLS: the handshake failed"
    if code == REFUSED:
        return _CONNECT.get(os_error, "no connection could be made")
    return _CURL.get(code, "the exchange failed")
