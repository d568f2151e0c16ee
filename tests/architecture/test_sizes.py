"""Short functions, short files, few parameters; no exemptions."""

import subprocess
import sys
from pathlib import Path

from tests.architecture.tree import CODE, ROOT, Function, functions, python, text

FUNCTION = 40
FILE, TEST_FILE, PLUGGED_IN, ENTRY_POINT = 300, 400, 200, 50
PARAMETERS = 6
POSITIONAL = 2
FOLDERS_OF_SMALL_FILES = (
    ("functions", "providers"),
    ("functions", "channels"),
    ("functions", "stores"),
    ("mcp_service", "tools"),
)

CALLED_BY_A_LIBRARY = {"__call__", "guard", "call_tool"}
"""ASGI applications and the MCP server's hook: their callers pass everything by position."""


def limit(path: Path) -> int:
    if path.parts[0] == "tests":
        return TEST_FILE
    if path.name == "main.py":
        return ENTRY_POINT
    return PLUGGED_IN if path.parts[:2] in FOLDERS_OF_SMALL_FILES else FILE


def parameters(function: Function) -> tuple[int, int]:
    """How many in all, and how many of them by position; self and cls do not count."""
    given = function.args
    positional = [arg.arg for arg in given.posonlyargs + given.args]
    owned = positional[:1] in (["self"], ["cls"])
    return len(positional) + len(given.kwonlyargs) - owned, len(positional) - owned


def test_files_are_short() -> None:
    lines = {path: len(text(path).splitlines()) for path in python(*CODE, "tests")}
    long = [f"{path}: {n} lines of {limit(path)}" for path, n in lines.items() if n > limit(path)]
    assert not long, "\n".join(long)


def test_functions_are_short() -> None:
    long = [
        f"{path}:{function.lineno} {function.name}: {lines} lines"
        for path in python(*CODE, "tests")
        for function in functions(path)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION
    ]
    assert not long, "\n".join(long)


def test_functions_take_few_parameters_and_the_third_on_by_name() -> None:
    many = [
        f"{path}:{function.lineno} {function.name}: {total} parameters, {positional} by position"
        for path in python(*CODE)
        for function in functions(path)
        for total, positional in [parameters(function)]
        if total > PARAMETERS
        or (positional > POSITIONAL and function.name not in CALLED_BY_A_LIBRARY)
    ]
    assert not many, "\n".join(many)


def test_no_function_is_complex() -> None:
    ruff = [sys.executable, "-m", "ruff", "check", "--select", "C901", "--ignore-noqa"]
    checked = subprocess.run(
        [*ruff, *CODE, "tests"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout
