"""What a function loads before its first event: a heavy import is a slow cold start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_service.keys import make_keys
from tests.architecture.tree import ROOT

SERVICE_ONLY = {"alembic", "httpx", "httpx2", "lightkube", "mcp", "mcp_service", "pydantic"}
LAZY = {"jsonpath", "requests", "sendgrid", "twilio", "redis"}
NEVER = SERVICE_ONLY | LAZY | {"pytest", "hypothesis"}

FORBIDDEN = {
    "poll": NEVER | {"sqlalchemy", "influxdb_client", "sqlite3", "smtplib"},
    "record": NEVER | {"sqlalchemy", "pycurl", "pycares", "smtplib"},
    "alert": NEVER | {"influxdb_client", "pycurl", "pycares", "smtplib"},
    "notify": NEVER | {"influxdb_client", "pycurl", "pycares"},
}


@pytest.fixture
def configured(tmp_path: Path) -> dict[str, str]:
    """What a function needs to be imported at all; nothing is reached yet."""
    make_keys(tmp_path / "keys")
    return {
        **os.environ,
        "BROKER_URL": "http://127.0.0.1:1/",
        "CLAUDE_MONITOR_KEYS": str(tmp_path / "keys"),
        "CLAUDE_MONITOR_READINGS": str(tmp_path / "readings.db"),
        "CLAUDE_MONITOR_DATABASE_URL": f"sqlite:///{tmp_path}/monitors.db",
        "CLAUDE_MONITOR_SMTP_URL": "smtp://127.0.0.1:1",
        "CLAUDE_MONITOR_MAIL_FROM": "monitor@example.org",
    }


@pytest.mark.parametrize("function", FORBIDDEN)
def test_a_function_loads_nothing_heavy_before_its_first_event(
    function: str, configured: dict[str, str]
) -> None:
    script = f"import sys, functions.{function}.main; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    loaded = subprocess.run(
        command, cwd=ROOT, env=configured, check=False, capture_output=True, text=True
    )
    assert loaded.returncode == 0, loaded.stderr
    packages = {name.partition(".")[0] for name in loaded.stdout.split()}
    assert not packages & FORBIDDEN[function]


def test_every_entry_point_has_its_list() -> None:
    entry_points = {path.parent.name for path in ROOT.glob("functions/*/main.py")}
    assert entry_points == set(FORBIDDEN)
