"""Where record keeps readings: a store, and beside it the latest ones where there is Redis."""

from functions.core.ports import LatestReadings, ReadingStore
from functions.settings import Settings


def open_store(settings: Settings) -> ReadingStore:
    """InfluxDB where there is one, else a file; only one of them is loaded."""
    if not settings.influxdb_url:
        from functions.stores.sqlite import SqliteReadings  # noqa: PLC0415 - see above

        return SqliteReadings(settings.readings)
    from functions.stores.influxdb import InfluxReadings  # noqa: PLC0415 - see above

    return InfluxReadings(
        settings.influxdb_url,
        org=settings.influxdb_org,
        bucket=settings.influxdb_bucket,
        token=settings.influxdb_token,
    )


def open_latest(settings: Settings) -> LatestReadings | None:
    """Nothing where no Redis is set."""
    if not settings.redis_url:
        return None
    from functions.stores.redis.latest import RedisLatest  # noqa: PLC0415 - loaded where it is set

    return RedisLatest(settings.redis_url)
