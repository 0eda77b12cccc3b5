"""Does the lake on AWS hold what arrived? A day's rows in Athena against the records in the raw archive."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

from footfall.core.alerting import Alert
from footfall.core.lake_count import Compared, Partitions, compared, lake_count
from footfall.core.raw_block import day_folder
from footfall.ports import Answer, Notifier, ObjectStore
from footfall.services.raw_objects import list_raw, read_raw

__all__ = ["LakeCheck", "arrived_on", "check_lake"]

THREADS = 4  # each has a block of the archive in memory


@dataclass(frozen=True, slots=True)
class LakeCheck:
    """What is compared: ``raw`` holds the archive below ``raw/``, ``ask`` asks the lake."""

    raw: ObjectStore
    ask: Callable[[str], Answer]
    partitions: Partitions
    notifier: Notifier


def check_lake(day: date, check: LakeCheck) -> Compared:
    """Compare a day that is over, and tell people when events are missing in the lake.

    Choose a day whose last events had time to get there. Raises BadSource for a damaged block of the
    archive, NotifyFailed, and the errors of both stores.
    """
    arrived = arrived_on(day, check.raw)
    stored = {row[0]: row[1] for row in check.ask(lake_count(day, check.partitions)).rows}
    found = compared(day, arrived, stored)
    if found.missing:
        check.notifier.send(_alert(found))
    return found


def arrived_on(day: date, raw: ObjectStore) -> dict[str, int]:
    """Count the events by app that were accepted on a day, as the raw archive has them.

    A record that the stream holds twice is counted twice, here as in the lake. Raises BadSource for a
    block that does not match its checksum.
    """
    with ThreadPoolExecutor(THREADS, "raw") as pool:
        blocks = list_raw(raw, f"raw/{day_folder(day)}/")
        counts = pool.map(lambda block: _counted(block.key, raw), blocks)
        return dict(sum(counts, Counter[str]()))


def _counted(key: str, raw: ObjectStore) -> Counter[str]:
    events: Counter[str] = Counter()
    for logged in read_raw(raw, key):
        if logged.record.kind == "events":
            events[logged.record.app_id] += logged.record.count
    return events


def _alert(found: Compared) -> Alert:
    lines = [
        f"{app}: {found.arrived[app]} arrived, {found.stored.get(app, 0)} in the lake, {count} missing"
        for app, count in found.missing.items()
    ]
    text = "\n".join((
        *lines,
        "Look into the queue of dead letters first (footfall rejected): what waits there can be redriven. "
        "Then at errors/ in the lake's bucket. The raw archive still has every event.",
    ))  # fmt: skip
    return Alert(title=f"footfall: the lake misses events of {found.day}", text=text, kind="failure")
