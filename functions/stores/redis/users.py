"""Users of Redis: who may touch which keys."""

from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

from functions.stores.redis.connection import answered, connected

PATIENCE = 5.0


async def let_in(url: str, name: str, *, password: str, rules: Sequence[str]) -> None:
    """Make the user with this password and these ACL rules and no others, or make it so again.
    Raises SourceUnavailable when Redis is away or does not let us."""
    redis = connected(url, patience=PATIENCE)
    try:
        wanted = ("ACL", "SETUSER", name, "reset", "on", f">{password}", *rules)
        await answered(redis.execute_command(*wanted))  # type: ignore[no-untyped-call]  # redis-py's own
    finally:
        await redis.aclose()


def as_user(url: str, name: str, *, password: str) -> str:
    """The same server and database for another user."""
    parts = urlsplit(url)
    server = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{server}"))
