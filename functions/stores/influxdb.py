"""Readings in InfluxDB 2: raw ones in one bucket, and hours of what has been deleted there in
another. `core/reading_point.py` says how a reading is laid out."""

import asyncio
import csv
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import msgspec
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.dialect import Dialect
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from functions.clients import flux
from functions.core import reading_point
from functions.core.errors import SourceUnavailable, UnexpectedAnswer
from functions.core.ports import Rollup
from functions.core.reading import Reading, stands
from functions.core.reading_point import HOURS, MEASUREMENT
from functions.core.rollup import DAY, HOUR, Bucket, fine, rolled_up, rollup_days, span

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds for one call."""
CALLS = 4
"""Calls under way at once; more wait."""
_READING = msgspec.json.Decoder(Reading)
# A reading may be as long as its event, 1 MiB, and every quotation mark is written twice.
csv.field_size_limit(2 * 2**20)
_PLAIN = Dialect(header=True, delimiter=",", annotations=[], date_time_format="RFC3339")


class InfluxReadings:
    """Implements ports.ReadingStore. What `add` has written is in InfluxDB's own log on disk."""

    def __init__(
        self, url: str, *, org: str, bucket: str, token: str, patience: float = PATIENCE
    ) -> None:
        self._client = InfluxDBClient(
            url, token, org=org, timeout=int(patience * 1000), connection_pool_maxsize=CALLS
        )
        self._org, self._bucket, self._rollups = org, bucket, f"{bucket}_rollups"
        self._threads = ThreadPoolExecutor(CALLS, "influxdb")
        self._patience = patience

    def close(self) -> None:
        self._threads.shutdown()
        self._client.close()

    async def prepare(self, retention_days: int) -> None:
        """Make the buckets that are not there, and let those that are keep for long enough.
        InfluxDB deletes by itself two days after `expire` should have."""
        await self._called(lambda: self._make(self._bucket, retention_days + 2))
        await self._called(lambda: self._make(self._rollups, rollup_days(retention_days) + 2))

    async def add(self, readings: Sequence[Reading]) -> None:
        """Durable on return. After SourceUnavailable the same readings may be added again."""
        first = reading_point.first_writes(readings)
        missed = await self._missed(list(first.values()))
        fresh = {k: one for k, one in first.items() if stands(one, missed.get(k))}
        if fresh:
            late = reading_point.yielded_lines(fresh[key] for key in fresh.keys() & missed.keys())
            await self._write(self._bucket, f"{reading_point.lines_of([*fresh.values()])}\n{late}")

    async def latest(self, tenant: str, monitors: Sequence[str]) -> dict[str, Reading]:
        """The newest reading of each monitor that has one, in one query."""
        rows = await self._asked(*flux.of_tenant(monitors or [""], flux.LATEST), tenant=tenant)
        found = {row["monitor"]: row["_value"] for row in rows}
        return {name: _READING.decode(found[name]) for name in monitors if name in found}

    async def query(
        self, tenant: str, monitor: str, *, since: int, until: int, limit: int
    ) -> list[Reading]:
        """Oldest first, `since <= slot < until`; the newest `limit` of them."""
        script, names = flux.of_tenant([monitor], flux.QUERY)
        names |= flux.span(since, until)
        asked = limit
        while True:
            rows = await self._asked(script, names | {"limit": asked}, tenant=tenant)
            readings = await self._called(partial(_by_slot, rows))
            if len(readings) >= limit or len(rows) < asked:
                return readings[-limit:]
            asked *= 2

    async def rollups(
        self, tenant: str, monitor: str, *, since: int, until: int, step: int
    ) -> list[Rollup]:
        """As in ports.ReadingStore."""
        whole = flux.span(*span(since, until, step=step))
        stored, counted = await self._buckets((tenant, monitor), whole, step=fine(step))
        return rolled_up(counted | stored, step)

    async def forget(self, tenant: str, monitor: str) -> None:
        """Delete everything of one monitor."""
        for bucket in (self._bucket, self._rollups):
            await self._erase(bucket, {"tenant": tenant, "monitor": monitor}, before=flux.END)

    async def expire(self, before: int, *, rollups_before: int) -> int:
        """As in ports.ReadingStore. The summary of an hour is written before its readings are
        deleted and never a second time, so this may stop anywhere and be done again."""
        cutoff = before - before % HOUR
        rows = await self._asked(flux.OLDEST, flux.span(0, cutoff))
        for row in rows:
            if row["result"] == "first":
                oldest = flux.second_of(row)
                whole = flux.span(oldest - oldest % HOUR, cutoff)
                await self._keep_hours((row["tenant"], row["monitor"]), whole)
        if rows:
            await self._erase(self._bucket, {"_measurement": MEASUREMENT}, before=cutoff)
        if rollups_before > 0:
            await self._erase(self._rollups, {"_measurement": HOURS}, before=rollups_before)
        return sum(int(row["_value"]) for row in rows if row["result"] == "count")

    async def _missed(self, readings: Sequence[Reading]) -> dict[reading_point.Key, bool]:
        """Of these readings' slots the ones that are known, and whether only as missed."""
        found: dict[reading_point.Key, bool] = {}
        for tenant in {reading.tenant for reading in readings}:
            mine = [reading for reading in readings if reading.tenant == tenant]
            slots = [reading.slot for reading in mine]
            script, names = flux.of_tenant(sorted({r.monitor for r in mine}), flux.KNOWN)
            names |= flux.span(min(slots), max(slots) + 1)
            for row in await self._asked(script, names, tenant=tenant):
                key = (tenant, row["monitor"], flux.second_of(row))
                found[key] = found.get(key, True) and row["_value"] == "1"
        return found

    async def _buckets(
        self, whose: tuple[str, str], span: dict[str, Any], *, step: int
    ) -> tuple[dict[int, Bucket], dict[int, Bucket]]:
        """By their start: the hours that are stored, and what the raw readings amount to."""
        script, names = flux.buckets_of(whose[1], step)
        script += flux.HOURS if step == HOUR else ""
        return flux.summed(await self._asked(script, names | span, tenant=whose[0]))

    async def _keep_hours(self, whose: tuple[str, str], span: dict[str, Any]) -> None:
        stored, counted = await self._buckets(whose, span, step=HOUR)
        fresh = {start: bucket for start, bucket in counted.items() if start not in stored}
        if fresh:
            await self._write(self._rollups, reading_point.hour_lines(fresh, whose))

    async def _asked(
        self, script: str, names: dict[str, Any], *, tenant: str = ""
    ) -> list[flux.Row]:
        always = {"tenant": tenant, "bucket": self._bucket, "rollups": self._rollups}
        given = flux.span(0, flux.END) | names | always
        if given["since"] >= given["until"]:  # which InfluxDB calls an error
            return []
        ask = self._client.query_api().query_csv
        return await self._called(
            lambda: list(flux.rows_of(ask(script, dialect=_PLAIN, params=given)))
        )

    async def _write(self, bucket: str, lines: str) -> None:
        write = self._client.write_api(write_options=SYNCHRONOUS).write
        try:
            await self._called(lambda: write(bucket, record=lines))
        except SourceUnavailable as error:
            if getattr(error.__cause__, "status", None) in flux.NEVER_AGAIN:
                message = "InfluxDB does not take these readings: it keeps no such shape or age."
                raise UnexpectedAnswer(message, cause=error.cause) from error
            raise

    async def _erase(self, bucket: str, tags: dict[str, str], *, before: int) -> None:
        predicate = flux.predicate(tags)
        last = flux.last_before(before)
        erase = self._client.delete_api().delete
        await self._called(lambda: erase(flux.FIRST, last, predicate, bucket, self._org))

    async def _called(self, call: Callable[[], T]) -> T:
        try:
            # As long again for its turn: behind many calls to a server that hangs it never comes.
            async with asyncio.timeout(2 * self._patience):
                return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except (HTTPError, TimeoutError) as error:
            raise flux.unavailable(cause=type(error).__name__) from error
        except ApiException as error:
            raise flux.unavailable(error.status or 0, cause=f"status {error.status}") from error

    def _make(self, name: str, days: int) -> None:
        buckets = self._client.buckets_api()
        rule = BucketRetentionRules(type="expire", every_seconds=days * DAY)
        # A token may see other organisations, with buckets of this name.
        ours = buckets.find_buckets_iter(org=self._org)
        if not (known := next((one for one in ours if one.name == name), None)):
            buckets.create_bucket(bucket_name=name, org=self._org, retention_rules=rule)
        elif any(0 < one.every_seconds < days * DAY for one in known.retention_rules):
            known.retention_rules = [rule]
            buckets.update_bucket(bucket=known)


def _by_slot(rows: Sequence[flux.Row]) -> list[Reading]:
    """In the order of their slots; the last write of a slot counts: see core/reading_point.py."""
    found = {flux.second_of(row): row["_value"] for row in rows}
    return [_READING.decode(text) for text in found.values()]
