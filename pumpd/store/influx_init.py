"""Makes what an InfluxDB must have before it takes readings: bucket or database, and its retention."""

from __future__ import annotations

from pumpd.errors import StoreError
from pumpd.store.influx_place import InfluxPlace
from pumpd.store.influx_query import InfluxQuery, name

DAY_S = 86_400


def make_store(place: InfluxPlace, retention_days: int) -> str:
    """Make what is missing; return what was done, in words. Run again, it changes the retention alone.

    3.x keeps the retention that it has. ``retention_days`` is 0 for ever.
    StoreError with the server's words when it refuses.
    """
    query = InfluxQuery(place)
    version = query.version()
    keeps = f"keeps readings {f'{retention_days} days' if retention_days else 'for ever'}"
    match version.removeprefix("v").partition(".")[0]:
        case "1":
            _database(query, place.bucket, retention_days)
            return f"InfluxDB {version} at {place.url}: database {place.bucket} {keeps}"
        case "2":
            from pumpd.store.influx_client import InfluxDoor  # noqa: PLC0415 - only here

            made = InfluxDoor(place).make_bucket(retention_days * DAY_S)
            return f"InfluxDB {version} at {place.url}: {made}; it {keeps}"
        case "3":
            body: dict[str, str] = {"db": place.bucket}
            if retention_days:
                body["retention_period"] = f"{retention_days}d"
            query.post("/api/v3/configure/database", body)
            return f"InfluxDB {version} at {place.url}: database {place.bucket} {keeps}"
    raise StoreError(
        f"{place.url}: it says it is {version or 'nothing'}; allowed: InfluxDB 1 to 3; mend history.url"
    )


def _database(query: InfluxQuery, database: str, retention_days: int) -> None:
    duration = f"{retention_days}d" if retention_days else "INF"
    query.ask(f"CREATE DATABASE {name(database)}", database=False)
    policies = query.ask(f"SHOW RETENTION POLICIES ON {name(database)}", database=False)
    (policy,) = [row["name"] for series in policies for row in series.rows if row["default"]]
    query.ask(
        f"ALTER RETENTION POLICY {name(policy)} ON {name(database)} DURATION {duration} DEFAULT",
        database=False,
    )
