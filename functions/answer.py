"""One HTTP request to one event and back, the same for every function. The answer has no body when
all is well: behind a Trigger any text in a 2xx would be taken for a broken event."""

import logging
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from functions.core.errors import MonitorError
from functions.core.events import Event, decode
from functions.logs import log_refusal

NEVER_AGAIN = 400
TRY_AGAIN = 503
"""The two that brokers and PingSource tell apart; a 500 would not be tried again by PingSource."""


async def answered(
    request: Request, work: Callable[[Event], Awaitable[bytes | None]], *, log: logging.Logger
) -> Response:
    """Decode the event and do the work: 204, or 200 with the JSON that it gives back. An error of
    ours is logged and becomes 503 when trying again may help, otherwise 400."""
    event = None
    try:
        event = decode(request.headers, await request.body())
        result = await work(event)
    except MonitorError as error:
        log_refusal(log, error, whose=f"{event.type} from {event.source}" if event else "")
        status = TRY_AGAIN if error.retry else NEVER_AGAIN
        return Response(error.message, status_code=status, media_type="text/plain")
    if result is None:
        return Response(status_code=204)
    return Response(result, media_type="application/json")
