"""The only place where things are plugged together."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from functions.alert.alerting import Alerting
from functions.alert.queue import AlertingQueue
from functions.channels import opened
from functions.clients.http import CurlHttp, outbound_http
from functions.core.alert_ports import Channel, ChannelRow
from functions.core.channel import Lent
from functions.core.errors import Fault, InvalidConfiguration
from functions.core.ports import Clock, CursorStore, EventSink, HttpClient, ReadingStore
from functions.core.provider import Loan
from functions.core.reading import Reading
from functions.core.seal import Opener, SpecVerifier
from functions.notify.delivering import Delivering
from functions.poll.polling import Polling
from functions.record.recording import Recording
from functions.stores.sql.alerts import SqlAlertStore
from functions.stores.sql.engine import open_engine
from functions.stores.sql.records import SqlAlertRecords
from functions.stores.sqlite import SqliteReadings
from functions.stores.sqlite_cursors import SqliteCursors
from mcp_service.codes import Codes
from mcp_service.database.codes import SqlCodes
from mcp_service.database.database import Database
from mcp_service.desired import desired, mend
from mcp_service.heartbeat import EVERY, Heartbeat
from mcp_service.keys import read_key, sealing_keys
from mcp_service.loops import Loop
from mcp_service.reconciler import ROUND, Reconciler
from mcp_service.retention import expire
from mcp_service.runtime.embedded import Embedded
from mcp_service.runtime.port import Runtime
from mcp_service.runtime.sink import InProcessSink
from mcp_service.service import Service
from mcp_service.settings import Settings
from mcp_service.watchdog import Watchdog

STALLED = 5.0
"""Seconds without a round of the scheduler after which we do not call ourselves well."""
LAST_POLLS = 15.0
"""Seconds that polls in flight get when the service ends."""

Stores = tuple[Database, SqlAlertRecords, ReadingStore, Codes]
OpenChannel = Callable[[ChannelRow], Channel]

_log = logging.getLogger("claude_monitor")


@dataclass(kw_only=True)
class App:
    """Everything that lives as long as the service."""

    service: Service
    runtime: Embedded
    sink: InProcessSink
    queue: AlertingQueue
    readings: SqliteReadings
    cursors: SqliteCursors
    http: CurlHttp
    loops: dict[str, Loop]
    clock: Clock

    def problems(self) -> list[str]:
        """What keeps the service from its work, in our words; nothing when all is well."""
        stalled = self.clock.monotonic() - self.runtime.scheduler.beat > STALLED
        found = ["the scheduler does not tick"] if stalled else []
        if self.sink.fault:
            found.append(f"readings are not accepted: {self.sink.fault}")
        watched = (loop for name, loop in self.loops.items() if name != "heartbeat")
        return found + [f"{loop.name}: {loop.fault}" for loop in watched if loop.fault]

    async def catch_up(self) -> None:
        """Once, before the first tick: mend what a crash left half done."""
        records = self.service.records
        await asyncio.to_thread(mend, self.service.database, records)
        rows = await asyncio.to_thread(records.monitors)
        if count := await self.sink.catch_up(rows, self.readings):
            _log.info("caught up with %d stored readings", count)

    def runs(self) -> list[Coroutine[object, object, None]]:
        """What goes on until cancelled."""
        return [self.runtime.run(), *(loop.run() for loop in self.loops.values())]

    async def close(self) -> None:
        """Let the polls in flight finish, then let go of everything."""
        await self.runtime.finish(LAST_POLLS)
        self.queue.close()
        self.readings.close()
        self.cursors.close()
        self.http.close()


def plug(settings: Settings, clock: Clock, *, before: float = 0.0) -> App:
    """Build everything; the database must be migrated and the keys made. `before` is when an
    earlier service of this home was last alive."""
    if settings.runtime != "embedded":
        problem = "this command runs monitors in its own process; set it to embedded"
        raise InvalidConfiguration(Fault("CLAUDE_MONITOR_RUNTIME", problem))
    engine = open_engine(settings.database_url)
    store = SqlAlertStore(engine)
    readings = SqliteReadings(settings.readings)
    http = outbound_http(settings.allow_private)
    queue = AlertingQueue(Alerting(store, clock))
    delivering = Delivering(store, opener(settings), clock=clock)
    deliver = Loop("delivery", delivering.sweep, every=5)

    async def submit(reading: Reading) -> None:
        if await queue.submit(reading):
            deliver.wake()

    sink = InProcessSink(Recording(readings), submit)
    cursors = SqliteCursors(Path(settings.home) / "cursors.db")
    runtime = embedded(settings, http, sink=sink, clock=clock, cursors=cursors)
    stores = (Database(engine), SqlAlertRecords(engine), readings, SqlCodes(engine))
    app = App(
        service=bundle(settings, stores, runtime=runtime, clock=clock),
        runtime=runtime,
        sink=sink,
        queue=queue,
        readings=readings,
        cursors=cursors,
        http=http,
        loops={deliver.name: deliver},
        clock=clock,
    )
    app.loops |= _loops(app, settings, before=before)
    return app


def bundle(settings: Settings, stores: Stores, *, runtime: Runtime, clock: Clock) -> Service:
    """What the use cases work with, whatever the runtime."""
    keys = Path(settings.keys)
    database, records, readings, codes = stores
    return Service(
        database=database,
        records=records,
        readings=readings,
        codes=codes,
        runtime=runtime,
        runtime_name=settings.runtime,
        channels=explained(opener(settings), settings),
        clock=clock,
        pepper=bytes.fromhex(read_key(keys, "pepper")),
        sealing_keys=sealing_keys(keys),
        version=our_version(),
    )


def embedded(
    settings: Settings, http: HttpClient, *, sink: EventSink, clock: Clock, cursors: CursorStore
) -> Embedded:
    """The runtime that polls in this process."""
    keys = Path(settings.keys)
    polling = Polling(
        verifier=SpecVerifier(read_key(keys, "spec.pub")),
        loan=Loan(
            clock=clock,
            http=http,
            opener=Opener("poll", read_key(keys, "poll.key")),
            cursors=cursors,
        ),
        sink=sink,
        deadline=settings.deadline,
    )
    signing_key = read_key(keys, "spec.key")
    return Embedded(polling, signing_key=signing_key, clock=clock, concurrency=settings.concurrency)


def opener(settings: Settings) -> OpenChannel:
    """Opens the sender of a channel. Without a way to send mail it raises AccessDenied, so that
    owed messages wait for the operator."""
    return partial(opened, lent=lent(settings))


def lent(settings: Settings) -> Lent:
    """What channels may use."""
    return Lent(
        smtp_url=settings.smtp_url,
        sendgrid_api_key=settings.sendgrid_api_key,
        sendgrid_url=settings.sendgrid_url,
        mail_from=settings.mail_from,
    )


def explained(open_channel: OpenChannel, settings: Settings) -> OpenChannel:
    """For a person who waits for the answer: names the setting that is missing."""

    def channel(row: ChannelRow) -> Channel:
        if not settings.smtp_url and not settings.sendgrid_api_key:
            problem = (
                "is not set, nor CLAUDE_MONITOR_SENDGRID_API_KEY, so no mail can be sent; whoever "
                "runs the service sets one in its settings.env or environment and starts it anew"
            )
            raise InvalidConfiguration(Fault("CLAUDE_MONITOR_SMTP_URL", problem))
        return open_channel(row)

    return channel


def _loops(app: App, settings: Settings, *, before: float) -> dict[str, Loop]:
    database, clock = app.service.database, app.clock
    reconciler = Reconciler(lambda: list(desired(database)), app.runtime)
    watchdog = Watchdog(
        lambda: list(reconciler.wanted.values()),
        app.readings,
        sink=app.sink,
        clock=clock,
        why=lambda monitor, slot: app.runtime.why(monitor, slot) or reconciler.refusal(monitor),
    )
    watchdog.take_over(before, rescheduled=database.monitors.rescheduled)

    forget = partial(expire, app.service, days=settings.retention_days)
    loops = [
        Loop("reconciler", reconciler.step, every=ROUND),
        Loop("watchdog", watchdog.step, every=1),
        Loop("rules", app.sink.settle, every=5),
        Loop("retention", forget, every=3600),
    ]
    if settings.heartbeat_url:
        heartbeat = Heartbeat(app.http, settings.heartbeat_url, problems=app.problems)
        loops.append(Loop("heartbeat", heartbeat.step, every=EVERY))
    return {loop.name: loop for loop in loops}


def our_version() -> str:
    try:
        return version("claude-monitor")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"
