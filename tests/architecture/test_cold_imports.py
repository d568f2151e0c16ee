"""What a function loads before its first event: a heavy import is a slow cold start."""

import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT

SERVICE_ONLY = {"alembic", "httpx", "httpx2", "lightkube", "mcp", "mcp_service", "pydantic"}
LAZY = {"requests", "sendgrid", "twilio", "redis"}
NEVER = SERVICE_ONLY | LAZY | {"pytest", "hypothesis"}

FORBIDDEN = {
    "poll": NEVER | {"sqlalchemy", "influxdb_client", "sqlite3", "smtplib"},
    "record": NEVER | {"sqlalchemy", "pycurl", "aiodns", "smtplib"},
    "alert": NEVER | {"influxdb_client", "pycurl", "aiodns", "smtplib"},
    "notify": NEVER | {"influxdb_client", "pycurl", "aiodns"},
}


@pytest.mark.parametrize("function", FORBIDDEN)
def test_a_function_loads_nothing_heavy_before_its_first_event(function: str) -> None:
    script = f"import sys, functions.{function}.main; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert loaded.returncode == 0, loaded.stderr
    packages = {name.partition(".")[0] for name in loaded.stdout.split()}
    assert not packages & FORBIDDEN[function]


def test_every_entry_point_has_its_list() -> None:
    entry_points = {path.parent.name for path in ROOT.glob("functions/*/main.py")}
    assert entry_points == set(FORBIDDEN)
