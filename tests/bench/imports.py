"""What a function's own imports add to those of the framework and server that it runs on."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mcp_service.keys import make_keys
from tests.bench.frame import OURS, rounds_of, start, verdict

FRAMEWORK = "functions_framework.aio, uvicorn, uvicorn.protocols.http.httptools_impl, uvloop"
LIMITS = {"poll": 1.3, "record": 1.3, "alert": 2.0, "notify": 2.0}
"""Alert and notify load SQLAlchemy, about as heavy as all that a poll loads."""


def run(rounds: int) -> list[dict[str, Any]]:
    """Milliseconds of CPU in fresh interpreters. Which modules may be loaded at all is a test of
    its own (tests/architecture)."""
    with tempfile.TemporaryDirectory() as folder:
        environ = _environ(Path(folder))
        scripts = {
            name: f"import {FRAMEWORK}, functions.serve, functions.{name}.main" for name in LIMITS
        } | {"framework": f"import {FRAMEWORK}"}
        found = rounds_of(
            {
                name: lambda script=script: _milliseconds(script, environ)
                for name, script in scripts.items()
            },
            rounds,
        )
    return [
        verdict(f"imports {name}", found[name], found["framework"], unit="CPU ms", limit=limit)
        for name, limit in LIMITS.items()
    ]


def _milliseconds(script: str, environ: dict[str, str]) -> float:
    timed = (
        f"import time; began = time.process_time(); {script}; print(time.process_time() - began)"
    )
    command = [sys.executable, "-c", timed]
    with start(command, core=OURS, environ=environ, stdout=subprocess.PIPE, text=True) as child:
        told, _ = child.communicate(timeout=60)
    return float(told) * 1000


def _environ(folder: Path) -> dict[str, str]:
    make_keys(folder)
    return {
        "BROKER_URL": "http://127.0.0.1:1/",
        "CLAUDE_MONITOR_KEYS": str(folder),
        "CLAUDE_MONITOR_READINGS": str(folder / "readings.db"),
        "CLAUDE_MONITOR_DATABASE_URL": f"sqlite:///{folder}/monitors.db",
        "CLAUDE_MONITOR_SMTP_URL": "smtp://127.0.0.1:1",
        "CLAUDE_MONITOR_MAIL_FROM": "monitor@example.org",
    }
