"""What a provider remembers from one poll to the next: its cursor."""

from functions.core.errors import LimitReached, SourceUnavailable
from functions.core.monitor import MonitorSpec
from functions.core.ports import CursorStore

CURSOR_LIMIT = 64 * 1024


def check_cursor(cursor: bytes) -> None:
    """Raises LimitReached beyond 64 KiB."""
    if len(cursor) > CURSOR_LIMIT:
        raise LimitReached(f"A cursor may have {CURSOR_LIMIT // 1024} KiB at most.")


class Memory:
    """The cursor of one monitor during one poll. What `keep` was given is saved by the runtime,
    once the reading was accepted: a lost reading is read again."""

    def __init__(
        self, store: CursorStore | None = None, spec: MonitorSpec | None = None, *, slot: int = 0
    ) -> None:
        self._store = store
        self._whose = (spec.tenant, spec.id) if spec else ("", "")
        self._slot = slot
        self._kept: bytes | None = None

    async def cursor(self) -> bytes | None:
        """What the last accepted poll kept; None is a new beginning, which the provider says and
        from which it reports nothing as new. Raises SourceUnavailable."""
        if self._store is None:
            raise SourceUnavailable(
                "This kind of monitor has to remember what it has seen, and there is no place for "
                "that: the operator sets CLAUDE_MONITOR_REDIS_URL and runs the set-up Job again."
            )
        return await self._store.load(*self._whose)

    def keep(self, cursor: bytes) -> None:
        """At most 64 KiB."""
        self._kept = cursor

    async def save(self) -> None:
        """For the runtime. Raises SourceUnavailable, and LimitReached for a cursor too large."""
        if self._store is not None and self._kept is not None:
            await self._store.save(*self._whose, slot=self._slot, cursor=self._kept)
