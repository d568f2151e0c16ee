"""Events posted to one address of the operator's own, so the public-address rule is lifted."""

from functions.core.events import Event, encode, sealed
from functions.core.ports import HttpClient, HttpRequest, HttpResponse

_ANYWHERE = ("0.0.0.0/0", "::/0")


def open_sender(url: str, *, shared_keys: str, deadline: float) -> "EventSender":
    """To the operator's address, with a client that is lent to nobody else."""
    from functions.clients.http import outbound_http  # noqa: PLC0415 - most events post nothing

    return EventSender(outbound_http(_ANYWHERE), url, shared_keys=shared_keys, deadline=deadline)


class EventSender:
    """Seals events with the functions' shared key; `deadline` is seconds until the answer."""

    def __init__(self, http: HttpClient, url: str, *, shared_keys: str, deadline: float) -> None:
        self._http = http
        self._url = url
        self._keys = shared_keys
        self._deadline = deadline

    async def send(self, event: Event) -> HttpResponse:
        """The answer, whatever its status. Raises SourceUnavailable when there is none."""
        return await self.repeat(sealed(event, self._keys))

    async def repeat(self, event: Event) -> HttpResponse:
        """As `send`, of an event with whatever signature it came with."""
        headers, body = encode(event)
        return await self._http.fetch(
            HttpRequest(
                url=self._url,
                method="POST",
                headers=headers,
                body=body,
                redirects=0,
                deadline=self._deadline,
            )
        )
