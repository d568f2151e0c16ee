"""What every channel must keep. A new file in functions/channels joins by itself."""

import inspect
from pathlib import Path
from typing import Any

import msgspec
import pytest

import functions.channels
from functions.channels import load, names
from functions.core.channel import ChannelKind, Lent, configured_channel
from functions.core.errors import AccessDenied, InvalidConfiguration, NotFound
from functions.core.form import questions

LENT = Lent(
    smtp_url="smtp://127.0.0.1:1",
    sendgrid_api_key="SG.test",
    sendgrid_url="http://127.0.0.1:1",
    mail_from="Monitor <monitor@example.org>",
)
SECRETIVE = ("password", "token", "secret", "key", "credential")

pytestmark = pytest.mark.parametrize("kind", names())


def example(kind: type[ChannelKind]) -> dict[str, Any]:
    """The first example of each required field."""
    schema = next(iter(msgspec.json.schema(kind)["$defs"].values()))
    return {
        name: field["examples"][0]
        for name, field in schema["properties"].items()
        if name in schema["required"]
    }


def test_the_file_is_the_kind(kind: str) -> None:
    assert issubclass(load(kind), ChannelKind)
    assert Path(inspect.getfile(load(kind))).stem == kind
    assert Path(inspect.getfile(load(kind))).parent == Path(functions.channels.__file__).parent


def test_no_question_is_without_words(kind: str) -> None:
    assert inspect.getdoc(load(kind))
    assert load(kind).keywords
    for question in questions(load(kind)):
        assert question.title, question.name
        assert question.description.endswith("."), question.name


def test_no_field_looks_like_a_secret(kind: str) -> None:
    fields = [question.name.lower() for question in questions(load(kind))]
    assert not [name for name in fields if any(word in name for word in SECRETIVE)]


def test_its_own_example_is_accepted_and_can_send(kind: str) -> None:
    channel = configured_channel(load(kind), example(load(kind))).sender(LENT)
    assert inspect.iscoroutinefunction(channel.send)


def test_all_faults_are_reported_at_once(kind: str) -> None:
    wrong = dict.fromkeys(example(load(kind)), 7) | {"no_such_field": "x"}
    with pytest.raises(InvalidConfiguration) as refused:
        configured_channel(load(kind), wrong)
    assert {fault.field for fault in refused.value.faults} == set(wrong)


def test_a_runtime_that_lends_nothing_is_told_what_to_set(kind: str) -> None:
    channel = configured_channel(load(kind), example(load(kind)))
    with pytest.raises(AccessDenied, match="set CLAUDE_MONITOR_"):
        channel.sender(Lent())


def test_an_unknown_kind_names_the_known_ones(kind: str) -> None:
    with pytest.raises(NotFound, match=kind):
        load("pigeon")
