"""Every environment variable of a function, once. What is wrong is reported all at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from functions.core.errors import Fault, InvalidConfiguration, SourceUnavailable
from functions.core.keyring import parse_keys

PREFIX = "CLAUDE_MONITOR_"
_PLAIN = ("broker_url", "host", "port")
"""Named without our prefix: Knative and its users know them by these names."""
_NUMBERS = {"deadline": (1, 20), "port": (1, 65_535)}
"""Two looks, the pause between them and the post to the Broker fit into a poll's 60 seconds."""
_SCHEMES = {
    "broker_url": ("http", "https"),
    "influxdb_url": ("http", "https"),
    "redis_url": ("redis", "rediss"),
    "sendgrid_url": ("http", "https"),
    "smtp_url": ("smtp", "smtps"),
}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`deadline` is the seconds of one poll; `readings` a SQLite file; URLs carry their scheme."""

    keys: str = "/etc/claude-monitor/keys"
    allow_private: tuple[str, ...] = ()
    broker_url: str = ""
    database_url: str = ""
    readings: str = ""
    influxdb_url: str = ""
    influxdb_org: str = ""
    influxdb_bucket: str = ""
    influxdb_token: str = ""
    redis_url: str = ""
    smtp_url: str = ""
    sendgrid_api_key: str = ""
    sendgrid_url: str = ""
    mail_from: str = ""
    deadline: float = 10.0
    host: str = "0.0.0.0"  # noqa: S104 - a pod's address is not known beforehand
    port: int = 8080

    @staticmethod
    def read(
        environ: Mapping[str, str], *, needs: Sequence[str] = (), keys: Sequence[str] = ()
    ) -> "Settings":
        """The settings of this environment; `needs` are the fields (`this or that` where one will
        do) and `keys` the key files this function cannot do without. Raises InvalidConfiguration
        with every fault."""
        given = {
            field: environ[variable(field)].strip()
            for field in Settings.__struct_fields__
            if environ.get(variable(field), "").strip()
        }
        found = [*_missing(needs, given), *_unposted(needs, given)]
        found += [fault for field, text in given.items() for fault in _faults(field, text)]
        places = Settings(keys=given.get("keys", Settings().keys))
        found += [fault for name in keys for fault in places.key_faults(name)]
        if found:
            raise InvalidConfiguration(*found)
        listed = {"allow_private": _listed(given.get("allow_private", ""))}
        return msgspec.convert(given | listed, Settings, strict=False)

    def key(self, name: str) -> str:
        """The text of a key file (`spec.pub`, `events.key`), read when needed. Raises
        SourceUnavailable when it holds no keys: no event is to blame, so all come again."""
        try:
            return self._keys(name)
        except InvalidConfiguration as error:
            message = f"A key of ours cannot be used: {error.message}"
            raise SourceUnavailable(message, cause=error.cause) from error

    def key_faults(self, name: str) -> tuple[Fault, ...]:
        """What is wrong with a key file; nothing when it can be read and holds keys."""
        try:
            self._keys(name)
        except InvalidConfiguration as error:
            return error.faults
        return ()

    def _keys(self, name: str) -> str:
        try:
            text = Path(self.keys, name).read_text("ascii")
        except (OSError, UnicodeError) as error:
            problem = f"has no key file {name} to read; `claude-monitor setup` makes it"
            raise InvalidConfiguration(
                Fault(variable("keys"), problem), cause=type(error).__name__
            ) from error
        parse_keys(text, file=name)
        return text


def variable(field: str) -> str:
    """The environment variable of a field."""
    return field.upper() if field in _PLAIN else PREFIX + field.upper()


def _missing(needs: Sequence[str], given: Mapping[str, str]) -> Iterator[Fault]:
    for need in needs:
        fields = need.split(" or ")
        if not any(field in given for field in fields):
            names = " or ".join(map(variable, fields))
            yield Fault(names, "must be set for this function")


def _unposted(needs: Sequence[str], given: Mapping[str, str]) -> Iterator[Fault]:
    """Whoever posts events does so with a client that reads addresses strictly."""
    url = given.get("broker_url", "") if "broker_url" in needs else ""
    if _is_address(url, _SCHEMES["broker_url"]):
        from functions.core.web import is_strict  # noqa: PLC0415 - the others start without

        if not is_strict(url):
            words = "must be a plain address like http://host/path, without user name or password"
            yield Fault(variable("broker_url"), words)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _faults(field: str, text: str) -> Sequence[Fault]:
    if field == "allow_private":
        return _network_faults(text)
    problem = _problem(field, text)
    return [Fault(variable(field), problem)] if problem else ()


def _problem(field: str, text: str) -> str:
    """What is wrong with the text, or nothing."""
    if field in _NUMBERS and not _is_number(text, _NUMBERS[field]):
        least, most = _NUMBERS[field]
        return f"must be a number from {least} to {most}"
    if field in _SCHEMES and not _is_address(text, _SCHEMES[field]):
        accepted = " or ".join(f"{scheme}://" for scheme in _SCHEMES[field])
        return f"must be an address that begins with {accepted}"
    takes, problem = _OTHERS.get(field, (bool, ""))
    return "" if takes(text) else problem


def _is_number(text: str, bounds: tuple[int, int]) -> bool:
    return text.isascii() and text.isdigit() and bounds[0] <= int(text) <= bounds[1]


def _is_header(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _is_sender(text: str) -> bool:
    """Whether its address, alone or behind a name, is plain ASCII: mail servers take no other."""
    address = text.rpartition("<")[2].removesuffix(">")
    name, _, domain = address.partition("@")
    return bool(name and domain) and _is_header(address) and text.isprintable()


def _is_address(text: str, schemes: Sequence[str]) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _network_faults(text: str) -> Sequence[Fault]:
    from functions.core.addresses import networks  # noqa: PLC0415 - rarely set; cold start

    try:
        networks(_listed(text))
    except InvalidConfiguration as error:
        return error.faults
    return ()


_OTHERS: dict[str, tuple[Callable[[str], bool], str]] = {
    "mail_from": (
        _is_sender,
        "must be monitor@example.org or Monitor <monitor@example.org>, the address in plain "
        "letters; write the domain bücher.example as xn--bcher-kva.example",
    ),
    "sendgrid_api_key": (_is_header, "must be one word of plain letters, digits and signs"),
}
"""What else a field must be, and how that is said."""
