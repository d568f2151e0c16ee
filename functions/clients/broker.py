"""Events to the broker."""

from functions.clients.event_sender import EventSender, open_sender
from functions.core.errors import SourceUnavailable, UnexpectedAnswer
from functions.core.events import Event, reading_event
from functions.core.ports import HttpResponse
from functions.core.reading import Reading

DEADLINE = 10.0
"""Seconds: an in-memory channel answers only after all subscribers, cold starts included."""
_NO_EVENT = (400, 413)
"""What a broker answers to something that is no event to it, or too large."""


def open_broker(url: str, *, shared_keys: str, deadline: float = DEADLINE) -> "Broker":
    """The broker at the operator's address, which has so many seconds for each event."""
    return Broker(open_sender(url, shared_keys=shared_keys, deadline=deadline))


class Broker:
    """Where events count only once they are accepted."""

    def __init__(self, sender: EventSender) -> None:
        self._sender = sender

    async def post(self, event: Event) -> None:
        """Returning means accepted. Raises SourceUnavailable when nobody has the event."""
        _check(await self._sender.send(event))

    async def repeat(self, event: Event) -> None:
        """As `post`, of an event with whatever signature it came with. Raises UnexpectedAnswer when
        the broker will never take it."""
        answer = await self._sender.repeat(event)
        if answer.status in _NO_EVENT:
            raise UnexpectedAnswer(f"is not taken by the Broker ({answer.status})")
        _check(answer)


class BrokerSink:
    """Implements ports.EventSink."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def emit(self, reading: Reading) -> None:
        await self._broker.post(reading_event(reading))


def _check(answer: HttpResponse) -> None:
    if not 200 <= answer.status < 300:
        raise SourceUnavailable(f"The broker did not accept the event ({answer.status}).")
