"""Providers' cursors in Redis, for functions on a cluster."""

from collections.abc import Awaitable
from typing import cast

from functions.core.memory import check_cursor
from functions.stores.redis.connection import answered, connected, key

KIND = "cursor"
PATIENCE = 3.0
"""Seconds for one call."""
LIFE = 30 * 86_400
"""Seconds after its last use that a monitor's cursor is kept; nobody says that one was removed."""
ACL = (
    *("resetkeys", f"~{KIND}:*", "resetchannels", "nocommands"),
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
        self._redis = connected(url, patience=patience)
        self._save = self._redis.register_script(_SAVE)

    async def close(self) -> None:
        await self._redis.aclose()

    async def load(self, tenant: str, monitor: str) -> bytes | None:
        """What the last accepted poll left, or None."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hget(whose := key(KIND, tenant, monitor), "cursor")
        pipeline.expire(whose, LIFE)
        cursor, _ = await answered(pipeline.execute())
        return cast(bytes | None, cursor)

    async def save(self, tenant: str, monitor: str, *, slot: int, cursor: bytes) -> bool:
        """Keep it unless one of the same or a later slot is there; says whether it was kept.

        Raises LimitReached beyond 64 KiB."""
        check_cursor(cursor)
        saved = self._save(keys=[key(KIND, tenant, monitor)], args=[slot, cursor, LIFE])
        return bool(await answered(cast(Awaitable[int], saved)))
