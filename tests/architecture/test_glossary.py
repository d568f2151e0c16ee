"""CONTRIBUTING.md says which words name things here; the code uses those and not the others."""

import re
from pathlib import Path

from tests.architecture.tree import CODE, definitions, python, text

CONTRIBUTING = text(Path("CONTRIBUTING.md"))
ROW = re.compile(r"^\| \*\*(?P<word>.+?)\*\*.* \| .+ \| (?P<avoided>.+) \|$", re.M)

OVERRIDES = {"data_received"}
"""Named by the library whose class they extend."""


def listed(start: str) -> set[str]:
    """The words of the line that begins so, without what stands in brackets."""
    [line] = re.findall(rf"^{start}: (.+)\.$", CONTRIBUTING, re.M)
    return set(re.sub(r" \(.*?\)", "", line).split(", "))


def avoided() -> set[str]:
    """Each single word of the column "Not"; phrases cannot be names anyway."""
    cells = [
        re.sub(r" \(.*?\)| in names", "", row["avoided"]) for row in ROW.finditer(CONTRIBUTING)
    ]
    entries = {entry for cell in cells for entry in re.split(r", | / ", cell)}
    return {re.sub(r"\W", "", entry).lower() for entry in entries if " " not in entry}


def words(name: str) -> set[str]:
    """`HTTPHandlers` and `http_handlers` alike: http, handler."""
    parts = {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}
    return parts | {part.removesuffix("s") for part in parts}


def test_the_glossary_is_read_whole() -> None:
    assert {"job", "plugin", "probe", "notification", "jwt", "orchestrator"} <= avoided()
    assert len(ROW.findall(CONTRIBUTING)) == 16


def test_no_file_class_or_function_is_named_by_a_word_that_is_avoided() -> None:
    banned = listed("Not used as names") | avoided() - listed("Free for another meaning")
    files = python(*CODE)
    names = [(path, part) for path in files for part in path.with_suffix("").parts]
    names += [(path, found.name) for path in files for found in definitions(path)]
    wrong = {
        f"{path}: {name}" for path, name in names if words(name) & banned and name not in OVERRIDES
    }
    assert not wrong, "\n".join(sorted(wrong))
