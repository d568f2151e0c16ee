"""The error family: each says what happened, what to do next, and whether trying again helps."""

from typing import ClassVar

import msgspec


class MonitorError(Exception):
    """A failure with two texts: `message` for the person (our own words, never text from outside)
    and `cause` for the log (secrets already blanked)."""

    kind: ClassVar[str] = "error"
    retry: ClassVar[bool] = False

    def __init__(self, message: str, *, cause: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause


class Fault(msgspec.Struct, frozen=True):
    """One wrong field: its path (`config.url`), what is wrong with it and what is accepted."""

    field: str
    problem: str


class InvalidConfiguration(MonitorError):
    """Fields are wrong; carries all faults at once."""

    kind = "invalid"

    def __init__(self, *faults: Fault, message: str = "", cause: str = "") -> None:
        listed = "; ".join(f"{fault.field}: {fault.problem}" for fault in faults)
        super().__init__(message or listed, cause=cause)
        self.faults = faults


class AccessDenied(MonitorError):
    """A secret is missing or no longer valid, or a document is not signed by us."""

    kind = "access"


class SourceUnavailable(MonitorError):
    """Time-out, refused, rate limit: the same call may succeed later. `retry_after` are the seconds
    that the other side asked for, or 0."""

    kind = "unavailable"
    retry = True

    def __init__(self, message: str, *, cause: str = "", retry_after: float = 0.0) -> None:
        super().__init__(message, cause=cause)
        self.retry_after = retry_after


class UnexpectedAnswer(MonitorError):
    """The source changed its shape."""

    kind = "unexpected"


class NotFound(MonitorError):
    """No such thing, or not yours: the two are the same to the caller."""

    kind = "not_found"


class LimitReached(MonitorError):
    """A quota or a rate; the message says which one and when it frees."""

    kind = "limit"
    retry = True
