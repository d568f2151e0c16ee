"""A whole service in this process, on real parts: SQLite, the embedded runtime, real servers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_service.app import App, plug
from mcp_service.clock import SteadyClock
from mcp_service.database.migrate import migrate
from mcp_service.home import prepare
from mcp_service.keys import make_keys
from mcp_service.settings import LOCAL_TENANT, load
from tests.conversation.talk import Talk
from tests.servers.mail import Mailbox


@pytest.fixture
async def app(tmp_path: Path, mailbox: Mailbox) -> AsyncIterator[App]:
    """Its deliveries are sent; readings come only when a test makes them."""
    prepare(tmp_path / "home")
    settings = load(
        {
            "CLAUDE_MONITOR_HOME": str(tmp_path / "home"),
            "CLAUDE_MONITOR_ALLOW_PRIVATE": "127.0.0.0/8",
            "CLAUDE_MONITOR_SMTP_URL": mailbox.url,
        }
    )
    make_keys(Path(settings.keys))
    migrate(settings.database_url)
    made = plug(settings, SteadyClock())
    delivery = asyncio.create_task(made.loops["delivery"].run())
    yield made
    delivery.cancel()
    await made.close()


@pytest.fixture(params=["legacy", "auto"])
async def talk(app: App, request: pytest.FixtureRequest) -> AsyncIterator[Talk]:
    """A client of the local tenant, in both eras of the protocol."""
    async with Talk(app.service, LOCAL_TENANT, mode=request.param) as client:
        yield client
