"""The folder is the registry: a file's name is the provider's name, imported when asked for."""

import re
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import msgspec

from functions.core.errors import NotFound
from functions.core.form import near
from functions.core.provider import Provider


class Found(msgspec.Struct, frozen=True):
    """A provider that fits a sentence; a higher score fits better."""

    name: str
    score: int


@cache
def names() -> tuple[str, ...]:
    """All providers, in alphabetical order."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def load(name: str) -> type[Provider]:
    """The provider of this name. Raises NotFound, with the name that was probably meant."""
    if name not in names():
        meant = near(name, names())
        hint = f"did you mean {meant}?" if meant else "find_provider lists what there is"
        raise NotFound(f"there is no such provider; {hint}")
    kind: type[Provider] = import_module(f"{__name__}.{name}").PROVIDER
    return kind


def find(sentence: str) -> list[Found]:
    """The providers that share words with a person's sentence, best first."""
    asked = _words(sentence)
    scored = (Found(name, _score(asked, name)) for name in names())
    return sorted((f for f in scored if f.score), key=lambda found: (-found.score, found.name))


def _score(asked: frozenset[str], name: str) -> int:
    """Keywords are chosen, so they weigh more than the words of example sentences."""
    kind = load(name)
    chosen = _words(" ".join((name.replace("_", " "), *kind.keywords)))
    mentioned = _words(" ".join(kind.examples)) - chosen
    return 3 * len(asked & chosen) + len(asked & mentioned)


def _words(text: str) -> frozenset[str]:
    return _stems(text) - _EMPTY


def _stems(text: str) -> frozenset[str]:
    """Roughly: `shops` and `shop`, `watching` and `watch` are the same word."""
    words = re.findall(r"[a-z0-9]{3,}", text.lower())
    return frozenset(re.sub(r"(?:ing|ed|es|s)$", "", word) for word in words)


_EMPTY = _stems(
    "the and for with when that this tell let know get got has have not was are you your our out "
    "from into every each please want would like watch monitor check alert warn notify something "
    "someone there then than can could will says any longer before after"
)
"""Words that say nothing about the source."""
