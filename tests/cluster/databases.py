"""One database and one bucket of the real servers for this run, as this machine and as pods see
them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import msgspec

from functions.stores.influxdb import InfluxReadings
from tests.cluster.receiver import HOST
from tests.servers.databases import influxdb, mysql


class Databases(msgspec.Struct, frozen=True):
    """As this machine sees them; `bucket` is the address, org, bucket and token of InfluxDB."""

    mysql: str
    bucket: Mapping[str, str]

    def settings(self) -> dict[str, dict[str, str]]:
        """The Secrets that the overlay makes of them, as pods see the servers."""
        seen = {**self.bucket, "url": from_pods(self.bucket["url"])}
        return {
            "database": {"CLAUDE_MONITOR_DATABASE_URL": from_pods(self.mysql)},
            "readings": {
                f"CLAUDE_MONITOR_INFLUXDB_{name.upper()}": value for name, value in seen.items()
            },
        }

    def readings(self) -> InfluxReadings:
        return InfluxReadings(**self.bucket)


@contextmanager
def databases() -> Iterator[Databases]:
    """New ones, of this run."""
    with mysql() as database, influxdb() as bucket:
        yield Databases(database, bucket)


def from_pods(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(str(parts.hostname), HOST)))
