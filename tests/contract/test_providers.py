"""What every provider keeps. A new file in functions/providers joins by itself."""

import inspect
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from functions import providers
from functions.clients.http import outbound_http
from functions.core.errors import InvalidConfiguration, NotFound
from functions.core.form import Question
from functions.core.monitor import MonitorSpec
from functions.core.provider import Context, Provider, configured, describe, faults
from functions.core.reading import Reading
from functions.core.rule_text import parse
from tests.servers.website import Website

ROOT = Path(providers.__file__).parents[2]
IMAGES = {"base"}
UNITS = {"1", "ms", "days", "bytes"}
HEAVY = {
    *("pycares", "pycurl", "jsonpath", "requests", "sqlalchemy", "mcp", "pydantic"),
    "functions_framework",
}
SECRET = re.compile(r"password|passwd|secret|token|credential|api_?key", re.IGNORECASE)
ADDRESS_FIELDS = {"url"}

every_provider = pytest.mark.parametrize("name", providers.names())


def example(kind: type[Provider]) -> dict[str, Any]:
    """A configuration that its author vouches for."""
    return dict(kind.templates[0].config)


def context(name: str, kind: type[Provider], config: dict[str, Any]) -> Context:
    spec = MonitorSpec(
        id="m1",
        tenant="local",
        version=1,
        provider=name,
        config=config,
        interval=kind.interval,
        phase=0,
    )
    return Context(
        spec=spec,
        slot=60,
        clock=Stopped(),
        http=outbound_http(["127.0.0.0/8"]),
        opener=NoSecrets(),
        log=logging.getLogger(__name__),
        deadline=5.0,
    )


class Stopped:
    def now(self) -> float:
        return 60.0

    def monotonic(self) -> float:
        return 60.0


class NoSecrets:
    def open(self, tenant: str, name: str, host: str, sealed: str) -> str:
        raise AssertionError("no secret was given, so none can be opened")


def test_the_folder_is_the_registry() -> None:
    files = {path.stem for path in Path(providers.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(providers.names()) == files
    with pytest.raises(NotFound, match="did you mean website"):
        providers.load("webstie")


@every_provider
def test_it_is_one_frozen_struct_that_refuses_unknown_fields(name: str) -> None:
    kind = providers.load(name)
    assert issubclass(kind, Provider)
    assert kind.__struct_config__.frozen
    assert kind.__struct_config__.forbid_unknown_fields


@every_provider
def test_no_question_is_without_words(name: str) -> None:
    kind = providers.load(name)
    assert len(describe(kind).about) > 40
    for question in describe(kind).questions:
        assert question.title, question.name
        assert question.description.endswith("."), question.name
        assert "a value" not in question.accepts, question.name


@every_provider
def test_its_fields_fit_a_form(name: str) -> None:
    """Primitives, lists or maps of them, at most one flat struct deep."""
    schema = msgspec.json.schema(providers.load(name))
    shapes = schema["$defs"]
    own = shapes.pop(providers.load(name).__name__)
    for field in own["properties"].values():
        assert is_flat(field) or field.get("$ref", "").rpartition("/")[2] in shapes
    for inner in shapes.values():
        assert all(is_flat(field) for field in inner["properties"].values())


def is_flat(field: dict[str, Any]) -> bool:
    inside = [field.get("items"), field.get("additionalProperties")]
    nested = [inner for inner in inside if isinstance(inner, dict)]
    plain = "$ref" not in field and "properties" not in field
    return plain and all(inner.get("type") not in ("array", "object") for inner in nested)


@every_provider
def test_no_field_looks_like_a_secret(name: str) -> None:
    kind = providers.load(name)
    assert not [field for field in kind.__struct_fields__ if SECRET.search(field)]
    assert all(slot.name and slot.help for slot in kind.secrets)


@every_provider
def test_each_example_sentence_finds_it_first(name: str) -> None:
    kind = providers.load(name)
    assert len(kind.examples) >= 3
    for sentence in kind.examples:
        assert providers.find(sentence)[0].name == name, sentence


@every_provider
def test_each_required_field_is_asked_for_and_each_wrong_one_is_named(name: str) -> None:
    kind = providers.load(name)
    required = {q.name for q in describe(kind).questions if q.required}
    assert {fault.field for fault in faults(kind, {})} == required
    wrong = {q.name: object_of_no_type(q) for q in describe(kind).questions}
    found = {fault.field for fault in faults(kind, wrong | {"unheard_of": 1})}
    assert found == {*wrong, "unheard_of"}, "all faults at once"


def object_of_no_type(question: Question) -> Any:
    return 1.5 if "number" not in question.accepts else "many"


@every_provider
def test_its_templates_are_complete_and_their_rules_are_about_declared_metrics(name: str) -> None:
    kind = providers.load(name)
    for template in kind.templates:
        provider = configured(kind, template.config)
        declared = {metric.name for metric in provider.metrics()}
        assert {parse(text).condition.metric for text in template.rules} <= declared


@every_provider
def test_its_default_rules_are_about_declared_metrics(name: str) -> None:
    kind = providers.load(name)
    declared = {metric.name for metric in configured(kind, example(kind)).metrics()}
    assert kind.default_rules
    assert {parse(rule.text).condition.metric for rule in kind.default_rules} <= declared


@every_provider
def test_each_metric_has_a_unit_and_a_meaning_and_one_name(name: str) -> None:
    kind = providers.load(name)
    metrics = configured(kind, example(kind)).metrics()
    assert len({metric.name for metric in metrics}) == len(metrics)
    assert {metric.unit for metric in metrics} <= UNITS
    assert all(metric.meaning for metric in metrics)


@every_provider
def test_each_secret_is_bound_to_hosts(name: str) -> None:
    kind = providers.load(name)
    provider = configured(kind, example(kind))
    for slot in kind.secrets:
        assert provider.hosts(slot.name)


@every_provider
def test_its_image_exists_and_poll_waits_without_blocking(name: str) -> None:
    kind = providers.load(name)
    assert kind.image in IMAGES
    assert inspect.iscoroutinefunction(kind.poll)
    assert kind.poll is not Provider.poll


@every_provider
def test_importing_it_needs_only_what_every_function_has(name: str) -> None:
    script = f"import sys, functions.providers.{name}; print(*sys.modules)"
    run = [sys.executable, "-c", script]
    loaded = subprocess.run(run, cwd=ROOT, check=True, capture_output=True, text=True)
    assert not {module.partition(".")[0] for module in loaded.stdout.split()} & HEAVY


@every_provider
def test_its_class_remembers_nothing(name: str) -> None:
    kind = providers.load(name)
    with pytest.raises(AttributeError):
        configured(kind, example(kind)).seen = 1  # type: ignore[attr-defined]  # the point


@every_provider
@pytest.mark.anyio
async def test_what_a_poll_returns_is_declared(name: str, website: Website) -> None:
    kind = providers.load(name)
    config = example(kind) | {"url": website.url}
    provider = configured(kind, config)
    lent = context(name, kind, config)
    reading = await provider.poll(lent)
    assert isinstance(reading, Reading)
    assert reading.metrics
    assert set(reading.metrics) <= {metric.name for metric in provider.metrics()}
    assert (reading.monitor, reading.slot, reading.failure) == ("m1", 60, None)


@every_provider
@pytest.mark.anyio
async def test_every_address_it_is_given_goes_through_the_door(name: str) -> None:
    kind = providers.load(name)
    for field in ADDRESS_FIELDS & set(kind.__struct_fields__):
        config = example(kind) | {field: "http://169.254.169.254/latest/meta-data/"}
        with pytest.raises(InvalidConfiguration, match="CLAUDE_MONITOR_ALLOW_PRIVATE"):
            await configured(kind, config).poll(context(name, kind, config))
