"""The poll function on the cluster, asked to run one monitor once."""

import uuid

import msgspec

from functions.clients.http import outbound_http
from functions.core.errors import Fault, InvalidConfiguration, SourceUnavailable
from functions.core.events import CHECK, Event, encode, sealed
from functions.core.monitor import MonitorSpec
from functions.core.ports import HttpClient, HttpRequest
from functions.core.reading import Reading

DEADLINE = 30.0
"""Seconds: a cold start and one look."""
_ANYWHERE = ("0.0.0.0/0", "::/0")


def open_poll(url: str, *, shared_keys: str) -> "PollFunction":
    """The poll function at the operator's address, with a client that is lent to nobody else."""
    return PollFunction(outbound_http(_ANYWHERE), url, shared_keys=shared_keys)


class PollFunction:
    def __init__(self, http: HttpClient, url: str, *, shared_keys: str) -> None:
        self._http = http
        self._url = url
        self._keys = shared_keys

    async def check(self, spec: MonitorSpec, document: bytes) -> Reading:
        """One look that stores nothing. Raises InvalidConfiguration when poll refuses the
        document, SourceUnavailable when it does not answer."""
        asked = Event(
            id=uuid.uuid4().hex,
            source="claude-monitor",
            type=CHECK,
            data=document,
            extensions={"tenant": spec.tenant},
        )
        headers, body = encode(sealed(asked, self._keys))
        answer = await self._http.fetch(
            HttpRequest(
                url=self._url,
                method="POST",
                headers=headers,
                body=body,
                redirects=0,
                deadline=DEADLINE,
            )
        )
        return _reading(answer.status, answer.body)


def _reading(status: int, body: bytes) -> Reading:
    if status == 400:
        fault = Fault("monitor", "is refused by the poll function; its log says why")
        raise InvalidConfiguration(fault, cause=body[:500].decode(errors="replace"))
    try:
        return msgspec.json.decode(body, type=Reading)
    except msgspec.MsgspecError as error:
        message = f"The poll function did not answer with a reading (status {status})."
        raise SourceUnavailable(message, cause=type(error).__name__) from error
