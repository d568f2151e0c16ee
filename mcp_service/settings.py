"""Every setting of the service, once: one environment variable each, all faults at once."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import msgspec.structs
from msgspec import Meta

from functions.core.errors import Fault, InvalidConfiguration
from mcp_service.settings_faults import joint_faults

PREFIX = "CLAUDE_MONITOR_"
LOCAL_TENANT = "local"
"""The one account there is while nobody signs in."""


def _hidden(description: str, **limits: Any) -> Meta:
    return Meta(description=description, extra={"secret": True}, **limits)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The environment names are these in capitals after `CLAUDE_MONITOR_`."""

    home: Annotated[str, Meta(description="folder of databases, keys and the settings file")]
    host: Annotated[str, Meta(description="address to listen on", min_length=1)] = "127.0.0.1"
    port: Annotated[int, Meta(description="port to listen on", ge=0, le=65535)] = 9122
    url: Annotated[str, Meta(description="a service elsewhere that the bridge talks to")] = ""
    token: Annotated[str, _hidden("bearer token callers must show, 32 bytes or more")] = ""
    allowed_hosts: Annotated[
        tuple[str, ...], Meta(description="more Host headers to accept, by comma")
    ] = ()
    allowed_origins: Annotated[
        tuple[str, ...], Meta(description="more Origin headers to accept, by comma")
    ] = ()
    runtime: Annotated[
        Literal["embedded", "knative"],
        Meta(description="where monitors run", extra={"must": "must be embedded or knative"}),
    ] = "embedded"
    database_url: Annotated[str, _hidden("SQLAlchemy address of the database")] = ""
    readings: Annotated[str, Meta(description="SQLite file of the readings")] = ""
    keys: Annotated[str, Meta(description="folder of the keys")] = ""
    smtp_url: Annotated[str, _hidden("mail server: smtp[s]://user:password@host:port")] = ""
    sendgrid_api_key: Annotated[str, _hidden("with it mails go over SendGrid, not smtp_url")] = ""
    sendgrid_url: Annotated[
        str, Meta(description="SendGrid's address; empty for https://api.sendgrid.com")
    ] = ""
    mail_from: Annotated[
        str,
        Meta(
            description="sender of the mails",
            pattern=r"^[!-?A-~]+@[!-?A-~]+$(?!\n)",
            extra={"must": "must look like name@example.com, in plain letters (xn-- for others)"},
        ),
    ] = "claude-monitor@localhost"
    allow_private: Annotated[
        tuple[str, ...], Meta(description="private networks monitors may reach, CIDR by comma")
    ] = ()
    deadline: Annotated[float, Meta(description="seconds one look may take", ge=1.0, le=20.0)] = (
        10.0
    )
    concurrency: Annotated[int, Meta(description="polls in flight at once", ge=1, le=10_000)] = 200
    retention_days: Annotated[
        int, Meta(description="days that raw readings are kept", ge=1, le=3650)
    ] = 30
    influxdb_url: Annotated[
        str, Meta(description="InfluxDB for the readings, when monitors run on knative")
    ] = ""
    influxdb_org: Annotated[str, Meta(description="organisation in InfluxDB")] = ""
    influxdb_bucket: Annotated[str, Meta(description="bucket in InfluxDB")] = ""
    influxdb_token: Annotated[str, _hidden("token that may read and write there")] = ""
    redis_url: Annotated[
        str,
        _hidden("Redis for cursors, codes and the latest readings, when monitors run on knative"),
    ] = ""
    broker_url: Annotated[str, Meta(description="the Broker, when monitors run on knative")] = ""
    poll_url: Annotated[
        str, Meta(description="the poll function, when monitors run on knative")
    ] = ""
    dead_letter_port: Annotated[
        int, Meta(description="port for the Broker's dead letters, on knative", ge=0, le=65535)
    ] = 9123
    heartbeat_url: Annotated[
        str, _hidden("address fetched every minute while all is well, so that others can watch us")
    ] = ""

    def at(self, port: int) -> str:
        """Where callers on this machine reach a service that listens on `port`."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - a comparison
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def accepted_hosts(self) -> tuple[str, ...]:
        """Host headers that are answered, `:*` for any port."""
        local = ("127.0.0.1:*", "localhost:*", "[::1]:*")
        return (*local, self.host, f"{self.host}:*", *self.allowed_hosts)


class Origin(msgspec.Struct, frozen=True):
    """Where a setting's value came from: environment, settings.env or default."""

    value: str
    source: str


def settings_file(home: Path) -> Path:
    return home / "settings.env"


def home_of(environ: Mapping[str, str]) -> Path:
    return Path(environ.get(PREFIX + "HOME") or "~/.claude-monitor").expanduser().absolute()


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment over the settings file over the defaults.

    Raises InvalidConfiguration with every fault of both."""
    environ = os.environ if environ is None else environ
    given, found = gather(environ)
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(Settings):
        if field.name in given:
            try:
                values[field.name] = _read(given[field.name].value, field)
            except msgspec.ValidationError as error:
                found.append(Fault(PREFIX + field.name.upper(), _problem(field, error)))
    home = home_of(environ)
    settings = Settings(**{**_places(home), **values, "home": str(home)})
    found += joint_faults(settings, PREFIX)
    if found:
        raise InvalidConfiguration(*found)
    return settings


def gather(environ: Mapping[str, str]) -> tuple[dict[str, Origin], list[Fault]]:
    """The given values by setting name, with their source, and the faults of names and lines."""
    written, found = _file_lines(settings_file(home_of(environ)))
    given = {name: Origin(value, "settings.env") for name, value in written.items()}
    for name, value in environ.items():
        if name.startswith(PREFIX):
            given[name.removeprefix(PREFIX)] = Origin(value, "environment")
    known = {field.name.upper() for field in msgspec.structs.fields(Settings)}
    for name in sorted(given.keys() - known):
        found.append(Fault(PREFIX + name, _near_miss(name, known)))
    return {
        name.lower(): origin for name, origin in given.items() if name in known and origin.value
    }, found


def _file_lines(path: Path) -> tuple[dict[str, str], list[Fault]]:
    if not path.exists():
        return {}, []
    found = []
    if path.stat().st_mode & 0o077:
        found.append(Fault("settings.env", f"others can read it; run: chmod 600 {path}"))
    written = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not name or name.startswith("#"):
            continue
        if not equals or not name.startswith(PREFIX):
            found.append(Fault(f"settings.env line {number}", f"must read {PREFIX}NAME=value"))
        else:
            written[name.removeprefix(PREFIX)] = value.strip("\"'")
    return written, found


def _read(value: str, field: msgspec.structs.FieldInfo) -> Any:
    if field.default == ():
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return msgspec.convert(value, field.type, strict=False)


def _places(home: Path) -> dict[str, str]:
    return {
        "database_url": f"sqlite:///{home / 'monitors.db'}",
        "readings": str(home / "readings.db"),
        "keys": str(home / "keys"),
    }


def _problem(field: msgspec.structs.FieldInfo, error: msgspec.ValidationError) -> str:
    must = (meta_of(field).extra or {}).get("must")
    limits = str(error).partition(" - at ")[0].partition(", got")[0].replace("`", "")
    for theirs, ours in (("Expected", "must be"), ("int", "a whole number"), ("float", "a number")):
        limits = limits.replace(theirs, ours)
    return must or limits


def meta_of(field: msgspec.structs.FieldInfo) -> Meta:
    """What is said about a setting: its description and whether it is secret."""
    meta: Meta = field.type.__metadata__[0]
    return meta


def _near_miss(name: str, known: set[str]) -> str:
    import difflib  # noqa: PLC0415 - only a fault needs it, the bridge starts without

    near = difflib.get_close_matches(name, known, n=1)
    return f"no such setting; did you mean {PREFIX}{near[0]}?" if near else "no such setting"
