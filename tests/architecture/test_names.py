"""Packages that load nothing, exceptions that give their reason."""

import re
from pathlib import Path

from tests.architecture.tree import CODE, ROOT, python, text, tracked

LOADERS = {Path("functions/providers/__init__.py"), Path("functions/channels/__init__.py")}
PLACES_OF_ONE_MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+|tmp/\w+)/")
REGISTRIES = tuple(
    re.compile(re.escape(".".join(parts)))
    for parts in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("golang", "org"),
        ("docker", "io"),
        ("debian", "org"),
    ]
)
SILENCED = re.compile(r"#\s*(noqa|type:\s*ignore)(.*)")
CODE_AND_REASON = {
    "noqa": re.compile(r":\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*\s+\S.{3,}"),
    "type": re.compile(r"\[[a-z-]+(,\s*[a-z-]+)*\]\s+#\s+\S.{3,}"),
}


def test_packages_load_nothing() -> None:
    inits = [path for path in python(*CODE, "tests") if path.name == "__init__.py"]
    assert {path for path in inits if text(path)} <= LOADERS


def test_no_file_names_a_place_of_one_machine_or_a_registry() -> None:
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in tracked()
        for number, line in enumerate(text(path).splitlines(), 1)
        if any(pattern.search(line) for pattern in (PLACES_OF_ONE_MACHINE, *REGISTRIES))
    ]
    assert not found, "\n".join(found)


def test_each_silenced_rule_names_its_code_and_its_reason() -> None:
    bare = [
        f"{path}:{number}: {line.strip()}"
        for path in python(*CODE, "tests")
        for number, line in enumerate(text(path).splitlines(), 1)
        if (found := SILENCED.search(line)) and path != Path("tests/architecture/test_names.py")
        if not CODE_AND_REASON[found[1][:4]].match(found[2])
    ]
    assert not bare, "\n".join(bare)


def test_every_folder_with_tests_is_collected() -> None:
    folders = {path.parent for path in python("tests") if path.name.startswith("test_")}
    assert {folder for folder in folders if not (ROOT / folder / "__init__.py").is_file()} == set()
    targets = text(Path("Makefile"))
    missing = {folder for folder in folders if "/".join(folder.parts[:2]) not in targets}
    assert not missing
