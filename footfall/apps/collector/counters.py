"""The collector's numbers, in memory that all workers share, so that any worker can give the sum.

Each worker writes its own row only; a respawned worker goes on in the row of the dead one, so no
counter ever goes back. prometheus-client is loaded by the first scrape.
"""

import mmap
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from footfall.core.protocols.registry import TRACKERS

__all__ = ["PATHS", "STATUSES", "Counters", "Row", "render"]

STATUSES = (200, 202, 204, 304, 400, 401, 403, 404, 405, 408, 413, 415, 429, 500, 503)
PATHS = (
    *("/v1/events", "/pixel.gif", "/footfall.js", "/healthz", "/readyz", "/metrics"),
    *(endpoint.path for tracker in TRACKERS.values() for endpoint in tracker.endpoints),
    "other",
)
EVENTS = ("accepted", "duplicate", "rejected")
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0)
GROUPS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)

AT_EVENTS = len(PATHS) * len(STATUSES)
AT_SECONDS = AT_EVENTS + len(EVENTS)
AT_GROUPS = AT_SECONDS + len(SECONDS) + 2
AT_FAILED = AT_GROUPS + len(GROUPS) + 2
AT_LOG_BYTES = AT_FAILED + 1
CELLS = AT_LOG_BYTES + 1

_STATUS_AT = {status: place for place, status in enumerate(STATUSES)}
_PATH_AT = {path: place * len(STATUSES) for place, path in enumerate(PATHS)}


class Row:
    """One worker's numbers."""

    def __init__(self, cells: "memoryview[float]") -> None:
        self._cells = cells

    def answered(self, path: str, status: int) -> None:
        """Count a request."""
        self._cells[_PATH_AT.get(path, _PATH_AT["other"]) + _STATUS_AT[status]] += 1

    def took(self, accepted: int, duplicates: int, rejected: int) -> None:
        """Count the events of a committed request."""
        cells = self._cells
        cells[AT_EVENTS] += accepted
        if duplicates:
            cells[AT_EVENTS + 1] += duplicates
        if rejected:
            cells[AT_EVENTS + 2] += rejected

    def committed(self, seconds: float, requests: int, failed: bool) -> None:
        """Count a group commit."""
        cells = self._cells
        if failed:
            cells[AT_FAILED] += 1
            return
        cells[AT_SECONDS + bisect_left(SECONDS, seconds)] += 1
        cells[AT_SECONDS + len(SECONDS) + 1] += seconds
        cells[AT_GROUPS + bisect_left(GROUPS, requests)] += 1
        cells[AT_GROUPS + len(GROUPS) + 1] += requests

    def log_bytes(self, size: int) -> None:
        """Note the log's size."""
        self._cells[AT_LOG_BYTES] = size


class Sums(NamedTuple):
    """The workers' numbers added up; the logs' sizes one by one."""

    cells: Sequence[float]
    log_bytes: Sequence[float]


class Counters:
    """Rows for this many workers, shared with every process forked after this was made."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._cells = memoryview(mmap.mmap(-1, 8 * CELLS * workers)).cast("d")

    def row(self, worker: int) -> Row:
        """Return the row of a worker, counted from 0; only that worker may write to it."""
        return Row(self._cells[worker * CELLS : (worker + 1) * CELLS])

    def sums(self) -> Sums:
        """Add the rows up."""
        rows = [self._cells[worker * CELLS : (worker + 1) * CELLS] for worker in range(self._workers)]
        return Sums(
            [sum(column) for column in zip(*rows, strict=True)], [row[AT_LOG_BYTES] for row in rows]
        )


def render(sums: Sums) -> bytes:
    """Return the numbers as Prometheus text, version 0.0.4."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

    class Numbers:
        def collect(self) -> Iterable[Metric]:
            cells = sums.cells
            requests = CounterMetricFamily(
                "footfall_requests", "Requests answered.", labels=("path", "status")
            )
            for path, at in _PATH_AT.items():
                for place, status in enumerate(STATUSES):
                    if cells[at + place]:
                        requests.add_metric((path, str(status)), cells[at + place])
            yield requests
            events = CounterMetricFamily("footfall_events", "Events in the log.", labels=("outcome",))
            for place, outcome in enumerate(EVENTS):
                events.add_metric((outcome,), cells[AT_EVENTS + place])
            yield events
            for name, help_, bounds, at in (
                ("footfall_commit_seconds", "How long a commit took.", SECONDS, AT_SECONDS),
                ("footfall_commit_requests", "Requests in one commit.", GROUPS, AT_GROUPS),
            ):
                counts = accumulate(cells[at : at + len(bounds) + 1])
                buckets = list(zip([*map(str, bounds), "+Inf"], counts, strict=True))
                histogram = HistogramMetricFamily(name, help_)
                histogram.add_metric((), buckets, cells[at + len(bounds) + 1])
                yield histogram
            yield CounterMetricFamily(
                "footfall_commits_failed", "Commits that the log refused.", value=cells[AT_FAILED]
            )
            sizes = GaugeMetricFamily("footfall_log_bytes", "Bytes in use in a log.", labels=("worker",))
            for worker, size in enumerate(sums.log_bytes):
                sizes.add_metric((str(worker),), size)
            yield sizes

    registry = CollectorRegistry()
    registry.register(Numbers())
    return generate_latest(registry)
