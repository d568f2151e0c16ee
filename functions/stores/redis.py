"""Providers' cursors in Redis, for functions on a cluster."""

from collections.abc import Awaitable
from typing import TypeVar, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from functions.core.errors import LimitReached, SourceUnavailable

T = TypeVar("T")

CURSOR_LIMIT = 64 * 1024
PATIENCE = 3.0
"""Seconds for one call."""
LIFE = 30 * 86_400
"""Seconds after its last poll that a monitor's cursor is kept; nobody says that one was removed."""
ACL = (
    *("resetkeys", "~cursor:*", "resetchannels", "nocommands"),
    *("+select", "+hget", "+hset", "+expire", "+eval", "+evalsha", "+script|load"),
)
"""What ACL SETUSER is told of the user that functions log in as: cursors, and nothing else."""

_SAVE = """
local known = redis.call('HGET', KEYS[1], 'slot')
if known and tonumber(known) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'slot', ARGV[1], 'cursor', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""


class RedisCursors:
    """Implements ports.CursorStore."""

    def __init__(self, url: str, *, patience: float = PATIENCE) -> None:
        self._redis = Redis.from_url(url, socket_timeout=patience, socket_connect_timeout=patience)
        self._save = self._redis.register_script(_SAVE)

    async def close(self) -> None:
        await self._redis.aclose()

    async def load(self, tenant: str, monitor: str) -> bytes | None:
        """What the last accepted poll left, or None."""
        asked = self._redis.hget(_key(tenant, monitor), "cursor")
        return await _answered(cast(Awaitable[bytes | None], asked))

    async def save(self, tenant: str, monitor: str, *, slot: int, cursor: bytes) -> bool:
        """Keep it unless one of the same or a later slot is there; says whether it was kept.

        Raises LimitReached beyond 64 KiB."""
        if len(cursor) > CURSOR_LIMIT:
            raise LimitReached(f"A cursor may have {CURSOR_LIMIT // 1024} KiB at most.")
        saved = self._save(keys=[_key(tenant, monitor)], args=[slot, cursor, LIFE])
        return bool(await _answered(cast(Awaitable[int], saved)))


def _key(tenant: str, monitor: str) -> bytes:
    # JSON, so that no tenant and monitor together read like those of somebody else.
    return b"cursor:" + msgspec.json.encode((tenant, monitor))


async def _answered(asked: Awaitable[T]) -> T:
    try:
        return await asked
    except (AuthenticationError, NoPermissionError) as error:
        message = "Redis refuses our user; check name and password in its address, and its ACL."
        raise SourceUnavailable(message, cause=type(error).__name__) from error
    except (RedisError, OSError) as error:
        message = "Redis cannot be used: it does not answer; see that it runs."
        raise SourceUnavailable(message, cause=type(error).__name__) from error
