"""The port on which the Broker leaves what no function could take."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.core.errors import InvalidConfiguration, MonitorError
from functions.core.events import Event, decode, is_ours
from functions.core.ports import Clock
from functions.guard import PromptProtocol, guarded
from mcp_service.database.dead_letters import DeadLetter, DeadLetters
from mcp_service.http import Listener

_log = logging.getLogger("claude_monitor.dead_letters")


def sink(letters: DeadLetters, clock: Clock, *, keys: Callable[[], str]) -> Starlette:
    """Takes events on any path; `keys` gives what the functions believe events by. 503 asks the
    Broker to come again."""

    async def take(request: Request) -> Response:
        try:
            event = decode(request.headers, await request.body())
        except InvalidConfiguration as error:
            return Response(error.message, status_code=400, media_type="text/plain")
        try:
            await asyncio.to_thread(keep, event)
        except MonitorError as error:
            return Response(error.message, status_code=503, media_type="text/plain")
        return Response(status_code=204)

    def keep(event: Event) -> None:
        letter = DeadLetter.of(event, at=clock.now(), ours=is_ours(event, keys()))
        words = "kept" if letters.put(letter) else "not kept, there are too many"
        whose = "" if letter.ours else " of a stranger"
        _log.warning("dead letter %s%s %s: status %r", letter.id, whose, words, letter.code)

    return Starlette(routes=[Route("/{path:path}", take, methods=["POST"])])


class _Second(uvicorn.Server):
    """A server beside the service's own, which alone hears signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_sink(app: Starlette, door: Listener) -> None:
    """Until cancelled."""
    config = uvicorn.Config(
        guarded(app),
        http=PromptProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
    )
    await _Second(config).serve(sockets=[door])
