"""The standing service from start to end: set up, catch up, serve, finish what was begun."""

import asyncio
import gc
import logging
import signal
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import uvicorn
import uvloop
from starlette.types import ASGIApp

from functions.guard import PromptProtocol
from mcp_service.app import App
from mcp_service.chosen import chosen_app, set_up
from mcp_service.clock import SteadyClock
from mcp_service.home import Ownership
from mcp_service.http import BearerOnly, Listener, listen, with_health
from mcp_service.loops import Loop
from mcp_service.server import build, web
from mcp_service.settings import Settings

if TYPE_CHECKING:
    from mcp_service.cluster import ClusterApp

Transport = Literal["http", "sse"]
GOODBYE = 3
"""Seconds that open answers and streams get when the service ends."""
KEEP_ALIVE = 95
"""Seconds that an idle connection is kept: longer than proxies pool theirs."""

Ready = Callable[[str], None]


def serve(settings: Settings, transport: Transport, *, ready: Ready) -> None:
    """Until SIGTERM or SIGINT. `ready` gets the address once calls are answered.

    Raises LimitReached when another service owns the home, InvalidConfiguration when the port is
    taken, SourceUnavailable when a database cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for library in ("mcp", "alembic", "httpx2", "uvicorn"):
        logging.getLogger(library).setLevel(logging.WARNING)
    home = Path(settings.home)
    with closing(Ownership(home)) as ours, closing(listen(settings.host, settings.port)) as door:
        set_up(settings)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_live(settings, ours, door=door, transport=transport, ready=ready))


async def _live(
    settings: Settings, home: Ownership, *, door: Listener, transport: Transport, ready: Ready
) -> None:
    clock = SteadyClock()
    app = chosen_app(settings, clock, before=home.last_alive)
    try:
        await app.catch_up()
        alive = Loop("alive", home.touch, every=1)
        config = _configuration(_asgi(app, settings, transport=transport))
        gc.collect()
        gc.freeze()
        runs = (*app.runs(), alive.run())
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run) for run in runs]
            server = _Server(config, tasks)
            port = door.getsockname()[1]
            url = settings.at(port)
            home.announce(url, clock.now())
            ready(url)
            for number in (signal.SIGTERM, signal.SIGINT):
                # uvicorn raises it once more when it has ended; our own end comes after that.
                signal.signal(number, lambda *_: None)
            await server.serve(sockets=[door])
    finally:
        await app.close()


class _Server(uvicorn.Server):
    """Once told to end, nothing begins any more: `tasks` end before the open answers do, so that a
    successor finds nobody at its work."""

    def __init__(self, config: uvicorn.Config, tasks: Sequence["asyncio.Task[None]"]) -> None:
        super().__init__(config)
        self._tasks = tasks

    async def shutdown(self, sockets: list[Listener] | None = None) -> None:
        for task in self._tasks:
            task.cancel()
        await super().shutdown(sockets)


def _asgi(app: "App | ClusterApp", settings: Settings, *, transport: Transport) -> ASGIApp:
    inside = web(
        build(lambda: app.service),
        sse=transport == "sse",
        hosts=settings.accepted_hosts,
        origins=settings.allowed_origins,
    )
    with_health(inside, app.problems)
    return BearerOnly(inside, settings.token) if settings.token else inside


def _configuration(asgi: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        asgi,
        http=PromptProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GOODBYE,
    )
