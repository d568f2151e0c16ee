"""The environment of a function: everything wrong is said at once, and nothing is guessed."""

from pathlib import Path

import pytest

from functions.core.errors import InvalidConfiguration
from functions.core.keyring import new_shared_key
from functions.settings import Settings


def faults(environ: dict[str, str], **needs: list[str]) -> dict[str, str]:
    with pytest.raises(InvalidConfiguration) as caught:
        Settings.read(environ, **needs)
    return {fault.field: fault.problem for fault in caught.value.faults}


def test_an_empty_environment_has_usable_defaults() -> None:
    settings = Settings.read({"PATH": "/bin", "CLAUDE_MONITOR_DEADLINE": " "})
    assert (settings.port, settings.deadline, settings.allow_private) == (8080, 10.0, ())


def test_every_field_is_read_from_its_variable(tmp_path: Path) -> None:
    (tmp_path / "events.key").write_text(new_shared_key())
    settings = Settings.read(
        {
            "PORT": "9000",
            "HOST": "127.0.0.1",
            "BROKER_URL": "http://broker.example/default",
            "CLAUDE_MONITOR_KEYS": str(tmp_path),
            "CLAUDE_MONITOR_ALLOW_PRIVATE": "10.0.0.0/8, fd00::/8,",
            "CLAUDE_MONITOR_DEADLINE": "5",
            "CLAUDE_MONITOR_SMTP_URL": "smtps://me:secret@mail.example:465",
        },
        needs=["broker_url"],
        keys=["events.key"],
    )
    assert (settings.port, settings.host, settings.deadline) == (9000, "127.0.0.1", 5.0)
    assert settings.allow_private == ("10.0.0.0/8", "fd00::/8")
    assert settings.key("events.key") == (tmp_path / "events.key").read_text("ascii")


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "events.key").write_text("not a key")
    found = faults(
        {
            "PORT": "0",
            "BROKER_URL": "broker.example",
            "CLAUDE_MONITOR_KEYS": str(tmp_path),
            "CLAUDE_MONITOR_ALLOW_PRIVATE": "home",
            "CLAUDE_MONITOR_DEADLINE": "61",
            "CLAUDE_MONITOR_SMTP_URL": "http://mail.example",
            "CLAUDE_MONITOR_SENDGRID_URL": "api.sendgrid.example",
            "CLAUDE_MONITOR_SENDGRID_API_KEY": "SG.two\nlines",
            "CLAUDE_MONITOR_MAIL_FROM": "nobody",
        },
        needs=["broker_url", "database_url"],
        keys=["events.key", "poll.key"],
    )
    assert set(found) == {
        "PORT",
        "BROKER_URL",
        "CLAUDE_MONITOR_KEYS",
        "CLAUDE_MONITOR_ALLOW_PRIVATE",
        "CLAUDE_MONITOR_DEADLINE",
        "CLAUDE_MONITOR_SMTP_URL",
        "CLAUDE_MONITOR_SENDGRID_URL",
        "CLAUDE_MONITOR_SENDGRID_API_KEY",
        "CLAUDE_MONITOR_MAIL_FROM",
        "CLAUDE_MONITOR_DATABASE_URL",
        "events.key line 1",
    }


def test_of_two_needs_that_replace_each_other_one_will_do() -> None:
    needs = ["smtp_url or sendgrid_api_key"]
    name = "CLAUDE_MONITOR_SMTP_URL or CLAUDE_MONITOR_SENDGRID_API_KEY"
    assert faults({}, needs=needs) == {name: "must be set for this function"}
    for setting in ("SMTP_URL=smtp://mail.example", "SENDGRID_API_KEY=SG.key"):
        field, _, value = setting.partition("=")
        assert Settings.read({f"CLAUDE_MONITOR_{field}": value}, needs=needs)


@pytest.mark.parametrize("text", ["soon", "-1", "0", "1e1", "٣", "21", "5.5"])
def test_a_deadline_that_is_no_whole_number_in_range_is_refused(text: str) -> None:
    assert "from 1 to 20" in faults({"CLAUDE_MONITOR_DEADLINE": text})["CLAUDE_MONITOR_DEADLINE"]


@pytest.mark.parametrize("url", ["ftp://x", "http://", "//x", "http://[", "http://x:99999"])
def test_an_address_that_cannot_be_is_refused(url: str) -> None:
    assert "begins with http://" in faults({"BROKER_URL": url})["BROKER_URL"]


@pytest.mark.parametrize(
    "sender", ["monitor@bücher.example", "wächter@example.org", "<@example.org>", "a@b\nc", "a b@c"]
)
def test_a_sender_that_no_mail_server_takes_is_refused(sender: str) -> None:
    found = faults({"CLAUDE_MONITOR_MAIL_FROM": sender})
    assert "xn--" in found["CLAUDE_MONITOR_MAIL_FROM"]


@pytest.mark.parametrize("sender", ["me@localhost", "Wächter <w@example.org>", "<w@example.org>"])
def test_the_name_of_a_sender_may_be_any(sender: str) -> None:
    assert Settings.read({"CLAUDE_MONITOR_MAIL_FROM": sender}).mail_from == sender


@pytest.mark.parametrize(
    "url", ["http://user:hunter2@broker/", "http://broker/a b", "http://2130706433/", "http://x:08"]
)
def test_an_address_that_no_event_could_be_posted_to_is_refused_at_the_start(url: str) -> None:
    found = faults({"BROKER_URL": url}, needs=["broker_url"])
    assert "without user name" in found["BROKER_URL"]
    assert "hunter2" not in str(found)


def test_no_fault_repeats_a_secret() -> None:
    url, key = "smtpx://me:hunter2@mail.example", "SG. hunter2"
    wrong = {"CLAUDE_MONITOR_SMTP_URL": url, "CLAUDE_MONITOR_SENDGRID_API_KEY": key}
    assert "hunter2" not in str(faults(wrong))
