"""The command line as a newcomer meets it: help, versions, and what is said instead of nothing."""

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.integration.test_service import command
from tests.servers.service import COMMAND, StandingService


def test_without_a_verb_all_verbs_are_shown(tmp_path: Path) -> None:
    ended = command(tmp_path)
    assert ended.returncode == 2
    for verb in ("serve", "mcp", "doctor", "secret"):
        assert re.search(rf"^ +{verb} ", ended.stdout, re.MULTILINE)


def test_the_version_is_told_in_both_usual_ways(tmp_path: Path) -> None:
    told = command(tmp_path, "version").stdout
    assert told.startswith("claude-monitor ")
    assert command(tmp_path, "--version").stdout == told


def test_no_secrets_are_told_as_none(tmp_path: Path) -> None:
    ended = command(tmp_path / "home", "secret", "list")
    assert ended.stdout == "No secret is stored; see: claude-monitor secret set --help\n"


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_home_that_cannot_be_made_is_told_with_its_setting(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    ended = command(tmp_path / place, "serve", HOME=str(tmp_path / place))
    assert ended.returncode == 2
    assert ended.stderr.startswith("CLAUDE_MONITOR_HOME: ")
    assert "name a folder of your own" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("place", ["file", "file/below"])
@pytest.mark.parametrize(("verb", "code"), [("stop", 0), ("status", 3)])
def test_nothing_runs_in_a_home_that_is_no_folder(
    tmp_path: Path, place: str, verb: str, code: int
) -> None:
    (tmp_path / "file").touch()
    ended = command(tmp_path / place, verb)
    assert (ended.returncode, ended.stderr) == (code, "")
    assert place in ended.stdout


SET = [*COMMAND, "secret", "set", "api", "--host", "shop.example"]


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_a_secret_that_is_no_text_is_refused(tmp_path: Path, errors: str) -> None:
    environment = StandingService(tmp_path / "home").environment()
    environment["PYTHONIOENCODING"] = f"utf-8:{errors}"
    ended = subprocess.run(SET, env=environment, input=b"caf\xe9", capture_output=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith(b"value: must be text in UTF-8;")
    assert b"caf" not in ended.stderr


def test_a_secret_that_is_not_entered_after_all_is_no_fault_of_ours(tmp_path: Path) -> None:
    """Ctrl-D at the prompt, on a terminal."""
    ours, theirs = pty.openpty()
    environment = StandingService(tmp_path / "home").environment()
    with subprocess.Popen(
        SET, env=environment, stdin=theirs, stderr=subprocess.PIPE, start_new_session=True
    ) as asking:
        assert asking.stderr is not None
        said = b""
        while b"not shown" not in said and (letter := asking.stderr.read(1)):
            said += letter
        os.write(ours, b"\x04")
        said = asking.stderr.read()
    os.close(ours)
    os.close(theirs)
    assert asking.returncode == 2
    assert b"value: was not entered; nothing is stored\n" in said


def test_who_starts_the_bridge_by_hand_is_told_what_it_is(tmp_path: Path) -> None:
    """On a terminal; a client's pipe gets messages only."""
    ours, theirs = pty.openpty()
    environment = StandingService(tmp_path, URL="http://127.0.0.1:1").environment()
    with subprocess.Popen(
        [*COMMAND, "mcp"], env=environment, stdin=theirs, stderr=subprocess.PIPE, text=True
    ) as bridge:
        assert bridge.stderr is not None
        assert "speaks MCP to a client" in bridge.stderr.readline()
        bridge.terminate()
    os.close(ours)
    os.close(theirs)


def test_a_reader_that_has_enough_is_no_fault(tmp_path: Path) -> None:
    environment = StandingService(tmp_path).environment()
    with subprocess.Popen(
        [*COMMAND, "doctor"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as doctor:
        assert doctor.stdout is not None
        assert doctor.stderr is not None
        doctor.stdout.close()
        assert doctor.stderr.read() == b""
    assert doctor.returncode == 1
