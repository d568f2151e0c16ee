"""Refusals of use cases: what is wrong in constant words, near misses only of the caller's own."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from functions.core.errors import Fault, InvalidConfiguration, NotFound

SHOWN = 10
"""Names in one sentence."""


class Unknown(NotFound):
    """No such thing, or not yours. `near` are names of the caller's own (or of our catalogue) that
    look alike; they stand beside the sentence, never in it."""

    def __init__(self, what: str, named: str, *, own: Iterable[str]) -> None:
        ours = what == "provider"  # the same for everybody, unlike what people own
        super().__init__(f"There is no such {what}{'' if ours else ', or it is not yours'}.")
        self.what = what
        self.near: Sequence[str] = near(named, own)


class Unproven(InvalidConfiguration):
    """A definition that was not seen to work; `check` are the arguments that would prove it."""

    def __init__(self, problem: str, *, check: Mapping[str, Any]) -> None:
        super().__init__(Fault("check", problem))
        self.check = dict(check)


def near(named: str, own: Iterable[str]) -> list[str]:
    """At most three names like this one, upper and lower case being the same."""
    by_lower = {name.lower(): name for name in own}
    return [by_lower[found] for found in difflib.get_close_matches(named.lower(), by_lower)]


def listed(names: Sequence[str]) -> str:
    """The first of them, for one sentence."""
    return ", ".join(names[:SHOWN]) + (" ..." if len(names) > SHOWN else "")


def wrong(field: str, problem: str) -> InvalidConfiguration:
    return InvalidConfiguration(Fault(field, problem))
