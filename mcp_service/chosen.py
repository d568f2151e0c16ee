"""The app of the runtime that the settings choose."""

from pathlib import Path
from typing import TYPE_CHECKING

from functions.core.errors import SourceUnavailable
from functions.core.ports import Clock
from mcp_service.app import App, plug
from mcp_service.database.migrate import Schema, migrate, schema
from mcp_service.keys import make_keys
from mcp_service.settings import Settings

if TYPE_CHECKING:
    from mcp_service.cluster import ClusterApp


def set_up(settings: Settings) -> None:
    """Make keys and schema where they are this process's own; on a cluster its set-up Job does.

    Raises SourceUnavailable where that Job still has to bring the schema to this version."""
    if settings.runtime == "embedded":
        make_keys(Path(settings.keys))
        migrate(settings.database_url)
    elif _is_older(settings.database_url):
        raise SourceUnavailable(
            "The database's schema is older than this version; let its set-up Job run."
        )


def _is_older(database: str) -> bool:
    """One that is away now is found out by those who use it."""
    try:
        return schema(database) is Schema.OLDER
    except SourceUnavailable:
        return False


def chosen_app(settings: Settings, clock: Clock, *, before: float = 0.0) -> "App | ClusterApp":
    """Everything plugged together; `before` is when an earlier service was last alive."""
    if settings.runtime == "embedded":
        return plug(settings, clock, before=before)
    from mcp_service.cluster import plug_cluster  # noqa: PLC0415 - the cluster's client is heavy

    return plug_cluster(settings, clock)
