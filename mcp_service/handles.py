"""Opaque handles (cursors, confirmations) that only the tenant they were made for can use."""

import base64
import hashlib
import hmac
from typing import Any

import msgspec

from functions.core.errors import Fault, InvalidConfiguration

LIFE = 600
"""Seconds for which a handle is good: a page is turned, or a deletion confirmed, right away."""


def make(pepper: bytes, purpose: str, *, tenant: str, content: Any, now: float) -> str:
    """A handle that carries `content`, signed together with its purpose and tenant."""
    body = msgspec.json.encode([int(now) + LIFE, content])
    return _text(body) + "." + _text(_mac(pepper, purpose, tenant=tenant, body=body))


def read(pepper: bytes, purpose: str, *, tenant: str, handle: str, now: float) -> Any:
    """The content. Raises InvalidConfiguration for one that is forged, foreign or too old."""
    body, _, mac = handle.partition(".")
    try:
        content, signed = _bytes(body), _bytes(mac)
    except ValueError:
        raise refused(purpose) from None
    if not hmac.compare_digest(signed, _mac(pepper, purpose, tenant=tenant, body=content)):
        raise refused(purpose)
    expires, inner = msgspec.json.decode(content)
    if now > expires:
        raise refused(purpose)
    return inner


def _mac(pepper: bytes, purpose: str, *, tenant: str, body: bytes) -> bytes:
    signed = b"\0".join((purpose.encode(), tenant.encode(), body))
    return hmac.digest(pepper, signed, hashlib.sha256)[:16]


def refused(purpose: str) -> InvalidConfiguration:
    """The error of a handle that does not fit; the first word of its purpose is the argument."""
    field = purpose.partition(" ")[0]
    problem = "is not valid here or is older than 10 minutes; repeat the call without it"
    return InvalidConfiguration(Fault(field, problem))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    padded = text.encode("ascii", "replace") + b"=" * (-len(text) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True)
