"""Events to the broker. Its address is the operator's, so the public-address rule is lifted."""

from functions.core.errors import SourceUnavailable
from functions.core.events import Event, encode, reading_event, sealed
from functions.core.ports import HttpClient, HttpRequest
from functions.core.reading import Reading

DEADLINE = 10.0
"""Seconds: an in-memory channel answers only after all subscribers, cold starts included."""
_ANYWHERE = ("0.0.0.0/0", "::/0")


def open_broker(url: str, *, shared_keys: str) -> "Broker":
    """The broker at the operator's address, with a client that is lent to nobody else."""
    from functions.clients.http import outbound_http  # noqa: PLC0415 - most events post nothing

    return Broker(outbound_http(_ANYWHERE), url, shared_keys=shared_keys)


class Broker:
    """Posts events, sealed with the functions' shared key."""

    def __init__(self, http: HttpClient, url: str, *, shared_keys: str) -> None:
        self._http = http
        self._url = url
        self._keys = shared_keys

    async def post(self, event: Event) -> None:
        """Returning means accepted. Raises SourceUnavailable when nobody has the event."""
        await self.repeat(sealed(event, self._keys))

    async def repeat(self, event: Event) -> None:
        """As `post`, of an event with whatever signature it came with."""
        headers, body = encode(event)
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
        if not 200 <= answer.status < 300:
            raise SourceUnavailable(f"The broker did not accept the event ({answer.status}).")


class BrokerSink:
    """Implements ports.EventSink."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def emit(self, reading: Reading) -> None:
        await self._broker.post(reading_event(reading))
