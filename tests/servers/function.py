"""A function as a process of its own, started the way an image starts it."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.servers.port import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 30


def serve_command(name: str) -> list[str]:
    return [sys.executable, "-m", "functions.serve", name]


def framework_command(name: str) -> list[str]:
    """The command of functions-framework itself."""
    command = str(Path(sys.executable).with_name("functions-framework"))
    return [command, "--source", f"functions/{name}/main.py", "--target", name]


class Function:
    """`with Function(command, settings) as function:` listens at `function.port`; `end` gives what
    it wrote."""

    def __init__(self, command: list[str], settings: Mapping[str, str]) -> None:
        self.port = free_port()
        self._command = command
        self._written = ""
        self._environ = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            **settings,
        }

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._wait_for_port()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> str:
        """Stop it as Kubernetes does; everything it wrote."""
        if self.process.poll() is None:
            self.process.terminate()
        if not self._written:
            self._written = self.process.communicate(timeout=60)[0]
        return self._written

    def post(self, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the answer, on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", "/", body, dict(headers))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def _wait_for_port(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self.process.poll() is None, self.end()
            try:
                self.connect().close()
            except ConnectionRefusedError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("it does not listen")
