"""One database and one bucket of the real servers, for this run only."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import msgspec
from sqlalchemy import create_engine, make_url, text

from functions.stores.influxdb import InfluxReadings
from tests.cluster.receiver import HOST

NEEDED = ("LAB_MYSQL_URL", "LAB_INFLUXDB_URL", "LAB_INFLUXDB_ORG", "LAB_INFLUXDB_TOKEN")


class Databases(msgspec.Struct, frozen=True):
    """Addresses as this machine sees them; `from_pods` changes the machine's name."""

    mysql: str
    influxdb: str
    org: str
    bucket: str
    token: str

    def settings(self) -> dict[str, dict[str, str]]:
        """The Secrets that the overlay makes of them, as pods see the servers."""
        return {
            "database": {"CLAUDE_MONITOR_DATABASE_URL": from_pods(self.mysql)},
            "readings": {
                "CLAUDE_MONITOR_INFLUXDB_URL": from_pods(self.influxdb),
                "CLAUDE_MONITOR_INFLUXDB_ORG": self.org,
                "CLAUDE_MONITOR_INFLUXDB_BUCKET": self.bucket,
                "CLAUDE_MONITOR_INFLUXDB_TOKEN": self.token,
            },
        }

    def readings(self) -> InfluxReadings:
        return InfluxReadings(self.influxdb, org=self.org, bucket=self.bucket, token=self.token)


@contextmanager
def databases(name: str) -> Iterator[Databases]:
    """A new MariaDB database and a bucket name of this run."""
    server = make_url(os.environ["LAB_MYSQL_URL"])
    own = server.set(database=name).render_as_string(hide_password=False)
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        influxdb, org, token = (os.environ[variable] for variable in NEEDED[1:])
        yield Databases(own, influxdb, org, name, token)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        engine.dispose()


def from_pods(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(str(parts.hostname), HOST)))
