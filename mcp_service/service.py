"""What the use cases work with: one bundle, plugged together in app.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from functions.core.alert_ports import Channel, ChannelRow
from functions.core.ports import Clock, ReadingStore
from functions.stores.sql.records import SqlAlertRecords
from mcp_service.codes import Codes
from mcp_service.database.database import Database
from mcp_service.runtime.port import Runtime


@dataclass(frozen=True, kw_only=True)
class Service:
    """`channels` opens the sender of a channel and raises InvalidConfiguration naming the setting
    the operator has not made; `pepper` (32 random bytes, kept by the operator) hashes codes and
    signs handles; `sealing_keys` are the public sealing keys by the role of the function; `leader`
    names the replica that holds the lease, where there are replicas."""

    database: Database
    records: SqlAlertRecords
    readings: ReadingStore
    codes: Codes
    runtime: Runtime
    runtime_name: str
    channels: Callable[[ChannelRow], Channel]
    clock: Clock
    pepper: bytes
    sealing_keys: Mapping[str, str]
    version: str
    leader: Callable[[], str] | None = None
