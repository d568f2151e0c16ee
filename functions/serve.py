"""How every function is served: `python -m functions.serve poll`. The app of functions-framework on
uvicorn, with what both leave out: a cap on bodies, deadlines for slow senders, long keep-alive."""

import gc

gc.disable()  # while all this is imported, what a collection walks is all still needed

import os  # noqa: E402 - see above, as for all that follow
import sys  # noqa: E402 - see above
from collections.abc import Callable  # noqa: E402 - see above
from pathlib import Path  # noqa: E402 - see above

from functions_framework.aio import create_asgi_app  # noqa: E402 - see above
from uvicorn import Config, Server  # noqa: E402 - see above

from functions.core.errors import MonitorError  # noqa: E402 - see above
from functions.guard import App, PromptProtocol, guarded  # noqa: E402 - see above
from functions.logs import log_json_lines  # noqa: E402 - see above
from functions.settings import Settings  # noqa: E402 - see above

KEEP_ALIVE_SECONDS = 100
"""Longer than the 90 s for which Knative's proxy keeps an idle connection: the side that reuses it
must not find it closed."""
GRACE_SECONDS = 30


def main(arguments: list[str]) -> int:
    """Serve the function of this name until SIGTERM, then finish what was begun."""
    log_json_lines()
    if len(arguments) != 1 or not _source(arguments[0]).exists():
        sys.stderr.write("usage: python -m functions.serve poll|record|alert|notify\n")
        return 2
    try:
        serve(arguments[0])
    except MonitorError as error:
        sys.stderr.write(f"{arguments[0]} cannot start: {error.message}\n")
        return 2
    return 0


def serve(name: str) -> None:
    """Raises InvalidConfiguration with every setting that is wrong."""
    create: Callable[[str, str], App] = create_asgi_app
    app = create(name, str(_source(name)))
    settings = Settings.read(os.environ)
    config = Config(
        guarded(app),
        host=settings.host,
        port=settings.port,
        http=PromptProtocol,
        loop="uvloop",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    config.load()
    # Bound here: asked for an address, the loop would load the tables of the IDNA codec.
    listener = config.bind_socket()
    # What is loaded now stays; without this each full collection walks all of it again.
    gc.freeze()
    gc.enable()
    Server(config).run(sockets=[listener])


def _source(name: str) -> Path:
    return Path(__file__).parent / Path(name).name / "main.py"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
