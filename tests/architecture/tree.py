"""The files of this repository, as the architecture tests look at them."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("functions", "mcp_service")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def tracked(*suffixes: str) -> list[Path]:
    """Every file that git knows or would add, relative to the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = [Path(line) for line in listed.splitlines() if (ROOT / line).is_file()]
    return [path for path in paths if not suffixes or path.suffix in suffixes]


def python(*folders: str) -> list[Path]:
    """Python files below these top-level folders."""
    return [path for path in tracked(".py") if path.parts[0] in folders]


def text(path: Path) -> str:
    return (ROOT / path).read_text()


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(text(path))):
        if isinstance(node, Function):
            yield node


def definitions(path: Path) -> Iterator[Function | ast.ClassDef]:
    for node in ast.walk(ast.parse(text(path))):
        if isinstance(node, Function | ast.ClassDef):
            yield node
