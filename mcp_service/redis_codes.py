"""Codes in Redis, for a cluster: all of it is forgotten there by itself."""

import secrets
from collections.abc import Awaitable
from typing import cast

import msgspec

from functions.stores.redis.connection import answered, connected, key
from mcp_service.codes import HOUR
from mcp_service.database.records import CodeRecord

PATIENCE = 3.0
"""Seconds for one call."""

_ATTEMPT = """
local left = tonumber(redis.call('HGET', KEYS[1], 'tries') or 0)
if left < 1 then return false end
redis.call('HINCRBY', KEYS[1], 'tries', -1)
return redis.call('HMGET', KEYS[1], 'code', 'tries')
"""
_COUNT = """
local limit, over, at, name, life = unpack(ARGV)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', over)
local first = redis.call('ZRANGE', KEYS[1], -limit, -limit, 'WITHSCORES')
if first[2] then return first[2] end
redis.call('ZADD', KEYS[1], at, name)
redis.call('EXPIRE', KEYS[1], life)
return false
"""


class RedisCodes:
    """Implements codes.Codes: a hash of each code and its tries, and for each tenant a set of the
    channels that have one, and a set of the times at which mails were sent."""

    def __init__(self, url: str, *, patience: float = PATIENCE) -> None:
        self._redis = connected(url, patience=patience)
        self._attempt = self._redis.register_script(_ATTEMPT)
        self._count = self._redis.register_script(_COUNT)

    async def close(self) -> None:
        await self._redis.aclose()

    async def put(self, code: CodeRecord) -> None:
        mine, all_mine = key("code", code.tenant, code.channel), key("codes", code.tenant)
        steps = self._redis.pipeline(transaction=True)
        steps.hset(mine, "code", msgspec.json.encode(code))
        steps.hset(mine, "tries", str(code.tries_left))
        steps.expire(mine, HOUR)
        steps.zadd(all_mine, {code.channel: code.expires_at})
        steps.zremrangebyscore(all_mine, "-inf", code.expires_at - HOUR)
        steps.expire(all_mine, HOUR)
        await answered(steps.execute())

    async def of(self, tenant: str) -> list[CodeRecord]:
        asked = self._redis.zrange(key("codes", tenant), 0, -1)
        channels = await answered(cast(Awaitable[list[bytes]], asked))
        steps = self._redis.pipeline(transaction=False)
        for channel in channels:
            steps.hmget(key("code", tenant, channel.decode()), ["code", "tries"])
        found = await answered(steps.execute())
        return [_record(*parts) for parts in found if all(parts)]

    async def attempt(self, tenant: str, channel: str) -> CodeRecord | None:
        spent = self._attempt(keys=[key("code", tenant, channel)])
        found = await answered(cast(Awaitable[tuple[bytes, bytes] | None], spent))
        return _record(*found) if found else None

    async def drop(self, tenant: str, channel: str) -> None:
        steps = self._redis.pipeline(transaction=True)
        steps.delete(key("code", tenant, channel))
        steps.zrem(key("codes", tenant), channel)
        await answered(steps.execute())

    async def count_send(self, tenant: str, *, limit: int, at: float) -> float | None:
        sent = self._count(
            keys=[key("code_sends", tenant)],
            args=[limit, at - HOUR, at, secrets.token_hex(8), HOUR],
        )
        first = await answered(cast(Awaitable[bytes | None], sent))
        return None if first is None else float(first) + HOUR


def _record(code: bytes, tries: bytes) -> CodeRecord:
    record = msgspec.json.decode(code, type=CodeRecord)
    return msgspec.structs.replace(record, tries_left=int(tries))
