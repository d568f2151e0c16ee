"""The standing service as people run it: a process of its own on a scratch home."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

from tests.servers.port import free_port

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "mcp_service")
STARTS_WITHIN = 30.0


class StandingService:
    """`with StandingService(home) as service:` serves `service.url` until killed; a later start
    goes on with the same home and port. `settings` are environment names without the prefix."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.port = free_port()
        self._settings = {"ALLOW_PRIVATE": "127.0.0.0/8", **settings}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.address}/mcp"

    def settings(self) -> dict[str, str]:
        """Only our own variables, as another process needs them to meet this service."""
        own = {"HOME": str(self.home), "PORT": str(self.port), **self._settings}
        return {f"CLAUDE_MONITOR_{name}": value for name, value in own.items()}

    def environment(self) -> dict[str, str]:
        """What a command of ours runs in: nothing of the person's own home."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return {**kept, "HOME": str(self.home), "PYTHONPATH": str(ROOT), **self.settings()}

    def start(self) -> None:
        with (self.home / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                [*COMMAND, "serve"], env=self.environment(), stdout=output, stderr=output
            )
        until = time.monotonic() + STARTS_WITHIN
        while not self.is_up():
            assert self._process.poll() is None, self.output()
            assert time.monotonic() < until, f"not up in {STARTS_WITHIN} s\n{self.output()}"
            time.sleep(0.05)

    def is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, TimeoutError):
            return False

    def kill(self) -> None:
        """End with SIGKILL, as a crash would."""
        process, self._process = self._process, None
        if process:
            process.kill()
            process.wait()

    def wait(self, timeout: float = 30) -> int:
        """Its exit code, once it has ended by itself."""
        process, self._process = self._process, None
        assert process, "it was killed; start it first"
        return process.wait(timeout)

    def output(self) -> str:
        return (self.home / "output.log").read_text()

    def __enter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
