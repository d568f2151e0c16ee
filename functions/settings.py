"""Every environment variable of a function, once. What is wrong is reported all at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from functions.core.errors import Fault, InvalidConfiguration
from functions.core.keyring import parse_keys

PREFIX = "CLAUDE_MONITOR_"
_PLAIN = ("broker_url", "host", "port")
"""Named without our prefix: Knative and its users know them by these names."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`deadline` is the seconds of one poll; `readings` a SQLite file; URLs carry their scheme."""

    keys: str = "/etc/claude-monitor/keys"
    allow_private: tuple[str, ...] = ()
    broker_url: str = ""
    database_url: str = ""
    readings: str = ""
    smtp_url: str = ""
    mail_from: str = ""
    deadline: float = 10.0
    host: str = "0.0.0.0"  # noqa: S104 - a pod's address is not known beforehand
    port: int = 8080

    @staticmethod
    def read(
        environ: Mapping[str, str], *, needs: Sequence[str] = (), keys: Sequence[str] = ()
    ) -> "Settings":
        """The settings of this environment; `needs` are the fields and `keys` the key files this
        function cannot do without. Raises InvalidConfiguration with every fault."""
        given = {
            field: environ[variable(field)].strip()
            for field in Settings.__struct_fields__
            if environ.get(variable(field), "").strip()
        }
        found = [
            Fault(variable(field), "is not set, and this function needs it")
            for field in needs
            if field not in given
        ]
        values = {field: _value(field, text, found) for field, text in given.items()}
        settings = msgspec.convert(values, Settings)
        found += [fault for name in keys for fault in settings.key_faults(name)]
        if found:
            raise InvalidConfiguration(*found)
        return settings

    def key(self, name: str) -> str:
        """The text of a key file (`spec.pub`, `events.key`), read when first needed. Raises
        InvalidConfiguration when it is not there."""
        try:
            return Path(self.keys, name).read_text("ascii")
        except (OSError, UnicodeError) as error:
            problem = "cannot be read there; `claude-monitor setup` makes it"
            raise InvalidConfiguration(
                Fault(f"{variable('keys')}/{name}", problem), cause=type(error).__name__
            ) from error

    def key_faults(self, name: str) -> tuple[Fault, ...]:
        """What is wrong with a key file; nothing when it can be read and holds keys."""
        try:
            parse_keys(self.key(name))
        except InvalidConfiguration as error:
            return tuple(
                Fault(variable("keys"), f"{name}: {fault.problem}") for fault in error.faults
            )
        return ()


def variable(field: str) -> str:
    """The environment variable of a field."""
    return field.upper() if field in _PLAIN else PREFIX + field.upper()


def _value(field: str, text: str, found: list[Fault]) -> object:
    """The field's value; adds to `found` what is wrong with it."""
    if field == "allow_private":
        return _networks(text, found)
    if field in _NUMBERS:
        return _number(field, text, found)
    if schemes := _SCHEMES.get(field):
        _check_address(field, text, schemes, found)
    return text


_NUMBERS = {"deadline": (1, 60), "port": (1, 65_535)}
_SCHEMES = {"broker_url": ("http", "https"), "smtp_url": ("smtp", "smtps")}


def _number(field: str, text: str, found: list[Fault]) -> float:
    least, most = _NUMBERS[field]
    whole = text.isascii() and text.isdigit()
    if not whole or not least <= int(text) <= most:
        found.append(Fault(variable(field), f"must be a whole number from {least} to {most}"))
        return least
    return int(text)


def _check_address(field: str, text: str, schemes: Sequence[str], found: list[Fault]) -> None:
    try:
        parts = urlsplit(text)
        good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        accepted = " or ".join(f"{scheme}://" for scheme in schemes)
        found.append(Fault(variable(field), f"must be an address that begins with {accepted}"))


def _networks(text: str, found: list[Fault]) -> tuple[str, ...]:
    from functions.core.addresses import networks  # noqa: PLC0415 - rarely set; cold start

    listed = tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        networks(listed)
    except InvalidConfiguration as error:
        found.extend(error.faults)
    return listed
