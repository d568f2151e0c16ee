"""Servers of a test's own, each a process that it can stop, freeze and bring back."""

import email
import email.policy
import getpass
import json
import os
import shutil
import signal
import smtplib
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Self

import pytest
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from tests.servers.mail import Mailbox
from tests.servers.port import free_port

PLACES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/var/lib/lab/extras"))
"""Where the programs may be: MariaDB's is for administrators, and the lab unpacks InfluxDB's."""
NAME = PASSWORD = "monitors"
ORG, TOKEN = "monitors", "token-of-this-run"
STARTS_WITHIN = 60.0


class Stoppable:
    """`with Stoppable(...) as server:` runs until stopped; a later start goes on with its data."""

    def __init__(self, port: int, command: Sequence[object], *, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.port = port
        self._command = [str(word) for word in command]
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def answers(self) -> bool:
        """Whether it can be worked with; never asked of one that is frozen."""
        raise NotImplementedError

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        end = time.monotonic() + STARTS_WITHIN
        while not self.answers():
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            assert time.monotonic() < end, self._log.read_text()[-2000:]
            time.sleep(0.05)

    def stop(self) -> None:
        """End it in good order; from now on connections are refused."""
        process, self._process = self._process, None
        if process:
            with process:
                process.send_signal(signal.SIGCONT)
                process.terminate()

    def freeze(self) -> None:
        """SIGSTOP: from now on connections are made and nothing answers."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process, "it was stopped; start it first"
        return self._process


class MariaDb(Stoppable):
    """`url` leads to an empty database."""

    def __init__(self, folder: Path) -> None:
        port, data, setup = free_port(), folder / "data", folder / "setup.sql"
        who = f"--user={getpass.getuser()}"
        folder.mkdir()
        made = (_program("mariadb-install-db"), "--no-defaults", who, f"--datadir={data}")
        subprocess.run(made, check=True, capture_output=True)
        setup.write_text(
            f"CREATE DATABASE IF NOT EXISTS {NAME};\n"
            f"CREATE USER IF NOT EXISTS '{NAME}'@'%' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON {NAME}.* TO '{NAME}'@'%';\n"
        )
        command = (
            *(_program("mariadbd"), "--no-defaults", who, f"--datadir={data}"),
            *(f"--socket={folder / 'socket'}", f"--init-file={setup}", f"--port={port}"),
            *("--bind-address=127.0.0.1", "--skip-name-resolve", "--character-set-server=utf8mb4"),
        )
        super().__init__(port, command, folder=folder)
        self.url = f"mysql+pymysql://{NAME}:{PASSWORD}@127.0.0.1:{port}/{NAME}"

    def answers(self) -> bool:
        engine = create_engine(self.url, poolclass=NullPool, connect_args={"connect_timeout": 2})
        with suppress(OperationalError), engine.connect():
            return True
        return False


class InfluxDb(Stoppable):
    """`bucket` is what a client needs: address, organisation, token and a name for a bucket."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        command = (
            *(_program("influxd"), "--reporting-disabled", f"--http-bind-address=127.0.0.1:{port}"),
            *(f"--bolt-path={folder / 'bolt'}", f"--sqlite-path={folder / 'sqlite'}"),
            f"--engine-path={folder / 'engine'}",
        )
        super().__init__(port, command, folder=folder)
        url = f"http://127.0.0.1:{port}"
        self.bucket = {"url": url, "org": ORG, "token": TOKEN, "bucket": "readings"}

    def __enter__(self) -> Self:
        super().__enter__()
        asked = {"username": NAME, "password": PASSWORD * 2, "bucket": "unused"}
        assert self._answered("POST", "/api/v2/setup", asked | {"org": ORG, "token": TOKEN}) == 201
        return self

    def answers(self) -> bool:
        with suppress(OSError):
            return self._answered("GET", "/health") == 200
        return False

    def _answered(self, method: str, path: str, asked: Mapping[str, str] | None = None) -> int:
        body = json.dumps(asked).encode() if asked else None
        request = urllib.request.Request(self.bucket["url"] + path, body, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)


class RedisServer(Stoppable):
    """It keeps its data over a restart, and forgets its users, as most installations do."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        command = (
            *(_program("redis-server"), "--bind", "127.0.0.1", "--port", port),
            *("--dir", folder, "--appendonly", "yes", "--save", ""),
        )
        super().__init__(port, command, folder=folder)
        self.url = f"redis://127.0.0.1:{port}/0"

    def answers(self) -> bool:
        with suppress(RedisError), Redis.from_url(self.url, socket_timeout=2) as client:
            return bool(client.ping())
        return False


class MailProcess(Stoppable, Mailbox):
    """A Mailbox whose mails are files, so that they outlive its process."""

    def __init__(self, folder: Path) -> None:
        Mailbox.__init__(self)
        self._mails = folder / "mails"
        handler = ("aiosmtpd.handlers.Mailbox", self._mails)
        command = (sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{self.port}", "-c")
        Stoppable.__init__(self, self.port, (*command, *handler), folder=folder)

    def answers(self) -> bool:
        with suppress(OSError), smtplib.SMTP("127.0.0.1", self.port, timeout=2):
            return True
        return False

    def messages(self) -> list[EmailMessage]:
        arrived = sorted((self._mails / "new").glob("*"), key=lambda file: file.stat().st_mtime_ns)
        return [
            email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            for file in arrived
        ]


def _program(name: str) -> str:
    found = shutil.which(name, path=PLACES)
    if not found:
        pytest.skip(f"{name} is not installed here, and this test runs one of its own")
    return found
