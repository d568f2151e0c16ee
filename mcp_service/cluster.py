"""What lives as long as the service while monitors run on Knative: the functions poll, record,
judge and send; what is left here is to answer, in every replica, and to reconcile and to watch, in
the one that holds the lease."""

import asyncio
import platform
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from functions.clients.broker import BrokerSink, open_broker
from functions.clients.http import CurlHttp, outbound_http
from functions.core.ports import Clock
from functions.stores.influxdb import InfluxReadings
from functions.stores.redis.latest import RedisLatest
from functions.stores.sql.engine import open_engine
from functions.stores.sql.records import SqlAlertRecords
from mcp_service.app import bundle
from mcp_service.database.codes import SqlCodes
from mcp_service.database.database import Database
from mcp_service.dead_letters import serve_sink, sink
from mcp_service.desired import desired, mend
from mcp_service.heartbeat import EVERY, Heartbeat
from mcp_service.http import listen
from mcp_service.keys import read_key
from mcp_service.latest import LatestFirst
from mcp_service.leading import Leading
from mcp_service.lease import Lease
from mcp_service.loops import Loop
from mcp_service.reconciler import ROUND, Reconciler
from mcp_service.redis_codes import RedisCodes
from mcp_service.retention import expire
from mcp_service.runtime.knative import Knative, connect
from mcp_service.runtime.kube_lease import KubeLease
from mcp_service.runtime.poll_function import open_poll
from mcp_service.runtime.redis_users import let_in_again
from mcp_service.service import Service
from mcp_service.settings import Settings
from mcp_service.watchdog import Watchdog

Step = tuple[str, Callable[[], Awaitable[object]], float]
"""Name, what is done, and every how many seconds."""
ASIDE = ("heartbeat", "redis users")
"""Loops that the service's work does not wait for: a Redis that is away is shown by itself."""


@dataclass(kw_only=True)
class ClusterApp:
    """The same to `serve` as the embedded App."""

    service: Service
    runtime: Knative
    readings: LatestFirst
    opened: tuple[InfluxReadings, RedisLatest | None, RedisCodes | None]
    http: CurlHttp
    dead_letters: tuple[str, int]
    broker: BrokerSink
    lease: Lease
    settings: Settings

    def __post_init__(self) -> None:
        self._leading = Leading(self.lease, self._lead)
        self._loops: dict[str, Loop] = {}
        self.service = replace(self.service, leader=self.leader)

    def leader(self) -> str:
        """Who holds the lease, or why that is not known now."""
        return self._leading.fault or self.lease.holder

    def problems(self) -> list[str]:
        """What keeps the service from its work, in our words; nothing when all is well."""
        watched = [loop for name, loop in self._loops.items() if name not in ASIDE]
        named = [("lease", self._leading.fault), *((loop.name, loop.fault) for loop in watched)]
        return [f"{name}: {fault}" for name, fault in named if fault]

    async def catch_up(self) -> None:
        """Nothing: a database that is away must not keep the service from starting, so what was
        left half done is mended by the replica that leads."""

    def runs(self) -> list[Coroutine[object, object, None]]:
        """What goes on until cancelled."""
        keys = partial(read_key, Path(self.settings.keys), "events.key")
        letters = sink(self.service.database.dead_letters, self.service.clock, keys=keys)
        door = listen(*self.dead_letters, setting="CLAUDE_MONITOR_DEAD_LETTER_PORT")
        return [serve_sink(letters, door), self._leading.run()]

    async def _lead(self) -> None:
        """What only the holder of the lease does. Nothing is remembered from an earlier time, in
        which somebody else may have held it."""
        self._loops = _loops(self)
        try:
            async with asyncio.TaskGroup() as group:
                for loop in self._loops.values():
                    group.create_task(loop.run())
        finally:
            self._loops = {}

    async def close(self) -> None:
        await self.runtime.close()
        store, *redis = self.opened
        store.close()
        for one in redis:
            if one is not None:
                await one.close()
        self.http.close()


def plug_cluster(settings: Settings, clock: Clock) -> ClusterApp:
    """Build everything; `claude-monitor setup --cluster` has made the keys and the database."""
    keys = Path(settings.keys)
    engine = open_engine(settings.database_url)
    events_key = read_key(keys, "events.key")
    cluster = connect()
    runtime = Knative(
        cluster,
        signing_key=read_key(keys, "spec.key"),
        ask=open_poll(settings.poll_url, shared_keys=events_key).check,
    )
    opened = store, latest, codes = (
        open_readings(settings),
        open_latest(settings),
        open_codes(settings),
    )
    readings = LatestFirst(store, latest, clock=clock)
    stores = (Database(engine), SqlAlertRecords(engine), readings, codes or SqlCodes(engine))
    lease = Lease(KubeLease(cluster), name=_own_name(), clock=clock)
    service = bundle(settings, stores, runtime=runtime, clock=clock)
    return ClusterApp(
        service=service,
        runtime=runtime,
        readings=readings,
        opened=opened,
        http=outbound_http(settings.allow_private),
        dead_letters=(settings.host, settings.dead_letter_port),
        broker=BrokerSink(open_broker(settings.broker_url, shared_keys=events_key)),
        lease=lease,
        settings=settings,
    )


def open_readings(settings: Settings) -> InfluxReadings:
    """The readings' store that the record function writes to."""
    return InfluxReadings(
        settings.influxdb_url,
        org=settings.influxdb_org,
        bucket=settings.influxdb_bucket,
        token=settings.influxdb_token,
    )


def open_latest(settings: Settings) -> RedisLatest | None:
    """What the record function tells of the latest readings; nothing where no Redis is set."""
    return RedisLatest(settings.redis_url) if settings.redis_url else None


def open_codes(settings: Settings) -> RedisCodes | None:
    """Where codes wait; nothing where no Redis is set, and they are rows."""
    return RedisCodes(settings.redis_url) if settings.redis_url else None


def _own_name() -> str:
    """The pod's, and a part of its own for each start in it."""
    return f"{platform.node()}_{secrets.token_hex(4)}"


def _loops(app: ClusterApp) -> dict[str, Loop]:
    service, settings, lease = app.service, app.settings, app.lease
    reconciler = Reconciler(lambda: list(desired(service.database)), app.runtime)
    watchdog = Watchdog(
        lambda: list(reconciler.wanted.values()),
        app.readings,
        sink=app.broker,
        clock=service.clock,
        why=lambda monitor, _slot: reconciler.refusal(monitor),
        seen=app.readings.slots,
    )
    # Monitors tick without us: the slots before our start count as much as those after it.
    went_on = service.database.monitors.rescheduled
    watchdog.take_over(service.clock.now(), judged=lease.mark, rescheduled=went_on)

    async def mend_halves() -> None:
        await asyncio.to_thread(mend, service.database, service.records)

    async def watch() -> None:
        await watchdog.step()
        lease.mark = watchdog.judged

    steps: list[Step] = [
        ("reconciler", reconciler.step, ROUND),
        # Again and again: the database may go away between the two writes of a deletion, too.
        ("mending", mend_halves, 60),
        ("watchdog", watch, 1),
        ("retention", partial(expire, service, days=settings.retention_days), 3600),
        *_aside(app),
    ]
    return {name: Loop(name, step, every=every, allowed=lease.held) for name, step, every in steps}


def _aside(app: ClusterApp) -> Iterator[Step]:
    """What is only done where it is set, and what the service's work does not wait for."""
    settings = app.settings
    if settings.redis_url:
        users = partial(let_in_again, settings.redis_url, Path(settings.keys))
        yield "redis users", users, 10
    if settings.heartbeat_url:
        heartbeat = Heartbeat(app.http, settings.heartbeat_url, problems=app.problems)
        yield "heartbeat", heartbeat.step, EVERY
