"""What all that is kept in Redis has in common: the client, how keys read, and what errors mean."""

from collections.abc import Awaitable
from typing import TypeVar

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.maint_notifications import MaintNotificationsConfig

from functions.core.errors import SourceUnavailable

T = TypeVar("T")


def connected(url: str, *, patience: float) -> Redis:
    """`patience` is the seconds of one call. Nothing is asked of the server yet."""
    return Redis.from_url(
        url,
        socket_timeout=patience,
        socket_connect_timeout=patience,
        # A server that takes no writes any more was replaced: look for the one of its name now.
        # Nothing else is tried again, for it may have been done.
        retry=Retry(NoBackoff(), 1, supported_errors=(ReadOnlyError,)),
        # With these on, a connection that the server closed meanwhile costs the next call.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )


def key(kind: str, *names: str) -> bytes:
    """`names` say whose it is, the tenant first."""
    # JSON, so that no names together read like those of somebody else.
    return kind.encode() + b":" + msgspec.json.encode(names)


async def answered(asked: Awaitable[T]) -> T:
    """Raises SourceUnavailable in our own words; no address and no password is in them."""
    try:
        return await asked
    except (AuthenticationError, NoPermissionError) as error:
        message = "Redis refuses our user; check name and password in its address, and its ACL."
        raise SourceUnavailable(message, cause=type(error).__name__) from error
    except ResponseError as error:
        message = "Redis did not take a command: it may be full, read-only, or older than 6."
        # Only the first word: the others may repeat what we sent.
        raise SourceUnavailable(message, cause=str(error).partition(" ")[0]) from error
    except (RedisError, OSError) as error:
        message = "Redis cannot be used: it does not answer; see that it runs, then try again."
        raise SourceUnavailable(message, cause=type(error).__name__) from error
