"""The real database servers that the environment names: each test has a place of its own there."""

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, delete, make_url, text

from mcp_service.database import tables

NEXT = "start them (CONTRIBUTING.md, Run the tests) and export what they say"


def named(variable: str) -> str:
    """What the environment says; the test is skipped, and tells so, where it says nothing."""
    value = os.environ.get(variable, "")
    if not value:
        pytest.skip(f"{variable} is not set: {NEXT}")
    return value


@contextmanager
def influxdb() -> Iterator[dict[str, str]]:
    """Address, organisation, token and a name for buckets of one's own, which are deleted."""
    from influxdb_client.client.influxdb_client import InfluxDBClient  # noqa: PLC0415 - slow

    names = {name: named(f"LAB_INFLUXDB_{name.upper()}") for name in ("url", "org", "token")}
    bucket = f"test_{secrets.token_hex(4)}"
    yield names | {"bucket": bucket}
    with InfluxDBClient(names["url"], names["token"], org=names["org"]) as client:
        buckets = client.buckets_api()
        for name in (bucket, f"{bucket}_rollups"):
            if found := buckets.find_bucket_by_name(name):
                buckets.delete_bucket(found)


@contextmanager
def mysql() -> Iterator[str]:
    """The address of a database of one's own, which is dropped."""
    server = make_url(named("LAB_MYSQL_URL"))
    name = f"test_{secrets.token_hex(4)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield server.set(database=name).render_as_string(hide_password=False)
        connection.execute(text(f"DROP DATABASE {name}"))
    engine.dispose()


def emptied(url: str) -> None:
    """Delete all rows of all tables: quicker than a new database for each test."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in reversed(tables.monitors.metadata.sorted_tables):
            connection.execute(delete(table))
    engine.dispose()


def redis_server() -> str:
    """The address of a database that no other process of this run uses."""
    server, _, first = named("LAB_REDIS_URL").rpartition("/")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return f"{server}/{int(first) + int(worker)}"


@contextmanager
def redis(rules: Sequence[str]) -> Iterator[str]:
    """The address of the server for a user of one's own under these ACL rules; the user and all
    that the test wrote are gone afterwards."""
    from redis import Redis  # noqa: PLC0415 - slow

    url = redis_server()
    user = f"test_{secrets.token_hex(4)}"
    with Redis.from_url(url) as server:
        before = set(server.scan_iter())
        server.execute_command("ACL", "SETUSER", user, "on", f">{user}", *rules)
        yield url.replace("redis://", f"redis://{user}:{user}@")
        server.execute_command("ACL", "DELUSER", user)
        if fresh := set(server.scan_iter()) - before:
            server.delete(*fresh)
