"""Users of Redis: who may touch which keys."""

from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from functions.stores.redis.connection import answered, connected

PATIENCE = 5.0


async def let_in(url: str, name: str, *, password: str, rules: Sequence[str]) -> None:
    """Make the user with this password and these ACL rules and no others, or make it so again; for
    good where the server has a file for its users. Raises SourceUnavailable when Redis is away or
    does not let us."""
    redis = connected(url, patience=PATIENCE)
    try:
        wanted = ("ACL", "SETUSER", name, "reset", "on", f">{password}", *rules)
        await answered(redis.execute_command(*wanted))  # type: ignore[no-untyped-call]  # redis-py's own
        await answered(_saved(redis))
    finally:
        await redis.aclose()


async def _saved(redis: Redis) -> None:
    try:
        await redis.execute_command("ACL", "SAVE")  # type: ignore[no-untyped-call]  # redis-py's own
    except ResponseError as error:
        if "trying to save" in str(error):
            raise  # others say that there is no such file, or that it is not ours to write


def as_user(url: str, name: str, *, password: str) -> str:
    """The same server and database for another user."""
    parts = urlsplit(url)
    server = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{server}"))
