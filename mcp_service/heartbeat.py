"""Our own sign of life to an address outside, so that someone else notices when we are gone."""

from collections.abc import Callable

from functions.core.errors import SourceUnavailable
from functions.core.ports import HttpClient, HttpRequest

EVERY = 60.0
DEADLINE = 10.0


class Heartbeat:
    """Silent while anything is wrong: `problems` lists what, nothing when the scheduler ticks and
    readings are accepted."""

    def __init__(self, http: HttpClient, url: str, *, problems: Callable[[], list[str]]) -> None:
        self._http = http
        self._url = url
        self._problems = problems

    async def step(self) -> None:
        """One beat. Raises SourceUnavailable when the address does not take it."""
        if problems := self._problems():
            raise SourceUnavailable("No sign of life was sent: " + "; ".join(problems))
        answer = await self._http.fetch(HttpRequest(url=self._url, deadline=DEADLINE))
        if answer.status >= 400:
            raise SourceUnavailable(f"The heartbeat address answered {answer.status}.")
