"""The provider contract: one msgspec struct whose fields are the form and whose method is the
behaviour. Nothing else in the repository changes when a provider is added."""

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import msgspec

from functions.core.errors import Fault, InvalidConfiguration
from functions.core.form import Question, form_faults, questions
from functions.core.memory import Memory
from functions.core.monitor import MonitorSpec
from functions.core.ports import Clock, CursorStore, HttpClient, SecretOpener
from functions.core.reading import Reading

T = TypeVar("T")


class Metric(msgspec.Struct, frozen=True):
    """One value a provider can return. Units: `ms`, `days`, `bytes`, `1` for plain numbers."""

    name: str
    unit: str
    meaning: str


class SecretSlot(msgspec.Struct, frozen=True):
    """A secret a provider can use: its name in the spec and what to enter. Never a value."""

    name: str
    help: str


class DefaultRule(msgspec.Struct, frozen=True):
    """Offered after the check; `text` is one line of the rule language."""

    name: str
    text: str
    why: str


class Template(msgspec.Struct, frozen=True):
    """A ready-made set-up for a common use."""

    name: str
    use: str
    config: dict[str, Any]
    rules: tuple[str, ...] = ()


class Provider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all providers. Subclasses carry their fields with title and description in
    msgspec.Meta, and implement `poll`."""

    keywords: ClassVar[tuple[str, ...]] = ()
    examples: ClassVar[tuple[str, ...]] = ()
    any_number: ClassVar[bool] = False
    """Whether it reads whatever numbers its source says, so that no subject is beyond it."""
    image: ClassVar[str] = "base"
    interval: ClassVar[int] = 60
    """Seconds between polls unless the person says otherwise."""
    secrets: ClassVar[tuple[SecretSlot, ...]] = ()
    default_rules: ClassVar[tuple[DefaultRule, ...]] = ()
    templates: ClassVar[tuple[Template, ...]] = ()

    def metrics(self) -> tuple[Metric, ...]:
        """Every metric this configuration can return."""
        raise NotImplementedError

    def hosts(self, slot: str) -> tuple[str, ...]:
        """The host names this configuration would send the secret of `slot` to."""
        raise NotImplementedError

    def problems(self) -> tuple[Fault, ...]:
        """Faults that need several fields at once to see; none by default."""
        return ()

    async def poll(self, context: "Context") -> Reading:
        """Observe once. A target that is refused or times out is `up = 0`, not an error."""
        raise NotImplementedError


class Loan(msgspec.Struct, frozen=True, kw_only=True):
    """What the runtime lends to all polls alike."""

    clock: Clock
    http: HttpClient
    opener: SecretOpener
    cursors: CursorStore | None = None


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What the runtime lends a provider for one poll."""

    spec: MonitorSpec
    slot: int
    clock: Clock
    http: HttpClient
    opener: SecretOpener
    log: logging.Logger
    deadline: float
    """Seconds this poll may take in all."""
    memory: Memory = msgspec.field(default_factory=Memory)
    """What the provider knows from the poll before, and leaves to the next one."""

    def secret(self, name: str, host: str) -> str | None:
        """The value of a secret slot for sending to `host`, or None when the monitor has none.

        Raises AccessDenied when it was not sealed for this tenant and host."""
        sealed = self.spec.secrets.get(name)
        return (
            None
            if sealed is None
            else self.opener.open(self.spec.tenant, name, host=host, sealed=sealed)
        )

    async def in_thread(self, call: Callable[[], T]) -> T:
        """Run a blocking client without holding up the other polls."""
        return await asyncio.to_thread(call)

    def reading(
        self, metrics: dict[str, float], texts: dict[str, str] | None = None, *, started: float
    ) -> Reading:
        """The reading of this slot; `started` is `clock.now()` from before the observation."""
        now = self.clock.now()
        return Reading(
            tenant=self.spec.tenant,
            monitor=self.spec.id,
            version=self.spec.version,
            provider=self.spec.provider,
            slot=self.slot,
            interval=self.spec.interval,
            at=now,
            duration=now - started,
            metrics=metrics,
            texts=texts or {},
        )


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """A provider in words, for the wizard and the reference page."""

    about: str
    questions: tuple[Question, ...]
    secrets: tuple[SecretSlot, ...]
    default_rules: tuple[DefaultRule, ...]
    templates: tuple[Template, ...]
    interval: int


def describe(kind: type[Provider]) -> Description:
    """Everything a person is asked and told before the first check."""
    return Description(
        about=inspect.getdoc(kind) or "",
        questions=questions(kind),
        secrets=kind.secrets,
        default_rules=kind.default_rules,
        templates=kind.templates,
        interval=kind.interval,
    )


def configured(kind: type[Provider], config: dict[str, Any]) -> Provider:
    """The provider with these fields. Raises InvalidConfiguration with every fault."""
    if found := faults(kind, config):
        raise InvalidConfiguration(*found)
    return msgspec.convert(config, kind)


def faults(kind: type[Provider], config: dict[str, Any]) -> tuple[Fault, ...]:
    """Every fault of these fields at once; those between fields once each is right by itself."""
    return form_faults(kind, config) or msgspec.convert(config, kind).problems()
