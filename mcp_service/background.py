"""The standing service in the background: find it, start it, stop it."""

import fcntl
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from functions.core.errors import SourceUnavailable
from mcp_service.home import owner, prepare, standing
from mcp_service.settings import PREFIX, Settings

START_DEADLINE = 60.0
LOG_LIMIT = 16 * 1024 * 1024
PASSED_ON = frozenset(
    {
        "HOME",
        "KUBECONFIG",
        "LANG",
        "LC_ALL",
        "PATH",
        "PYTHONPATH",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TMPDIR",
        "TZ",
    }
)
"""What the service gets of our environment besides its own settings: a client hands its whole
environment to the bridge, keys of others included."""


def find(home: Path) -> str | None:
    """The address of the service of this home, if it answers."""
    known = standing(home)
    if known is None:
        return None
    try:
        return known.url if ask(known.url, "/healthz").get("pid") == known.pid else None
    except SourceUnavailable:
        return None


def ask(url: str, path: str) -> dict[str, Any]:
    """What the service says at one of its health addresses. Raises SourceUnavailable."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=2.0)
    try:
        with closing(connection):
            connection.request("GET", path)
            return dict(json.loads(connection.getresponse().read()))
    except (OSError, http.client.HTTPException, ValueError, TypeError) as error:
        raise SourceUnavailable("The service does not answer.", cause=str(error)) from error


def ensure(settings: Settings, environ: Mapping[str, str]) -> str:
    """The address of the running service, started if need be; many callers at once start one.
    Raises SourceUnavailable naming the log."""
    home = Path(settings.home)
    if url := find(home):
        return url
    prepare(home)
    with _alone(home / "start.lock"):
        return find(home) or _start(home, environ)


def stop(home: Path, seconds: float = 30.0) -> bool:
    """Ask the service to end, even one that only starts, and wait for it. Whether there was one.
    Raises SourceUnavailable when it is still there in the end."""
    process = owner(home)
    if not process:
        return False
    with suppress(ProcessLookupError):  # it ended by itself
        os.kill(process, signal.SIGTERM)
    until = time.monotonic() + seconds
    while owner(home) == process:
        if time.monotonic() > until:
            raise SourceUnavailable(f"Process {process} does not end; see {home / 'service.log'}")
        time.sleep(0.05)
    return True


def _start(home: Path, environ: Mapping[str, str]) -> str:
    log = home / "service.log"
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(home / "service.log.1")
    own = {name: v for name, v in environ.items() if name in PASSED_ON or name.startswith(PREFIX)}
    own["PYTHONPATH"] = str(Path(__file__).parents[1])
    log.touch(mode=0o600)
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "mcp_service", "serve"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=own,
            cwd=home,
            start_new_session=True,
        )
    until = time.monotonic() + START_DEADLINE
    while time.monotonic() < until:
        if url := find(home):
            return url
        if process.poll() is not None and not owner(home):
            break
        time.sleep(0.05)
    raise SourceUnavailable(
        f"The service could not start. Its log is {log}; to find the cause run: "
        "claude-monitor doctor"
    )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
