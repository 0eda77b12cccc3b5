"""How many rows of a day the lake holds, asked of Athena; and what that says beside what arrived."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal

from msgspec import Struct

__all__ = ["Compared", "Partitions", "compared", "lake_count"]

Partitions = Literal["hour", "datehour"]
"""How the lake's folders are named: year=/month=/day=/hour=, or year/month/day/hour."""

LATER_DAYS = 1  # a row's folder is of the hour in which Firehose had it, which may be of the next day


class Compared(Struct, frozen=True):
    """A day's events by app: what the raw archive holds, and the rows in the lake.

    ``missing`` did not get there. ``repeated`` stand there more than once: stores beyond one machine
    take things at least once. Of one app each event more hides one that is missing.
    """

    day: date
    arrived: dict[str, int]
    stored: dict[str, int]
    missing: dict[str, int]
    repeated: dict[str, int]


def lake_count(day: date, partitions: Partitions) -> str:
    """Return the SQL: the rows of events received on this day (UTC), by app.

    It reads the folders of that day and the next, and no others.
    """
    days = [day + timedelta(days=each) for each in range(LATER_DAYS + 1)]
    if partitions == "datehour":
        first, last = f"{days[0]:%Y/%m/%d}/00", f"{days[-1]:%Y/%m/%d}/23"
        folders = f"datehour between '{first}' and '{last}'"
    else:
        named = [f"(year = '{each:%Y}' and month = '{each:%m}' and day = '{each:%d}')" for each in days]
        folders = f"({' or '.join(named)})"
    return (
        "select app_id, count(*) as stored from events "  # noqa: S608 - dates, in a form of ours
        f"where {folders} and cast(received_at as date) = date '{day.isoformat()}' group by app_id"
    )


def compared(day: date, arrived: Mapping[str, int], stored: Mapping[str, int]) -> Compared:
    """Compare the two sides."""
    apps = sorted({*arrived, *stored})
    more = {app: stored.get(app, 0) - arrived.get(app, 0) for app in apps}
    return Compared(
        day,
        dict(arrived),
        dict(stored),
        {app: -count for app, count in more.items() if count < 0},
        {app: count for app, count in more.items() if count > 0},
    )
