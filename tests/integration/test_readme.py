"""The README's commands do what it says, in its order, in a home of their own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_service.settings import Settings
from tests.servers.claude_code import claude_code
from tests.servers.port import free_port
from tests.servers.service import ROOT

README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^(?!```)(.+)$", "".join(re.findall(r"```sh\n(.*?)```", README, re.S)), re.M)
THE_TEST_COMMAND = "make test"
LONGEST = 120.0


class Terminal:
    """Runs commands as a person would, with the default port replaced by a free one."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.log = home / "run.log"
        claude = claude_code(home).program
        self.environment = {
            "HOME": str(home),
            "PATH": os.pathsep.join([str(claude.parent), os.environ["PATH"]]),
            "CLAUDE_MONITOR_HOME": str(home / "monitor"),
            "CLAUDE_MONITOR_PORT": str(self.port),
            "SHOP_TOKEN": "a token of the shop",
        }
        self.standing: subprocess.Popen[bytes] | None = None

    def run(self, command: str) -> str:
        """What it printed; fails unless it ended well."""
        done = subprocess.run(
            ["bash", "-c", command.replace("9122", str(self.port))],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            check=False,
            text=True,
            timeout=LONGEST,
        )
        failed = done.returncode != 0 and not only_the_network_is_missing(done.stdout)
        assert not failed, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def stand(self, command: str) -> None:
        """Leave it running; returns when it has printed how to connect."""
        with self.log.open("wb") as log:
            self.standing = subprocess.Popen(
                command.split(),
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + LONGEST
        while "claude mcp add" not in self.log.read_text():
            assert self.standing.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.1)

    def end(self, how: signal.Signals) -> None:
        """Ctrl-C (SIGINT) goes to all that was started together."""
        if self.standing and self.standing.poll() is None:
            os.killpg(self.standing.pid, how)
            self.standing.wait(30)


def only_the_network_is_missing(printed: str) -> bool:
    """`doctor` also asks for a name of the outer world, which a closed machine does not reach."""
    return re.findall(r"^FAILED +(\w+)", printed, re.M) == ["dns"]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    if Path(sys.prefix) != ROOT / ".venv":
        pytest.skip("THE README TEST DID NOT RUN: its commands use .venv; run `make test`")
    opened = Terminal(tmp_path)
    yield opened
    opened.end(signal.SIGKILL)


def test_the_readme_is_short_and_connects_claude_early() -> None:
    lines = README.splitlines()
    assert len(lines) < 150
    assert any("claude mcp add" in line for line in lines[:24])


def test_every_setting_that_the_readme_names_exists() -> None:
    known = {f"CLAUDE_MONITOR_{field.upper()}" for field in Settings.__struct_fields__}
    named = set(re.findall(r"CLAUDE_MONITOR_[A-Z_]+", README))
    assert named
    assert named <= known


def test_what_the_readme_says_for_a_cluster_is_shell_and_names_what_skaffold_has() -> None:
    """A test on the cluster runs the part of it that needs no minikube."""
    blocks = re.findall(r"```bash\n(.*?)```", README, re.S)
    for block in blocks:
        subprocess.run(["bash", "-n"], input=block, check=True, text=True)
    skaffold = (ROOT / "skaffold.yaml").read_text()
    for profile in re.findall(r"skaffold \w+ -p (\w+)", README):
        assert f"- name: {profile}\n" in skaffold
    for port in re.findall(r"127\.0\.0\.1:(\d+)", README[README.index("## On Kubernetes") :]):
        assert f"localPort: {port}}}" in skaffold


def test_the_readmes_test_command_is_what_is_running() -> None:
    assert THE_TEST_COMMAND in COMMANDS
    assert f"\n{THE_TEST_COMMAND}" in (ROOT / ".ci" / "run").read_text()


def test_every_command_of_the_readme_works(terminal: Terminal) -> None:
    printed = {}
    for command in COMMANDS:
        if command == "make run":
            terminal.stand(command)
        elif command != THE_TEST_COMMAND:
            printed[command] = terminal.run(command)
    connect = f"claude mcp add --transport http claude-monitor http://127.0.0.1:{terminal.port}/mcp"
    assert connect in terminal.log.read_text()
    assert terminal.run("claude mcp list").count("Connected") == 2
    assert printed["make demo"].count("mail to ops@shop.example") == 2
    terminal.end(signal.SIGINT)
