"""The poll function on the cluster, asked to run one monitor once."""

import uuid

import msgspec

from functions.clients.event_sender import EventSender, open_sender
from functions.core.errors import Fault, InvalidConfiguration, SourceUnavailable
from functions.core.events import CHECK, Event
from functions.core.monitor import MonitorSpec
from functions.core.reading import Reading

DEADLINE = 30.0
"""Seconds: a cold start and one look."""


def open_poll(url: str, *, shared_keys: str) -> "PollFunction":
    """The poll function at the operator's address."""
    return PollFunction(open_sender(url, shared_keys=shared_keys, deadline=DEADLINE))


class PollFunction:
    def __init__(self, sender: EventSender) -> None:
        self._sender = sender

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
        answer = await self._sender.send(asked)
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
