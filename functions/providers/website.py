"""A website or HTTP address: is it up, how fast, with what status and certificate."""

import re
from typing import Annotated, Literal

from msgspec import Meta, field

from functions.clients.http_checks import (
    HTTP_METRICS,
    HTTP_SECRETS,
    TLS_METRICS,
    measured,
    page_has,
    secret_headers,
    status_fits,
)
from functions.core.errors import Fault, InvalidConfiguration, SourceUnavailable
from functions.core.outbound import OwnNetworkDown
from functions.core.ports import HttpRequest, HttpResponse
from functions.core.provider import Context, DefaultRule, Metric, Provider, Template
from functions.core.reading import Reading
from functions.core.web import header_faults, parse_url

_SECRET_NAME = re.compile(r"auth|cookie|token|secret|passw|api-?key", re.IGNORECASE)

StatusRange = Annotated[
    str, Meta(pattern=r"^[1-5][0-9]{2}(-[1-5][0-9]{2})?$", examples=["200-299"])
]


class Website(Provider, frozen=True, kw_only=True):
    """Asks a website or any HTTP address and reports whether it is up, its status, the time of each
    phase, the days its certificate is still valid, and whether a text is on the page."""

    url: Annotated[
        str,
        Meta(
            title="Address",
            description="The page to ask, with http:// or https://; without user name or password.",
            min_length=8,
            max_length=2048,
            examples=["https://shop.example/checkout"],
        ),
    ]
    method: Annotated[
        Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        Meta(title="Method", description="The HTTP method; HEAD asks for no page."),
    ] = "GET"
    headers: Annotated[
        dict[str, str],
        Meta(title="Headers", description="Request headers that are not secret.", max_length=20),
    ] = field(default_factory=dict)
    body: Annotated[
        str, Meta(title="Body", description="What is sent with the request.", max_length=16_384)
    ] = ""
    expected_status: Annotated[
        tuple[StatusRange, ...],
        Meta(
            title="Expected status",
            description="Status codes or ranges that count as up.",
            min_length=1,
            max_length=10,
        ),
    ] = ("200-399",)
    keyword_present: Annotated[
        str,
        Meta(
            title="Text that must be there",
            description="Up only if the first MiB of the page has this text, case by case.",
            max_length=200,
        ),
    ] = ""
    keyword_absent: Annotated[
        str,
        Meta(
            title="Text that must not be there",
            description="Up only if the first MiB of the page does not have this text.",
            max_length=200,
        ),
    ] = ""
    redirects: Annotated[
        int,
        Meta(title="Redirects", description="How many redirects to follow at most.", ge=0, le=5),
    ] = 3
    timeout: Annotated[
        float,
        Meta(
            title="Timeout",
            description="Seconds for everything, redirects included, after which it is down.",
            ge=1,
            le=30,
        ),
    ] = 10.0

    keywords = (
        *("website", "site", "page", "url", "http", "https", "web", "shop", "webshop", "homepage"),
        *("uptime", "down", "online", "offline", "reachable", "slow", "latency", "status", "tls"),
        *("certificate", "ssl", "redirect", "checkout", "blog", "endpoint", "server"),
    )
    examples = (
        "watch my shop, tell me when checkout gets slow",
        "is https://example.com down?",
        "tell me when my website is offline",
        "warn me two weeks before the certificate of my site expires",
        "alert me if the page no longer says Add to cart",
    )
    secrets = HTTP_SECRETS
    default_rules = (
        DefaultRule("down", "up is 0 for 3 readings, critical", "Three tries in a row failed."),
    )
    templates = (
        Template(
            name="shop checkout slow",
            use="A checkout that still works but makes people wait.",
            config={"url": "https://shop.example/checkout"},
            rules=("up is 0 for 3 readings, critical", "latency p95 over 10m above 800, warning"),
        ),
        Template(
            name="certificate runs out",
            use="Two weeks' notice before a certificate expires.",
            config={"url": "https://shop.example/", "method": "HEAD"},
            rules=("certificate_days below 14, warning",),
        ),
    )

    def metrics(self) -> tuple[Metric, ...]:
        """What is absent from a reading was not measured, such as the times of a refused try."""
        named: tuple[Metric, ...] = (*HTTP_METRICS, *TLS_METRICS)
        if self.keyword_present:
            named += (Metric("keyword", "1", "1 when the text that must be there was found"),)
        if self.keyword_absent:
            named += (Metric("forbidden", "1", "1 when the text that must not be was found"),)
        return named

    def hosts(self, slot: str) -> tuple[str, ...]:
        """Every secret goes to the URL's own host and to no redirect elsewhere."""
        return (parse_url(self.url).host,)

    def problems(self) -> tuple[Fault, ...]:
        """Faults that msgspec's constraints cannot say."""
        found = list(header_faults(self.headers))
        for name in filter(_SECRET_NAME.search, self.headers):
            problem = "looks like a secret; store it as the secret basic, bearer or header instead"
            found.append(Fault(f"headers.{name}", problem))
        if self.body and self.method in ("GET", "HEAD"):
            found.append(Fault("body", f"cannot be sent with {self.method}; set method to POST"))
        if self.method == "HEAD" and (self.keyword_present or self.keyword_absent):
            found.append(Fault("method", "HEAD asks for no page to look for a text in; use GET"))
        try:
            parse_url(self.url)
        except InvalidConfiguration as wrong:
            found += wrong.faults
        return tuple(found)

    async def poll(self, context: Context) -> Reading:
        """One request with its redirects. A target that fails is a good reading, `up = 0`."""
        started = context.clock.now()
        try:
            response = await context.http.fetch(self._request(context))
        except OwnNetworkDown:
            raise
        except SourceUnavailable as failed:
            return context.reading({"up": 0.0}, {"cause": failed.message}, started=started)
        texts = self._texts_found(response)
        cause = self._cause(response, texts)
        metrics = measured(response) | texts | {"up": 0.0 if cause else 1.0}
        return context.reading(metrics, {"cause": cause} if cause else {}, started=started)

    def _request(self, context: Context) -> HttpRequest:
        return HttpRequest(
            url=self.url,
            method=self.method,
            headers=self.headers | secret_headers(context, parse_url(self.url).host),
            body=self.body.encode(),
            redirects=self.redirects,
            deadline=min(self.timeout, context.deadline),
        )

    def _texts_found(self, response: HttpResponse) -> dict[str, float]:
        wanted = {"keyword": self.keyword_present, "forbidden": self.keyword_absent}
        return {name: float(page_has(response, text)) for name, text in wanted.items() if text}

    def _cause(self, response: HttpResponse, texts: dict[str, float]) -> str:
        """Why an answer does not count as up; nothing when it does."""
        if not status_fits(response.status, self.expected_status):
            return f"status {response.status}, expected {', '.join(self.expected_status)}"
        if texts.get("keyword") == 0:
            return "the page lacks the text that must be there"
        if texts.get("forbidden") == 1:
            return "the page has the text that must not be there"
        return ""


PROVIDER = Website
