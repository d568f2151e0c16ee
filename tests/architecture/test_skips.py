"""A skip is loud by default and a failure where nothing may be missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

SKIPPED = "import pytest\n\ndef test_it():\n    pytest.skip('there is no cluster')\n"


@pytest.mark.parametrize(("option", "code"), [((), 0), (("--no-skip",), 1)])
def test_a_skip_fails_only_where_nothing_may_be_missing(
    option: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    (tmp_path / "test_it.py").write_text(SKIPPED)
    (tmp_path / "pytest.ini").touch()
    pytest_there = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-ra", str(tmp_path)]
    environment = {**os.environ, "PYTEST_ADDOPTS": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*pytest_there, *option],
        check=False,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert "there is no cluster" in done.stdout
    assert done.returncode == code, done.stdout
