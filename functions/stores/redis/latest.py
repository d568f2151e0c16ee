"""The latest readings in Redis, for a cluster: what many ask often, without the readings' store."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar, cast

import msgspec

from functions.core.errors import MonitorError, SourceUnavailable
from functions.core.reading import Reading
from functions.stores.redis.connection import answered, connected, key

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds for one call: whoever asks has the readings' store as well."""
REST = 10.0
"""Seconds after a failure in which nothing is asked, so that a Redis that hangs holds nobody up."""
KEPT = 16
"""Slots remembered of each monitor."""
LIFE = 86_400
"""Seconds (and at least three intervals) after its last reading that a monitor is remembered."""

_READING = msgspec.json.Decoder(Reading)
_PUT = f"""
for i = 1, #KEYS, 2 do
  local order, slot, life, reading = unpack(ARGV, 2 * i - 1, 2 * i + 2)
  local known = redis.call('HGET', KEYS[i], 'order')
  if not known or tonumber(known) < tonumber(order) then
    redis.call('HSET', KEYS[i], 'order', order, 'reading', reading)
  end
  redis.call('ZADD', KEYS[i + 1], slot, slot)
  redis.call('ZREMRANGEBYRANK', KEYS[i + 1], 0, {-KEPT - 1})
  redis.call('EXPIRE', KEYS[i], life)
  redis.call('EXPIRE', KEYS[i + 1], life)
end
"""


class RedisLatest:
    """Implements ports.LatestReadings."""

    def __init__(self, url: str, *, patience: float = PATIENCE, rest: float = REST) -> None:
        self._redis = connected(url, patience=patience)
        self._put = self._redis.register_script(_PUT)
        self._rest = rest
        self._rests_until = 0.0

    async def close(self) -> None:
        await self._redis.aclose()

    async def put(self, readings: Sequence[Reading]) -> None:
        """Only forward: an older slot is remembered as one that has a reading, and no more."""
        if not readings:
            return
        keys = [one for reading in readings for one in _keys(reading.tenant, reading.monitor)]
        values = [value for reading in readings for value in _values(reading)]
        await self._asked(cast(Awaitable[None], self._put(keys=keys, args=values)))

    async def latest(self, tenant: str, monitors: Sequence[str]) -> dict[str, Reading]:
        """The newest reading of each monitor that is known here, in one call."""
        pipeline = self._redis.pipeline(transaction=False)
        for monitor in monitors:
            pipeline.hget(key("latest", tenant, monitor), "reading")
        found = await self._asked(pipeline.execute())
        readings = zip(monitors, map(_decoded, found), strict=True)
        return {name: reading for name, reading in readings if reading is not None}

    async def slots(
        self, monitors: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], frozenset[int]]:
        """By tenant and monitor the last slots that have a reading, in one call."""
        pipeline = self._redis.pipeline(transaction=False)
        for tenant, monitor in monitors:
            pipeline.zrange(key("slots", tenant, monitor), 0, -1)
        found = await self._asked(pipeline.execute())
        return {
            whose: frozenset(int(slot) for slot in slots)
            for whose, slots in zip(monitors, found, strict=True)
        }

    async def forget(self, tenant: str, monitor: str) -> None:
        await self._asked(self._redis.delete(*_keys(tenant, monitor)))

    async def _asked(self, asked: Awaitable[T]) -> T:
        now = asyncio.get_running_loop().time()
        if now < self._rests_until:
            _dropped(asked)
            message = f"Redis did not answer; it is asked again {self._rest:.0f} s after that."
            raise SourceUnavailable(message)
        try:
            return await answered(asked)
        except MonitorError:
            self._rests_until = now + self._rest
            raise


def _keys(tenant: str, monitor: str) -> tuple[bytes, bytes]:
    return key("latest", tenant, monitor), key("slots", tenant, monitor)


def _values(reading: Reading) -> tuple[int, int, int, bytes]:
    """A missed slot yields to the reading that comes after all, and to nothing else of its slot."""
    order = 2 * reading.slot + (not reading.missed)
    life = max(LIFE, 3 * reading.interval)
    return order, reading.slot, life, msgspec.json.encode(reading)


def _decoded(text: bytes | None) -> Reading | None:
    """What another version of ours wrote, in a shape that we cannot read, is not known here."""
    try:
        return None if text is None else _READING.decode(text)
    except msgspec.MsgspecError:
        return None


def _dropped(asked: Any) -> None:
    if asyncio.iscoroutine(asked):
        asked.close()
