"""What test servers that answer on threads share: they serve while they are entered."""

import threading
from socketserver import BaseServer
from typing import Self


class Serving:
    """`with Serving(server) as it:` serves until the end of the block."""

    def __init__(self, server: BaseServer) -> None:
        self._server = server

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
