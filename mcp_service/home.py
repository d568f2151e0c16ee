"""The home folder: one service at a time, how to reach it, and when it was last alive."""

import contextlib
import fcntl
import os
import time
from pathlib import Path

import msgspec

from functions.core.errors import Fault, InvalidConfiguration, LimitReached


class Standing(msgspec.Struct, frozen=True):
    """What `service.json` says about the service that owns the home."""

    pid: int
    url: str
    started: float


def prepare(home: Path) -> None:
    """Make the folder, for its owner only. Raises InvalidConfiguration when it cannot be ours."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        reason = "" if os.access(home, os.W_OK | os.X_OK) else "nothing can be written there"
    except OSError as error:
        reason = error.strerror or "it cannot be made"
    if reason:
        problem = f"{home} cannot be used ({reason}); name a folder of your own"
        raise InvalidConfiguration(Fault("CLAUDE_MONITOR_HOME", problem))


def standing(home: Path) -> Standing | None:
    """What the last service wrote, or None. Its process may be gone by now."""
    try:
        return msgspec.json.decode((home / "service.json").read_bytes(), type=Standing)
    except (OSError, msgspec.MsgspecError):
        return None


def owner(home: Path) -> int:
    """The process that holds this home now, ready or not; 0 when none does."""
    try:
        with Path(home / "service.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except BlockingIOError:
        return int((home / "service.lock").read_text() or 0)
    return 0


class Ownership:
    """Holds the home until closed or until the process ends in any way. Raises LimitReached when
    another service has it."""

    def __init__(self, home: Path) -> None:
        prepare(home)
        self._file = home / "service.json"
        self._alive = home / "alive"
        self._lock = os.open(home / "service.lock", os.O_RDWR | os.O_CREAT, 0o600)
        if not _locked(self._lock):
            os.close(self._lock)
            other = standing(home)
            where = f" (process {other.pid} at {other.url})" if other else ""
            raise LimitReached(
                f"A service already runs in {home}{where}. Stop it with: claude-monitor stop"
            )
        os.truncate(self._lock, 0)
        os.write(self._lock, str(os.getpid()).encode())
        self.last_alive = self._alive.stat().st_mtime if self._alive.exists() else 0.0
        """When the service before us last said that it was alive; 0 when there was none."""

    def announce(self, url: str, started: float) -> None:
        """Tell bridges and commands where the service is, once it can answer."""
        unfinished = self._file.with_suffix(".new")
        unfinished.write_bytes(msgspec.json.encode(Standing(os.getpid(), url, started)))
        unfinished.chmod(0o600)
        unfinished.replace(self._file)

    async def touch(self) -> None:
        """Say that we are alive (a loop's step)."""
        with contextlib.suppress(OSError):  # a full disk is the readings' fault to report
            self._alive.touch(mode=0o600)

    def close(self) -> None:
        self._file.unlink(missing_ok=True)
        os.close(self._lock)


def _locked(lock: int) -> bool:
    """Patient for a moment, because `owner` holds the lock while it looks."""
    for _ in range(10):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False
