"""SendGrid's own client of its API, in time or not at all: the time-out of urllib, on which it
stands, is for each step towards an answer, of which there may be many, and its look-up of a name
has none."""

import time
from collections.abc import Sequence
from functools import partial
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.request import HTTPHandler, HTTPSHandler, Request, build_opener

from python_http_client import Client

from functions.clients.connection import connected


class PromptClient(Client):  # type: ignore[misc] # this package ships no types
    """As `client`, but nothing is sent once `until` (of time.monotonic) is over, however long it
    took to get a connection. Raises TimeoutError or URLError then."""

    def __init__(self, client: Client, *, until: float, path: Sequence[str] = ()) -> None:
        super().__init__(client.host, client.request_headers, client._version, list(path))
        self._until = until

    def _build_client(self, name: str) -> "PromptClient":
        return PromptClient(self, until=self._until, path=[*self._url_path, name])

    def _make_request(self, _opener: Any, request: Request, **_: Any) -> Any:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        opener = build_opener(_Http(self._until), _Https(self._until))
        return super()._make_request(opener, request, timeout=left)


class _Prompt(HTTPConnection):
    def __init__(self, *given: Any, until: float, **named: Any) -> None:
        super().__init__(*given, **named)
        self._until = until
        # http.client would give each address the time that there is for all.
        self._create_connection = lambda place, seconds, _: connected(*place, seconds=seconds)

    def connect(self) -> None:
        """Whoever calls this writes the request next, and then waits for the answer."""
        super().connect()
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)


class _PromptTls(_Prompt, HTTPSConnection):
    pass


class _Http(HTTPHandler):
    def __init__(self, until: float) -> None:
        super().__init__()
        self._connection = partial(_Prompt, until=until)

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(self._connection, req)


class _Https(HTTPSHandler):
    def __init__(self, until: float) -> None:
        super().__init__()
        self._connection = partial(_PromptTls, until=until)

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(self._connection, req)
