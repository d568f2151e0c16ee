"""What poll lends to providers, from its settings."""

from functools import cached_property

from functions.clients.http import outbound_http
from functions.clock import SystemClock
from functions.core.ports import CursorStore
from functions.core.provider import Loan
from functions.core.seal import Opener
from functions.settings import Settings


def loan_of(settings: Settings, *, key: str) -> Loan:
    """`key` opens secrets. Cursors only where a Redis is set."""
    return Loan(
        clock=SystemClock(),
        http=outbound_http(settings.allow_private),
        opener=Opener("poll", key),
        cursors=LateRedis(settings.redis_url) if settings.redis_url else None,
    )


class LateRedis:
    """Implements ports.CursorStore. Redis is loaded at the first cursor, for most providers have
    none and its client takes as long to load as all else that a cold start waits for."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _store(self) -> CursorStore:
        from functions.stores.redis.cursors import RedisCursors  # noqa: PLC0415 - see above

        return RedisCursors(self._url)

    async def load(self, tenant: str, monitor: str) -> bytes | None:
        return await self._store.load(tenant, monitor)

    async def save(self, tenant: str, monitor: str, *, slot: int, cursor: bytes) -> bool:
        return await self._store.save(tenant, monitor, slot=slot, cursor=cursor)
