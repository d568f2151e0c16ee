"""JSON paths (RFC 9535) over answers that nobody can trust: the only file that knows the library.

It is heavy, so it is imported when the first path is read. What a path may cost is bounded by the
places of the document that it looks at, whatever path and document are; the functions that take a
regular expression are not offered, since one expression can take for ever."""

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import lru_cache
from itertools import islice, takewhile
from typing import Any, TypeVar

from jsonpath import JSONPath, JSONPathEnvironment, JSONPathMatch, Parser
from jsonpath.exceptions import JSONPathError, JSONPathNameError
from jsonpath.filter import BaseExpression, FilterQuery
from jsonpath.segments import JSONPathSegment
from jsonpath.stream import TokenStream

from functions.core.errors import UnexpectedAnswer

T = TypeVar("T")

MOST_PLACES = 50_000
"""Looked at for one answer, by all its paths together: well below a second."""

_left: ContextVar[list[int]] = ContextVar("places left")


class Unreadable(Exception):
    """Not a path; the message says why, in our own words."""


class Search:
    """All the paths of one answer, which share what they may cost."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._places = [MOST_PLACES]

    def first(self, path: str, most: int) -> list[Any]:
        """The first `most` values that the path finds. Raises UnexpectedAnswer for an answer that
        is too large or too deep for it."""
        return self._run(
            lambda: [node.obj for node in islice(compiled(path).finditer(self._document), most)]
        )

    def count(self, path: str) -> int | None:
        """How many values the path finds; None when even the part before its first `*`, `..`,
        slice or filter (before its last step, if it has none) leads nowhere."""
        return self._run(lambda: self._count(path))

    def _count(self, path: str) -> int | None:
        whole = compiled(path)
        steady = takewhile(_is_single, whole.segments[:-1])
        stem = _Path(env=whole.env, segments=steady)
        if not any(True for _ in stem.finditer(self._document)):
            return None
        return sum(1 for _ in whole.finditer(self._document))

    def _run(self, look: Callable[[], T]) -> T:
        before = _left.set(self._places)
        try:
            return look()
        except _TooMany:
            problem = f"the paths look at more than {MOST_PLACES} places of the answer; write them"
            raise UnexpectedAnswer(f"{problem} without .. or ask for a smaller answer") from None
        except (JSONPathError, RecursionError):
            raise UnexpectedAnswer("the answer is nested too deeply for the paths") from None
        finally:
            _left.reset(before)


@lru_cache(maxsize=1024)
def compiled(text: str) -> JSONPath:
    """The path, ready to be followed. Raises Unreadable."""
    try:
        found = _ENVIRONMENT.compile(text)
    except JSONPathNameError:
        offered = ", ".join(sorted(_ENVIRONMENT.function_extensions))
        problem = f"uses a function that is not offered; there are {offered},"
        raise Unreadable(f"{problem} and no regular expressions") from None
    except (JSONPathError, ValueError, OverflowError, RecursionError) as wrong:
        raise Unreadable(f"is no JSON path{_place(wrong, text)}") from None
    return _Path(env=_ENVIRONMENT, segments=found.segments)  # type: ignore[union-attr]  # strict: no compound paths


def _place(wrong: Exception, text: str) -> str:
    """Where it stops to be one, if the library knows."""
    index = getattr(getattr(wrong, "token", None), "index", -1)
    return f" from character {index + 1} on" if 0 <= index < len(text) else ""


def _is_single(segment: JSONPathSegment) -> bool:
    return _Path(env=segment.env, segments=(segment,)).singular_query()


class _TooMany(Exception):
    pass


def _spend() -> None:
    left = _left.get()
    left[0] -= 1
    if left[0] < 0:
        raise _TooMany


def _spend_inside(value: object) -> None:
    """For each place in it, as long as there are any left."""
    ahead = [value]
    while ahead:
        _spend()
        here = ahead.pop()
        if isinstance(here, list | dict):
            ahead += here.values() if isinstance(here, dict) else here


class _Node(JSONPathMatch):
    """One place of the document; each one that is looked at is counted, and none is kept."""

    __slots__ = ()

    def __init__(self, **given: Any) -> None:
        _spend()
        super().__init__(**given)

    def add_child(self, *children: JSONPathMatch) -> None:
        """The library would keep every place that it has seen."""

    def new_child(self, obj: object, _key: int | str) -> JSONPathMatch:
        """The library would write out the whole path to each place, however long its names are."""
        return _Node(
            filter_context=self.filter_context(),
            obj=obj,
            parent=self,
            path="",
            parts=(),
            root=self.root,
        )


class _Path(JSONPath):
    """Follows its segments from a node of ours; the library would begin with one of its own, and
    would read a document that is one text as JSON once more."""

    __slots__ = ()

    def finditer(self, data: Any, *, filter_context: Any = None) -> Iterable[JSONPathMatch]:
        root = _Node(filter_context={}, obj=data, parent=None, path="$", parts=(), root=data)
        nodes: Iterable[JSONPathMatch] = (root,)
        for segment in self.segments:
            nodes = segment.resolve(nodes)
        return nodes


class _Parser(Parser):
    """The paths inside filters are followed, and counted, in the same way."""

    def parse_absolute_query(self, stream: TokenStream) -> BaseExpression:
        return _counted(super().parse_absolute_query(stream))

    def parse_relative_query(self, stream: TokenStream) -> BaseExpression:
        return _counted(super().parse_relative_query(stream))


def _counted(query: BaseExpression) -> BaseExpression:
    if isinstance(query, FilterQuery):
        query.path = _Path(env=query.path.env, segments=query.path.segments)
    return query


class _Environment(JSONPathEnvironment):
    parser_class = _Parser

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        for regular in ("match", "search"):
            del self.function_extensions[regular]

    def is_truthy(self, obj: object) -> bool:
        """Asked for every value that a filter looks at."""
        _spend()
        return super().is_truthy(obj)

    def compare(self, *sides: Any, **_none: Any) -> bool:
        """Two lists or objects are compared place by place, again for each value of the filter."""
        left, operator, right = sides
        if isinstance(left, list | dict) and isinstance(right, list | dict):
            _spend_inside(left)
        return super().compare(left, operator, right)


_ENVIRONMENT = _Environment(strict=True, filter_caching=False)
