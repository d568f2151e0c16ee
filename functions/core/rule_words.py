"""The words of the rule language, and the cursor that reads them and says what it could not."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import NoReturn, TypeVar

import msgspec

from functions.core.errors import Fault, InvalidConfiguration
from functions.core.rule import Aggregate, BlindPolicy, Comparison, Severity

T = TypeVar("T")
LONGEST_LINE = 500
EXCERPT = 24
"""Characters of the person's line that an error repeats at most."""

Phrases = Mapping[str, T]
"""What a phrase of lower-case words, one blank between, stands for."""

_COMPARISONS: dict[Comparison, tuple[str, ...]] = {
    Comparison.ABOVE: ("above", ">", "greater than", "higher than", "more than", "larger than"),
    Comparison.BELOW: ("below", "<", "under", "less than", "lower than", "smaller than"),
    Comparison.AT_LEAST: ("at least", ">=", "≥", "not below", "no less than", "not less than"),
    Comparison.AT_MOST: ("at most", "<=", "≤", "not above", "no more than", "not more than"),
    Comparison.IS: ("is", "=", "==", "equals", "equal to", "is equal to"),
    Comparison.IS_NOT: ("not", "!=", "<>", "≠", "is not", "isn't", "not equal to"),
}


def _with_is(meaning: Comparison, phrases: Iterable[str]) -> Iterable[tuple[str, Comparison]]:
    for phrase in phrases:
        yield phrase, meaning
        if meaning is not Comparison.IS and not phrase.startswith("is"):
            yield f"is {phrase}", meaning


COMPARISONS: Phrases[Comparison] = {
    phrase: meaning
    for canonical, phrases in _COMPARISONS.items()
    for phrase, meaning in _with_is(canonical, phrases)
}
AGGREGATES: Phrases[Aggregate] = {str(function): function for function in Aggregate} | {
    "average": Aggregate.MEAN,
    "avg": Aggregate.MEAN,
    "maximum": Aggregate.MAX,
    "minimum": Aggregate.MIN,
    "p50": Aggregate.MEDIAN,
    "total": Aggregate.SUM,
}
SEVERITIES: Phrases[Severity] = {str(severity): severity for severity in Severity} | {
    "warn": Severity.WARNING,
    "crit": Severity.CRITICAL,
}
BLIND: Phrases[BlindPolicy] = {str(policy): policy for policy in BlindPolicy} | {
    "keep": BlindPolicy.KEEP,
    "alert": BlindPolicy.ALERT,
    "resolve": BlindPolicy.RESOLVE,
}
UNITS: Phrases[int] = {
    word: seconds
    for seconds, words in {
        1: "s sec secs second seconds",
        60: "m min mins minute minutes",
        3600: "h hr hrs hour hours",
        86_400: "d day days",
    }.items()
    for word in words.split()
}
READINGS: Phrases[str] = {"readings": "readings", "reading": "readings"}


def number_text(value: float) -> str:
    """The shortest decimal that reads back as the same float; whole numbers without a point."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)


def time_text(seconds: int) -> str:
    """Seconds in the largest unit that divides them: 90 is `90s`, 5400 is `90m`."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


class Expected(msgspec.Struct, frozen=True):
    """What stands at one place of a line: in words, the words it begins with, and an example."""

    what: str
    words: tuple[str, ...]
    example: str


class Word(msgspec.Struct, frozen=True):
    """`at` counts characters from 1."""

    text: str
    at: int


_WORD = re.compile(r",|[<>=!≤≥≠]+|[^\s,<>=!≤≥≠]+")


class Words:
    """A cursor over the words of one line."""

    def __init__(self, line: str) -> None:
        if len(line) > LONGEST_LINE:
            problem = f"is {len(line)} characters long; at most {LONGEST_LINE} are read"
            raise InvalidConfiguration(Fault("rule", problem))
        self._end = len(line.rstrip()) + 1
        self._words = [Word(found[0], found.start() + 1) for found in _WORD.finditer(line)]
        self._next = 0

    def more(self) -> bool:
        return self._next < len(self._words)

    def peek(self, ahead: int = 0) -> str:
        """The word as it was written, or nothing behind the end."""
        place = self._next + ahead
        return self._words[place].text if place < len(self._words) else ""

    def skip(self, count: int = 1) -> None:
        self._next += count

    def take(self, word: str) -> bool:
        """Step over this word if it is the next."""
        taken = self.peek().lower() == word
        self._next += taken
        return taken

    def find(self, phrases: Phrases[T]) -> T | None:
        """What the longest of the phrases that stands here means; steps over it."""
        for length in range(6, 0, -1):
            words = (self.peek(ahead).lower() for ahead in range(length))
            meaning = phrases.get(" ".join(words))
            if meaning is not None:
                self.skip(length)
                return meaning
        return None

    def need(self, phrases: Phrases[T], expected: Expected) -> T:
        """The same, raising InvalidConfiguration when none of them stands here."""
        meaning = self.find(phrases)
        return self.refuse(expected) if meaning is None else meaning

    def refuse(self, expected: Expected) -> NoReturn:
        """Raise InvalidConfiguration: what stands here, and what is accepted instead."""
        if not self.more():
            where, near = f"the line ends at character {self._end}", []
        else:
            word = self._words[self._next]
            where = f"`{excerpt(word.text)}` at character {word.at} was not understood"
            read = word.text.lower()[:EXCERPT]
            near = [] if read in expected.words else get_close_matches(read, expected.words, n=1)
        meant = f" Did you mean `{near[0]}`?" if near else ""
        accepted = f"expected here: {expected.what}.{meant} Example: `{expected.example}`"
        raise InvalidConfiguration(Fault("rule", f"{where}; {accepted}"))


def excerpt(text: str) -> str:
    """A short piece of a person's text without control characters or our quotation marks."""
    clean = "".join(c if c.isprintable() and c != "`" else "?" for c in text)
    return clean if len(clean) <= EXCERPT else clean[: EXCERPT - 1] + "…"
