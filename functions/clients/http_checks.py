"""What providers that ask over HTTP share: their metrics, their secrets and their verdicts."""

import base64
import re
from collections.abc import Callable, Iterable

from functions.core.errors import AccessDenied
from functions.core.ports import HttpResponse
from functions.core.provider import Context, Metric, SecretSlot
from functions.core.reading import Reading
from functions.core.web import header_faults

HTTP_METRICS = (
    Metric("up", "1", "1 when the target answered as expected, else 0"),
    Metric("status", "1", "HTTP status of the last answer"),
    Metric("latency", "ms", "time of everything, redirects included"),
    Metric("dns", "ms", "time to look up the name"),
    Metric("connect", "ms", "time to connect"),
    Metric("first_byte", "ms", "time from the request to the first byte of the answer"),
    Metric("redirects", "1", "redirects followed"),
    Metric("size", "bytes", "size of the decoded page, at most 1 MiB"),
)
TLS_METRICS = (
    Metric("tls", "ms", "time of the TLS handshake"),
    Metric("certificate_days", "days", "days until the certificate expires"),
)
HTTP_SECRETS = (
    SecretSlot("basic", "User name and password for the address, written user:password."),
    SecretSlot("bearer", "A token, sent as Authorization: Bearer."),
    SecretSlot("header", "A whole secret header, written like X-Api-Key: value."),
)

_CHARSET = re.compile(r"""charset=["']?([A-Za-z0-9._-]+)""", re.IGNORECASE)


def measured(response: HttpResponse) -> dict[str, float]:
    """The metrics of an answer; those of TLS only where there was TLS."""
    metrics: dict[str, float] = {
        "status": response.status,
        "latency": response.total,
        "dns": response.dns,
        "connect": response.connect,
        "first_byte": response.first_byte,
        "redirects": response.redirects,
        "size": len(response.body),
    }
    if response.certificate_days is not None:
        metrics |= {"tls": response.tls, "certificate_days": response.certificate_days}
    return metrics


def secret_headers(context: Context, host: str) -> dict[str, str]:
    """The secrets of HTTP_SECRETS as headers for `host`. Raises AccessDenied when one is not meant
    for it, cannot be a header, or is the same header as another one."""
    headers: dict[str, str] = {}
    for slot, (written, header_of) in _HEADERS.items():
        if (secret := context.secret(slot, host)) is not None:
            header = header_of(secret)
            # What is wrong with it is not told: its faults would name a part of it.
            if header_faults(header):
                raise AccessDenied(f"the secret {slot} must be {written}; enter it again")
            if {name.lower() for name in header} & {name.lower() for name in headers}:
                raise AccessDenied("two secrets set the same header; use one of them")
            headers |= header
    return headers


def _whole(secret: str) -> dict[str, str]:
    name, _, value = secret.partition(":") if ":" in secret else ("", "", "")
    return {name.strip(): value.strip()}


def _bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def _basic(secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(secret.encode()).decode()}


_HEADERS: dict[str, tuple[str, Callable[[str], dict[str, str]]]] = {
    "header": ("one line, Name: value, of a header that is not ours to set", _whole),
    "bearer": ("one line without control characters", _bearer),
    "basic": ("at most 3000 characters", _basic),
}


def status_fits(status: int, ranges: Iterable[str]) -> bool:
    """Whether a status is one of `200` or lies in one of `200-299`."""
    for text in ranges:
        first, _, last = text.partition("-")
        if int(first) <= status <= int(last or first):
            return True
    return False


def judged(context: Context, metrics: dict[str, float], *, cause: str, started: float) -> Reading:
    """The reading of an answer: up, unless there is a cause why it does not count as that."""
    verdict = {"up": 0.0 if cause else 1.0}
    return context.reading(metrics | verdict, {"cause": cause} if cause else {}, started=started)


def page_has(response: HttpResponse, text: str) -> bool:
    """Whether the page has this text, in the character set that it names (UTF-8 otherwise)."""
    named = _CHARSET.search(response.headers.get("content-type", ""))
    return _encoded(text, named[1] if named else "utf-8") in response.body


def _encoded(text: str, charset: str) -> bytes:
    """A page may name a character set that does not exist, is no character set (`hex`), or lacks a
    letter; UTF-8 is as good a guess as any then."""
    try:
        return text.encode(charset)
    except (LookupError, UnicodeError):
        return text.encode()
