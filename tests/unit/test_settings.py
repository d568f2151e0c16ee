"""Settings: all faults at once, the environment over the file, nothing secret shown."""

from pathlib import Path

import pytest

from functions.core.errors import InvalidConfiguration
from mcp_service.settings import load

WRONG = {
    "PROT": "9122",
    "PORT": "99999",
    "HOST": "0.0.0.0",
    "RUNTIME": "docker",
    "DEADLINE": "soon",
    "SMTP_URL": "http://mail",
    "SENDGRID_API_KEY": "SG. two words",
    "SENDGRID_URL": "http://api.sendgrid.example",
    "MAIL_FROM": "nobody",
    "ALLOW_PRIVATE": "127.0.0.0/8,home",
    "HEARTBEAT_URL": "ftp://beat",
}


def environ(home: Path, **values: str) -> dict[str, str]:
    return {"CLAUDE_MONITOR_HOME": str(home)} | {
        f"CLAUDE_MONITOR_{name}": value for name, value in values.items()
    }


def faults(environment: dict[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidConfiguration) as refused:
        load(environment)
    return {fault.field: fault.problem for fault in refused.value.faults}


def test_nothing_set_is_a_service_for_this_machine_only(tmp_path: Path) -> None:
    settings = load(environ(tmp_path))
    assert (settings.host, settings.port) == ("127.0.0.1", 9122)
    assert settings.database_url == f"sqlite:///{tmp_path}/monitors.db"


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    found = faults(environ(tmp_path, **WRONG))
    named = {name.removeprefix("CLAUDE_MONITOR_") for name in found}
    assert named == (WRONG.keys() - {"HOST"}) | {"TOKEN"}


def test_a_misspelt_name_is_answered_with_the_near_one(tmp_path: Path) -> None:
    found = faults(environ(tmp_path, PROT="9122"))
    assert "CLAUDE_MONITOR_PORT" in found["CLAUDE_MONITOR_PROT"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "myhost"])
def test_listening_beyond_this_machine_needs_a_token(tmp_path: Path, host: str) -> None:
    assert "CLAUDE_MONITOR_TOKEN" in faults(environ(tmp_path, HOST=host))
    assert load(environ(tmp_path, HOST=host, TOKEN="t" * 32)).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_listening_on_loopback_needs_none(tmp_path: Path, host: str) -> None:
    assert load(environ(tmp_path, HOST=host)).host == host


def test_a_short_token_is_refused_and_not_shown(tmp_path: Path) -> None:
    found = faults(environ(tmp_path, TOKEN="hunter2-hunter2-hunter2"))
    assert "23 bytes" in found["CLAUDE_MONITOR_TOKEN"]
    assert "hunter2" not in str(found)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text(
        "# ours\nCLAUDE_MONITOR_PORT=7000\nCLAUDE_MONITOR_MAIL_FROM='me@home.example'\n"
    )
    file.chmod(0o600)
    settings = load(environ(tmp_path, PORT="8000"))
    assert (settings.port, settings.mail_from) == (8000, "me@home.example")


@pytest.mark.parametrize("sender", ["monitor@bücher.example", "wächter@example.org"])
def test_a_sender_that_no_mail_server_takes_is_refused(tmp_path: Path, sender: str) -> None:
    found = faults(environ(tmp_path, MAIL_FROM=sender))
    assert "xn--" in found["CLAUDE_MONITOR_MAIL_FROM"]


def test_a_line_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text("CLAUDE_MONITOR_PORT=7000\nPORT 8000\n")
    file.chmod(0o600)
    assert faults(environ(tmp_path)).keys() == {"settings.env line 2"}


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text("")
    file.chmod(0o644)
    assert "chmod 600" in faults(environ(tmp_path))["settings.env"]


@pytest.mark.parametrize("name", ["BROKER_URL", "POLL_URL", "HEARTBEAT_URL"])
def test_an_address_that_nothing_could_be_sent_to_is_refused(tmp_path: Path, name: str) -> None:
    found = faults(environ(tmp_path, **{name: "http://user:hunter2@host.example/"}))
    assert "without user name" in found[f"CLAUDE_MONITOR_{name}"]
    assert "hunter2" not in str(found)


def test_on_a_cluster_every_address_of_it_must_be_set(tmp_path: Path) -> None:
    found = faults(environ(tmp_path, RUNTIME="knative", INFLUXDB_ORG="lab"))
    needed = {"BROKER_URL", "POLL_URL", "INFLUXDB_URL", "INFLUXDB_BUCKET", "INFLUXDB_TOKEN"}
    assert found.keys() == {f"CLAUDE_MONITOR_{name}" for name in needed | {"DATABASE_URL"}}
