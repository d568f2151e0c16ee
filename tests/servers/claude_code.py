"""The real Claude Code command line, of one exact version, with a home and nothing else."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

VERSION = "2.1.330"
MACHINES = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}
PACKAGE = f"@anthropic-ai/claude-code-{sys.platform}-{MACHINES.get(platform.machine().lower())}"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "claude-monitor-tests"


class ClaudeCode:
    """`run` answers what the program printed. Its exit code says nothing: it is 0 even when a
    server cannot be reached, so tests read the text."""

    def __init__(self, program: Path, home: Path) -> None:
        self.program = program
        self._home = home

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [self.program, *arguments],
            cwd=self._home,
            env={"HOME": str(self._home), "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            timeout=60,
        )
        return done.stdout


def claude_code(home: Path) -> ClaudeCode:
    """Installed once per machine and version. Its platform package carries a native program that
    needs no Node; npm alone would pick an older version where Node is older, and say nothing."""
    place = CACHE / f"claude-code-{VERSION}"
    program = place / "node_modules" / PACKAGE / "claude"
    if not program.is_file():
        install(place)
    return ClaudeCode(program, home)


def install(place: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("THE CLAUDE CODE TEST DID NOT RUN: install npm (apt-get install npm)")
    place.mkdir(parents=True, exist_ok=True)
    quiet = ("--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(place))
    done = subprocess.run(
        [npm, "install", *quiet, f"{PACKAGE}@{VERSION}"],
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )
    if done.returncode != 0:
        pytest.skip(f"THE CLAUDE CODE TEST DID NOT RUN: {PACKAGE}@{VERSION}: {done.stderr}")
