"""A monitor that somebody deletes while somebody else looks at it."""

import pytest

from mcp_service.app import App
from mcp_service.monitors.lookup import alert_row, last_change
from mcp_service.refusals import Unknown
from tests.conversation.talk import Talk
from tests.servers.website import Website

pytestmark = pytest.mark.anyio


async def test_it_is_unknown_from_then_on(app: App, talk: Talk, website: Website) -> None:
    made = await talk.watch(website.url)
    record = app.service.database.monitors.get(talk.tenant, made["id"])
    assert record is not None
    app.service.database.monitors.drop(talk.tenant, record.id)
    app.service.records.drop_monitor(talk.tenant, record.id)
    with pytest.raises(Unknown):
        await alert_row(app.service, record)
    with pytest.raises(Unknown):
        await last_change(app.service, talk.tenant, named=record.id)
