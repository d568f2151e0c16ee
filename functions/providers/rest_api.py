"""A REST API: is it up, and the numbers that its JSON answer has, each found by a JSON path."""

from typing import Annotated, Literal

from msgspec import Meta, field

from functions.clients.http_checks import (
    HTTP_METRICS,
    TLS_METRICS,
    judged,
    measured,
)
from functions.clients.http_provider import LEFT_BEHIND, Body, HttpProvider, body_faults
from functions.clients.json_values import (
    Units,
    Values,
    decoded,
    numbers,
    value_faults,
    value_metrics,
)
from functions.core.errors import AccessDenied, Fault, SourceUnavailable, UnexpectedAnswer
from functions.core.ports import HttpResponse
from functions.core.provider import Context, DefaultRule, Metric, Template
from functions.core.reading import Reading

_OWN_METRICS = (*HTTP_METRICS, *TLS_METRICS)
_TAKEN = frozenset(metric.name for metric in _OWN_METRICS)
_UNAUTHORIZED = 401


class RestApi(HttpProvider, frozen=True, kw_only=True):
    """Asks a REST API for JSON and reports whether it is up, how fast it answers, and any numbers
    of the answer by names of your own.

    Refused, too late, another status than expected, or no JSON at all: the API is down, `up = 0`.
    JSON that lacks one of the values, or has no number there: its shape has changed, so the monitor
    is blind and says which value; `up` would hide it and a left-out value would look well. A secret
    that the API no longer takes (401) and an answer too large or deep to be read blind it, too."""

    values: Values
    units: Units = field(default_factory=dict)
    method: Annotated[
        Literal["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        Meta(title="Method", description="The HTTP method; one that changes nothing at the API."),
    ] = "GET"
    body: Annotated[
        Body, Meta(description="What is sent with the request; JSON unless a header says else.")
    ] = ""

    any_number = True
    keywords = ("api", "rest", "json", "jsonpath", "endpoint", "backend", "microservice")
    examples = (
        "watch the JSON of my API",
        "is the REST API of my backend healthy?",
        "notify me about failed jobs in the JSON of my API",
        "check queue.waiting of https://api.example/stats",
    )
    default_rules = (
        DefaultRule("down", "up is 0 for 3 readings, critical", "Three tries in a row failed."),
    )
    templates = (
        Template(
            name="health endpoint",
            use="A health address that answers with its own verdict.",
            config={"url": "https://api.example/health", "values": {"healthy": "$.healthy"}},
            rules=("up is 0 for 3 readings, critical", "healthy is 0 for 3 readings, critical"),
        ),
        Template(
            name="queue fills up",
            use="Work that waits longer, or fails more often, than it should.",
            config={
                "url": "https://api.example/queue",
                "values": {
                    "waiting": "$.queue.waiting",
                    "oldest": "$.queue.oldest_seconds",
                    "failed": 'count($.jobs[?@.state == "failed"])',
                },
                "units": {"oldest": "s"},
            },
            rules=("waiting above 100 for 3 readings, warning", "failed above 0, warning"),
        ),
    )

    def metrics(self) -> tuple[Metric, ...]:
        """The values are there whenever the API is up."""
        return (*_OWN_METRICS, *value_metrics(self.values, self.units))

    def problems(self) -> tuple[Fault, ...]:
        """Faults that msgspec's constraints cannot say."""
        found = [*super().problems(), *body_faults(self.method, self.body)]
        return (*found, *value_faults(self.values, self.units, taken=_TAKEN))

    async def poll(self, context: Context) -> Reading:
        """One request with its redirects. Raises UnexpectedAnswer or AccessDenied when the API is
        there but its values cannot be seen."""
        started = context.clock.now()
        response = await self.ask(
            context, method=self.method, body=self.body, headers=self._headers()
        )
        if isinstance(response, Reading):
            return response
        values: dict[str, float] = {}
        cause = self._cause(context, response)
        if not cause:
            try:
                values = await context.in_thread(lambda: self._values(response))
            except SourceUnavailable as broken:
                cause = broken.message
        return judged(context, measured(response) | values, cause=cause, started=started)

    def _headers(self) -> dict[str, str]:
        """Many APIs answer a browser with a page, and take a body without a type for a form."""
        given = {name.lower() for name in self.headers}
        ours = {"Accept": "application/json"}
        if self.body:
            ours["Content-Type"] = "application/json"
        return {n: v for n, v in ours.items() if n.lower() not in given} | self.headers

    def _cause(self, context: Context, response: HttpResponse) -> str:
        """Why this status does not count as up; nothing when it does."""
        cause = self.status_cause(context, response)
        if cause and response.status == _UNAUTHORIZED and context.spec.secrets:
            if self.left_behind(context, response):
                raise AccessDenied(f"the API wants a secret (status 401), but {LEFT_BEHIND}")
            raise AccessDenied("the API does not take the secret (status 401); enter it again")
        return cause

    def _values(self, response: HttpResponse) -> dict[str, float]:
        if response.truncated:
            problem = "the answer is longer than 1 MiB; ask for less, such as with a page size"
            raise UnexpectedAnswer(problem)
        return numbers(decoded(response.body), self.values)


PROVIDER = RestApi
