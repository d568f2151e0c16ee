"""Faults of settings that no type can say: addresses, networks, what needs something else."""

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from functions.core.errors import Fault

if TYPE_CHECKING:
    from mcp_service.settings import Settings

INFLUXDB = ("influxdb_url", "influxdb_org", "influxdb_bucket", "influxdb_token")
ON_CLUSTER = ("broker_url", "poll_url", *INFLUXDB)
"""Settings that have no default when monitors run on Knative."""
_ASKED = ("broker_url", "heartbeat_url", "poll_url")
"""Addresses for the client that asks for monitors, which reads them strictly."""
SHORTEST_TOKEN = 32
"""Bytes of a bearer token that cannot be guessed."""


def joint_faults(settings: "Settings", prefix: str) -> list[Fault]:
    """Everything wrong with these settings that their types do not show."""
    found = [*_token_faults(settings), *_url_faults(settings), *_network_faults(settings)]
    found += [*_cluster_faults(settings), *_sendgrid_faults(settings)]
    return [Fault(prefix + fault.field.upper(), fault.problem) for fault in found]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _token_faults(settings: "Settings") -> list[Fault]:
    length = len(settings.token.encode())
    if settings.token and length < SHORTEST_TOKEN:
        return [Fault("token", f"has {length} bytes; use {SHORTEST_TOKEN} or more")]
    if not settings.token and not is_loopback(settings.host):
        return [
            Fault(
                "token",
                f"is required when listening beyond this machine ({SHORTEST_TOKEN} bytes or more);"
                " or listen on 127.0.0.1",
            )
        ]
    return []


def _url_faults(settings: "Settings") -> list[Fault]:
    found = []
    for field, schemes in (
        ("url", ("http", "https")),
        ("heartbeat_url", ("http", "https")),
        ("influxdb_url", ("http", "https")),
        ("broker_url", ("http", "https")),
        ("poll_url", ("http", "https")),
        ("sendgrid_url", ("http", "https")),
        ("smtp_url", ("smtp", "smtps")),
        ("redis_url", ("redis", "rediss")),
    ):
        value = getattr(settings, field)
        if value and not _has_scheme(value, schemes):
            shapes = " or ".join(f"{scheme}://host" for scheme in schemes)
            found.append(Fault(field, f"must look like {shapes}"))
        elif value and field in _ASKED and not _is_strict(value):
            problem = "must be like http://host.example/path, without user name or password"
            found.append(Fault(field, problem))
    if "://" not in settings.database_url:
        found.append(Fault("database_url", "must look like sqlite:////path/to/file.db"))
    return found


def _cluster_faults(settings: "Settings") -> list[Fault]:
    if settings.runtime != "knative":
        return []
    found = [
        Fault(name, "must be set when monitors run on knative; see knative/base")
        for name in ON_CLUSTER
        if not getattr(settings, name)
    ]
    if settings.database_url.startswith("sqlite"):
        found.append(Fault("database_url", "must be a server that the functions reach, too"))
    return found


def _sendgrid_faults(settings: "Settings") -> list[Fault]:
    found = []
    key, place = settings.sendgrid_api_key, settings.sendgrid_url
    if not key.isascii() or not key.isprintable() or " " in key:
        found.append(Fault("sendgrid_api_key", "must be one word of plain letters and signs"))
    if _has_scheme(place, ("http",)) and not is_loopback(urlsplit(place).hostname or ""):
        found.append(Fault("sendgrid_url", "must begin with https://, for our key is sent there"))
    return found


def _has_scheme(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_strict(value: str) -> bool:
    from functions.core.web import is_strict  # noqa: PLC0415 - the bridge starts without

    return is_strict(value)


def _network_faults(settings: "Settings") -> list[Fault]:
    found = []
    for network in settings.allow_private:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            found.append(Fault("allow_private", "each part must be a network such as 10.0.0.0/8"))
    return found
