"""The service's own rows, one gate per kind. Synchronous: callers put it on a thread."""

from sqlalchemy import Engine

from mcp_service.database.checks import Checks
from mcp_service.database.confessions import Confessions
from mcp_service.database.dead_letters import DeadLetters
from mcp_service.database.monitors import Monitors
from mcp_service.database.secrets import Secrets


class Database:
    """Everything is found by tenant first, so one tenant's id is nothing to another."""

    def __init__(self, engine: Engine) -> None:
        self.monitors = Monitors(engine)
        self.checks = Checks(engine)
        self.secrets = Secrets(engine)
        self.confessions = Confessions(engine)
        self.dead_letters = DeadLetters(engine)
