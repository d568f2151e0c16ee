"""Who may import whom: the contracts of pyproject.toml, and what core may know at all."""

import subprocess
import sys

import grimp

from tests.architecture.tree import ROOT

CORE_KNOWS = {"functions", "msgspec"} | sys.stdlib_module_names


def test_the_import_contracts_are_kept() -> None:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
    ]
    checked = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    assert " 0 broken" in checked.stdout


def test_core_knows_the_standard_library_and_msgspec_and_seals_with_cryptography() -> None:
    graph = grimp.build_graph("functions", include_external_packages=True)
    imports = {
        (module, imported.partition(".")[0])
        for module in graph.find_descendants("functions.core")
        for imported in graph.find_modules_directly_imported_by(module)
    }
    strange = {(module, package) for module, package in imports if package not in CORE_KNOWS}
    assert strange == {("functions.core.seal", "cryptography")}
