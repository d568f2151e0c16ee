"""What every provider that asks over HTTP is asked itself, and how it asks: one way for all."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated

from msgspec import Meta, field

from functions.clients.http_checks import HTTP_SECRETS, secret_headers, status_fits
from functions.core.errors import Fault, InvalidConfiguration, SourceUnavailable
from functions.core.outbound import OwnNetworkDown
from functions.core.ports import HttpRequest, HttpResponse
from functions.core.provider import Context, Provider
from functions.core.reading import Reading
from functions.core.web import header_faults, parse_url

_SECRET_NAME = re.compile(r"auth(?!or(?!i[sz]))|cookie|token|secret|passw|api-?key", re.IGNORECASE)
_REFUSALS = (401, 403)
LEFT_BEHIND = (
    "secrets do not follow a redirect to another host, port or scheme; use the address it leads to"
)

StatusRange = Annotated[
    str,
    Meta(
        pattern=r"^[1-5][0-9]{2}(-[1-5][0-9]{2})?$(?!\n)",
        examples=["200", "200-299"],
        extra_json_schema={"words": "a status or a range as text,"},
    ),
]
Body = Annotated[
    str, Meta(title="Body", description="What is sent with the request.", max_length=16_384)
]


class HttpProvider(Provider, frozen=True, kw_only=True):
    """Base of the providers that ask one address; what they send and how they judge the answer is
    their own."""

    url: Annotated[
        str,
        Meta(
            title="Address",
            description="What to ask, with http:// or https://; without user name or password.",
            min_length=8,
            max_length=2048,
            examples=["https://shop.example/checkout"],
        ),
    ]
    headers: Annotated[
        dict[str, str],
        Meta(title="Headers", description="Request headers that are not secret.", max_length=20),
    ] = field(default_factory=dict)
    expected_status: Annotated[
        tuple[StatusRange, ...],
        Meta(
            title="Expected status",
            description="Status codes or ranges that count as up.",
            min_length=1,
            max_length=10,
        ),
    ] = ("200-399",)
    redirects: Annotated[
        int,
        Meta(title="Redirects", description="How many redirects to follow at most.", ge=0, le=5),
    ] = 3
    timeout: Annotated[
        float,
        Meta(
            title="Timeout",
            description="Seconds for everything, redirects included, after which it is down. A "
            "poll ends with its interval, and after what the operator allows it: 10 by default.",
            ge=1,
            le=30,
        ),
    ] = 10.0

    secrets = HTTP_SECRETS

    def hosts(self, slot: str) -> tuple[str, ...]:
        """Every secret goes to the URL's own host and to no redirect elsewhere."""
        return (parse_url(self.url).host,)

    def problems(self) -> tuple[Fault, ...]:
        """What cannot be sent, or should not be written here."""
        found = list(header_faults(self.headers))
        for name in filter(_SECRET_NAME.search, self.headers):
            problem = "looks like a secret; store it as the secret basic, bearer or header instead"
            found.append(Fault(f"headers.{name}", problem))
        found += _range_faults(self.expected_status)
        try:
            parse_url(self.url)
        except InvalidConfiguration as wrong:
            found += wrong.faults
        return tuple(found)

    async def ask(
        self, context: Context, *, method: str, body: str, headers: Mapping[str, str]
    ) -> HttpResponse | Reading:
        """The answer, redirects followed; or the reading of a target that gave none, `up = 0`."""
        started = context.clock.now()
        request = HttpRequest(
            url=self.url,
            method=method,
            headers={**headers, **secret_headers(context, parse_url(self.url).host)},
            body=body.encode(),
            redirects=self.redirects,
            deadline=min(self.timeout, context.deadline),
        )
        try:
            return await context.http.fetch(request)
        except OwnNetworkDown:
            raise
        except SourceUnavailable as failed:
            return context.reading({"up": 0.0}, {"cause": failed.message}, started=started)

    def status_cause(self, context: Context, response: HttpResponse) -> str:
        """Why this status does not count as up; nothing when it does."""
        if status_fits(response.status, self.expected_status):
            return ""
        cause = f"status {response.status}, expected {', '.join(self.expected_status)}"
        return f"{cause}; {LEFT_BEHIND}" if self.left_behind(context, response) else cause

    def left_behind(self, context: Context, response: HttpResponse) -> bool:
        """Whether somebody to whom a redirect led was not sent the secrets, and lets nobody in."""
        elsewhere = parse_url(response.url).origin != parse_url(self.url).origin
        return elsewhere and response.status in _REFUSALS and bool(context.spec.secrets)


def body_faults(method: str, body: str) -> Iterator[Fault]:
    """A body that this method cannot send."""
    if body and method in ("GET", "HEAD"):
        yield Fault("body", f"cannot be sent with {method}; set method to POST")


def _range_faults(ranges: Iterable[str]) -> Iterator[Fault]:
    """Ranges of status that nothing lies in."""
    for place, text in enumerate(ranges):
        first, _, last = text.partition("-")
        if last and first > last:
            problem = f"has no status in it; write the lower one first: {last}-{first}"
            yield Fault(f"expected_status[{place}]", problem)
