"""The port on which the Broker leaves what no function could take."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.core.cloudevent import decode
from functions.core.errors import InvalidConfiguration, SourceUnavailable
from functions.core.ports import Clock
from functions.guard import PromptProtocol, guarded
from mcp_service.database.dead_letters import DeadLetter, DeadLetters
from mcp_service.http import Listener

_log = logging.getLogger("claude_monitor.dead_letters")


def sink(letters: DeadLetters, clock: Clock) -> Starlette:
    """Takes events on any path. 503 asks the Broker to come again."""

    async def take(request: Request) -> Response:
        try:
            event = decode(request.headers, await request.body())
        except InvalidConfiguration as error:
            return Response(error.message, status_code=400, media_type="text/plain")
        letter = DeadLetter.of(event, at=clock.now())
        try:
            kept = await asyncio.to_thread(letters.put, letter)
        except SourceUnavailable as error:
            return Response(error.message, status_code=503, media_type="text/plain")
        words = "kept" if kept else "not kept, there are too many"
        _log.warning("dead letter %s %s: status %r", letter.id, words, letter.code)
        return Response(status_code=204)

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
