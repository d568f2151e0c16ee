"""Real database servers of this run, as this machine and as pods see them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import msgspec

from functions.stores.influxdb import InfluxReadings
from tests.cluster.receiver import HOST
from tests.servers.stoppable import InfluxDb, MariaDb, RedisServer


class Databases(msgspec.Struct, frozen=True):
    """Servers that nobody else uses, so that a test may stop them."""

    mariadb: MariaDb
    influxdb: InfluxDb
    redis: RedisServer
    bucket: Mapping[str, str]
    """Address, organisation, token and name, of InfluxDB itself or of what stands before it."""

    @property
    def mysql(self) -> str:
        return self.mariadb.url

    def settings(self) -> dict[str, dict[str, str]]:
        """The Secrets that the overlay makes of them, as pods see the servers."""
        seen = {**self.bucket, "url": from_pods(self.bucket["url"])}
        return {
            "database": {"CLAUDE_MONITOR_DATABASE_URL": from_pods(self.mysql)},
            "readings": {
                f"CLAUDE_MONITOR_INFLUXDB_{name.upper()}": value for name, value in seen.items()
            },
            "redis": {"CLAUDE_MONITOR_REDIS_URL": from_pods(self.redis.url)},
        }

    def readings(self) -> InfluxReadings:
        return InfluxReadings(**self.bucket)


@contextmanager
def databases(folder: Path) -> Iterator[Databases]:
    """New ones, of this run."""
    with (
        MariaDb(folder / "mariadb") as mariadb,
        InfluxDb(folder / "influxdb") as influxdb,
        RedisServer(folder / "redis") as redis,
    ):
        yield Databases(mariadb, influxdb, redis, influxdb.bucket)


def from_pods(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(str(parts.hostname), HOST)))
