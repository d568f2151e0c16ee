"""Deliveries that are owed in a real database, for the tests of notify."""

from pathlib import Path

import msgspec

from functions.channels import opened
from functions.core.alert_ports import Channel, ChannelRow
from functions.core.channel import Lent
from functions.notify.delivering import Delivering
from functions.stores.sql.alerts import SqlAlertStore
from functions.stores.sql.engine import open_engine
from functions.stores.sql.records import SqlAlertRecords
from functions.stores.sql.tables import metadata
from tests.alerts import FIRING, moved, owed
from tests.unit.clocks import HandClock


class Owed:
    """A database with one confirmed mail channel for each tenant, whose `urls` are mail servers
    that get `deadline` seconds."""

    def __init__(self, folder: Path, *, deadline: float = 5, **urls: str) -> None:
        self.url = f"sqlite:///{folder}/monitors.db"
        self.clock = HandClock()
        self.engine = open_engine(self.url)
        metadata.create_all(self.engine)
        self.store = SqlAlertStore(self.engine)
        self.records = SqlAlertRecords(self.engine)
        self._servers = urls
        self._deadline = deadline
        for tenant in urls:
            self.confirm(tenant)

    def confirm(self, tenant: str = "t", *, confirmed: bool = True) -> None:
        config = {"address": f"{tenant}@example.org"}
        row = ChannelRow(
            tenant=tenant, name="mail", kind="email", config=config, confirmed=confirmed
        )
        self.records.put_channel(row)

    def owe(self, number: int = 1, *, tenant: str = "t", alert: str = FIRING.id) -> None:
        """The message of the alert's transition of this number: the first fires, others resolve."""
        told = moved(msgspec.structs.replace(FIRING, id=alert, tenant=tenant), number)
        with self.store.transaction() as transaction:
            transaction.owe(owed(told, at=self.clock.now()))

    def delivering(self, lease: float = 45.0) -> Delivering:
        """A notify of its own, with its own connections."""
        store = SqlAlertStore(open_engine(self.url))
        return Delivering(store, self.channel, clock=self.clock, lease=lease)

    def states(self, tenant: str = "t") -> dict[int, str]:
        return {row.alert.number: row.state for row in self.records.deliveries(tenant)}

    def channel(self, row: ChannelRow) -> Channel:
        server = self._servers[row.tenant]
        lent = Lent(smtp_url=server, mail_from="monitor@example.org", deadline=self._deadline)
        return opened(row, lent)
