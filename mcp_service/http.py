"""The service's HTTP face: who may call, and whether we are well."""

import hmac
import os
import socket
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from functions.core.errors import Fault, InvalidConfiguration

Listener = socket.socket

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""What answers without a token: it says nothing about anybody's monitors."""


class BearerOnly:
    """Lets through only callers who show the token. The comparison takes the same time whatever
    is sent."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or self._shown(scope):
            await self._app(scope, receive, send)
            return
        refusal = JSONResponse(
            {"error": "Show the service's token: Authorization: Bearer ..."},
            status_code=401,
            headers={"WWW-Authenticate": "Bearer"},
        )
        await refusal(scope, receive, send)

    def _shown(self, scope: Scope) -> bool:
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(shown) == 1 and hmac.compare_digest(shown[0], self._expected)


def with_health(app: Starlette, problems: Callable[[], list[str]]) -> Starlette:
    """Add `/healthz` (this process answers) and `/readyz` (and does its work)."""

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"service": "claude-monitor", "pid": os.getpid()})

    async def readyz(_: Request) -> JSONResponse:
        found = problems()
        return JSONResponse({"problems": found}, status_code=503 if found else 200)

    app.router.routes[:0] = [Route("/healthz", healthz), Route("/readyz", readyz)]
    return app


def listen(host: str, port: int, *, setting: str = "CLAUDE_MONITOR_PORT") -> Listener:
    """The service's socket. Raises InvalidConfiguration, which names the setting of the port, when
    the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        problem = f"{host}:{port} cannot be listened on ({error.strerror}); choose another port"
        raise InvalidConfiguration(Fault(setting, problem)) from error
    listener.listen(2048)
    return listener
