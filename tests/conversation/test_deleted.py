"""A monitor that somebody deletes while somebody else looks at it."""

import dataclasses

import pytest

from functions.core.errors import SourceUnavailable
from functions.core.ports import ReadingStore
from functions.core.reading import Reading
from mcp_service.app import App
from mcp_service.monitors.lookup import alert_row, last_change
from mcp_service.refusals import Unknown
from tests.conversation.talk import Talk, reading
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


class Stubborn:
    """The store of readings, in front of which somebody may stand (part of ReadingStore)."""

    def __init__(self, inner: ReadingStore) -> None:
        self.latest, self.query = inner.latest, inner.query
        self._inner = inner
        self.away = True

    async def forget(self, tenant: str, monitor: str) -> None:
        if self.away:
            raise SourceUnavailable("The store of readings does not answer.")
        await self._inner.forget(tenant, monitor)


class Busy:
    """A runtime with a poll under way when a monitor is removed (part of Runtime)."""

    def __init__(self, app: App, under_way: Reading) -> None:
        self.check, self.apply = app.runtime.check, app.runtime.apply
        self._app, self._under_way = app, under_way

    async def remove(self, monitor: str) -> None:
        await self._app.runtime.remove(monitor)
        await self._app.sink.emit(self._under_way)


async def test_it_can_be_deleted_again_until_its_readings_are_gone(
    app: App, website: Website
) -> None:
    async with Talk(app.service, "local") as talk:
        made = await talk.watch(website.url)
    await app.sink.emit(reading(made, 600))
    store, runtime = Stubborn(app.readings), Busy(app, reading(made, 660))
    service = dataclasses.replace(app.service, readings=store, runtime=runtime)
    async with Talk(service, "local") as talk:
        preview = await talk.tell("delete_monitor", monitor="shop")
        confirmed = {"monitor": "shop", "confirm": preview["data"]["confirm"]}
        refused = await talk.refusal("delete_monitor", **confirmed)
        assert refused["error"]["retry"] is True
        store.away = False
        await talk.tell("delete_monitor", **confirmed)
    assert await app.readings.latest("local", [made["id"]]) == {}
    assert app.service.database.monitors.get("local", "shop") is None
