"""A website or HTTP address: is it up, how fast, with what status and certificate."""

from typing import Annotated, Literal

from msgspec import Meta

from functions.clients.http_checks import (
    HTTP_METRICS,
    TLS_METRICS,
    judged,
    measured,
    page_has,
)
from functions.clients.http_provider import Body, HttpProvider, body_faults
from functions.core.errors import Fault
from functions.core.ports import HttpResponse
from functions.core.provider import Context, DefaultRule, Metric, Template
from functions.core.reading import Reading


class Website(HttpProvider, frozen=True, kw_only=True):
    """Asks a website or any HTTP address and reports whether it is up, its status, the time of each
    phase, the days its certificate is still valid, and whether a text is on the page."""

    method: Annotated[
        Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        Meta(title="Method", description="The HTTP method; HEAD asks for no page."),
    ] = "GET"
    body: Body = ""
    keyword_present: Annotated[
        str,
        Meta(
            title="Text that must be there",
            description="Up only if the first MiB of the page has exactly this text.",
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

    def problems(self) -> tuple[Fault, ...]:
        """Faults that msgspec's constraints cannot say."""
        found = [*super().problems(), *body_faults(self.method, self.body)]
        if self.method == "HEAD" and (self.keyword_present or self.keyword_absent):
            found.append(Fault("method", "HEAD asks for no page to look for a text in; use GET"))
        return tuple(found)

    async def poll(self, context: Context) -> Reading:
        """One request with its redirects. A target that fails is a good reading, `up = 0`."""
        started = context.clock.now()
        response = await self.ask(context, method=self.method, body=self.body, headers=self.headers)
        if isinstance(response, Reading):
            return response
        texts = self._texts_found(response)
        cause = self.status_cause(context, response) or self._cause(texts)
        return judged(context, measured(response) | texts, cause=cause, started=started)

    def _texts_found(self, response: HttpResponse) -> dict[str, float]:
        wanted = {"keyword": self.keyword_present, "forbidden": self.keyword_absent}
        return {name: float(page_has(response, text)) for name, text in wanted.items() if text}

    def _cause(self, texts: dict[str, float]) -> str:
        """Why a page does not count as up; nothing when it does."""
        if texts.get("keyword") == 0:
            return "the page lacks the text that must be there"
        if texts.get("forbidden") == 1:
            return "the page has the text that must not be there"
        return ""


PROVIDER = Website
