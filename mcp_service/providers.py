"""What can be watched: found from a person's sentence, and described. Knows no provider by name."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

from functions import providers
from functions.core.form import Question
from functions.core.provider import Metric, Provider, describe
from mcp_service.refusals import Unknown
from mcp_service.results import Next, Result

PLAIN = "1"
"""The unit of numbers that count nothing in particular."""
_NEEDS = {
    "a price or an exchange": "price bitcoin btc eth ethereum crypto stock exchange ticker coin",
    "a mailbox": "mailbox inbox imap gmail",
    "a database or a query": "database sql mysql mariadb postgres postgresql query",
    "the inside of a server (disk, memory)": "disk cpu memory ram ssh swap",
    "a repository or a build": "repository repo github gitlab release commit pipeline",
    "a changed passage of a page": "changes changed different selector passage paragraph",
    "a hook that calls us": "webhook hook cronjob backup",
}
"""What people ask for most. A kind counts as possible as soon as a provider has its word among the
keywords, so this list only makes a refusal precise."""


def kind_of(name: str) -> type[Provider]:
    """The provider's struct. Raises Unknown with the names that look alike."""
    if name not in providers.names():
        raise Unknown("provider", name, own=providers.names())
    return providers.load(name)


def find_provider(sentence: str) -> Result:
    """Whether the wish can be met: yes, only nearly, or not at all; and what would be missing."""
    found = providers.find(sentence)
    missing = _missing(sentence)
    if not found:
        return _cannot(missing)
    name = found[0].name
    where = ", if its source tells it as a number" if missing else ""
    if kind_of(name).any_number:
        missing = []
    verdict = "nearest" if missing or found[0].score < 2 else "can"
    yes = f"Yes: {name} can do this{where}."
    opening = yes if verdict == "can" else f"Not fully; nearest: {name}."
    lacking = f" Not possible yet: watching {', '.join(missing)}." if missing else ""
    return Result(
        summary=f"{opening}{lacking}",
        data={
            "verdict": verdict,
            "provider": name,
            "why": _joined(describe(kind_of(name)).about.partition("\n\n")[0]),
            "metrics": [metric.name for metric in _metrics(kind_of(name))],
            "missing": missing,
            "others": [other.name for other in found[1:4]],
        },
        next=(Next("describe_provider", "See its questions and rules.", {"provider": name}),),
    )


@cache
def describe_provider(name: str) -> Result:
    """Everything needed to write a configuration for it."""
    kind = kind_of(name)
    words = describe(kind)
    required = [question.name for question in words.questions if question.required]
    return Result(
        summary=f"{name} needs {', '.join(required) or 'nothing'}; the rest has defaults.",
        data={
            "provider": name,
            "about": _joined(words.about),
            "questions": [
                _asked(question)
                for question in sorted(words.questions, key=lambda question: not question.required)
            ],
            "interval": words.interval,
            "metrics": [_metric(metric) for metric in _metrics(kind)],
            "secrets": msgspec.to_builtins(words.secrets),
            "default_rules": msgspec.to_builtins(words.default_rules),
            "templates": msgspec.to_builtins(words.templates),
        },
        next=(Next("check_monitor", "Try a configuration once, live.", {"provider": name}),),
    )


def units(provider: Provider, names: Iterable[str]) -> dict[str, str]:
    """What these metrics are counted in; plain numbers are left out."""
    known = {metric.name: metric.unit for metric in provider.metrics()}
    return {name: known[name] for name in names if known.get(name, PLAIN) != PLAIN}


def _cannot(missing: list[str]) -> Result:
    known = providers.names()
    if missing:
        said = f"Nothing here can do this. Watching {', '.join(missing)} is not possible yet."
    else:
        said = "No provider was found by these (English) words; one may fit all the same."
    look = "See what it can watch."
    return Result(
        summary=f"{said} There is: {', '.join(known)}.",
        data={"verdict": "cannot", "missing": missing, "providers": list(known)},
        next=tuple(Next("describe_provider", look, {"provider": name}) for name in known[:3]),
    )


def _missing(sentence: str) -> list[str]:
    """The kinds of source that the sentence asks for and nobody here offers."""
    words = set(re.findall(r"[a-z]+", sentence.lower()))
    kinds = [kind_of(name) for name in providers.names()]
    possible = {word for kind in kinds for word in kind.keywords}
    return [need for need, said in _NEEDS.items() if words & set(said.split()) - possible]


def _asked(question: Question) -> dict[str, Any]:
    """A question without what is said already: its choices are what it accepts."""
    said: dict[str, Any] = msgspec.to_builtins(question)
    del said["choices"]
    return said if question.required else {k: v for k, v in said.items() if k != "required"}


def _metric(metric: Metric) -> dict[str, str]:
    said: dict[str, str] = msgspec.to_builtins(metric)
    return {name: value for name, value in said.items() if (name, value) != ("unit", PLAIN)}


def _joined(text: str) -> str:
    return " ".join(text.split())


def _metrics(kind: type[Provider]) -> list[Metric]:
    """What it returns however it is configured: the metrics that all its templates share. Those
    that a configuration adds are said by its fields, and by the check."""
    samples = [msgspec.convert(template.config, kind).metrics() for template in kind.templates]
    return [metric for metric in samples[0] if all(metric in sample for sample in samples)]
