"""The loader: from logs to warehouse, exactly once, fairly, and alive after any error."""

import threading
import time
from datetime import UTC, datetime

import pytest

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.core.decode import decode
from footfall.core.enrich import enrich
from footfall.errors import StoreFailed
from footfall.ports import Batch, Books, Stored
from footfall.services.ledger import lost_counts, read_ledger
from footfall.services.load import Loader
from footfall.testing.event_log import MemoryLog, make_event, make_record

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC).replace(tzinfo=None)


class Recorded:
    """A port with the names of its calls written down."""

    def __init__(self, inner, name, effects):
        self._inner, self._name, self._effects = inner, name, effects

    def __getattr__(self, name):
        value = getattr(self._inner, name)
        if not callable(value):
            return value

        def call(*args, **kwargs):
            result = value(*args, **kwargs)
            self._effects.append(f"{self._name}.{name}")
            return result

        return call


@pytest.fixture
def warehouse(tmp_path):
    opened = DuckDBWarehouse(tmp_path)
    yield opened
    opened.close()


def fill(log: MemoryLog, prefix: str, count: int, per_record: int = 1) -> None:
    log.append(
        [
            make_record(*(make_event(event_id=f"{prefix}-{n}-{k}") for k in range(per_record)))
            for n in range(count)
        ]
    )


def loader_of(logs, warehouse, batch_events=50_000) -> Loader:
    return Loader(lambda: logs, warehouse, lambda: NOW, batch_events)


def test_a_step_reads_from_the_committed_positions_then_stores(warehouse):
    """The order is the guarantee: nothing is read before the position is known, and one store ends it."""
    effects: list[str] = []
    log = MemoryLog("w1")
    fill(log, "a", 3)
    loader = loader_of([Recorded(log, "log", effects)], Recorded(warehouse, "warehouse", effects))
    assert loader.step() == Stored(stored=3)
    looked = [effect for effect in effects if effect not in {"log.end", "log.received"}]
    assert looked == ["warehouse.positions", "log.read", "warehouse.store"]
    assert warehouse.positions() == {"w1": 3, "read:w1:default": 3}
    assert loader.step() is None
    assert loader.state.backlog == {}
    assert loader.state.last_commit == NOW


def test_logs_share_a_batch(warehouse):
    busy, quiet = MemoryLog("busy"), MemoryLog("quiet")
    fill(busy, "b", 100)
    fill(quiet, "q", 2)
    loader = loader_of([busy, quiet], warehouse, batch_events=10)
    assert loader.step() == Stored(stored=7)
    assert (warehouse.positions()["busy"], warehouse.positions()["quiet"]) == (5, 2)
    assert loader.state.backlog == {"busy": 95, "quiet": 0}
    assert loader.drain() == Stored(stored=95)


def test_rows_are_decoded_and_enriched(warehouse):
    log = MemoryLog("w1")
    event = make_event("Add To Cart", event_id="1", url="https://www.shop.example/cart?utm_source=news")
    log.append([make_record(event, app_id="shop")])
    loader_of([log], warehouse).step()
    sql = "select event_id, app_id, event, host, path, source, country, processed_at from events"
    assert warehouse.query(sql).rows == [
        ("1", "shop", "add_to_cart", "shop.example", "/cart", "news", "DE", NOW)
    ]


def test_what_a_crash_left_uncounted_is_counted_once(warehouse):
    """Stored, but the loader died before it knew: the next one goes on behind it."""
    log = MemoryLog("w1")
    fill(log, "a", 4)
    loader_of([log], warehouse, batch_events=2).step()
    assert loader_of([log], warehouse).drain() == Stored(stored=2)
    fill(log, "a", 4)
    assert loader_of([log], warehouse).drain() == Stored(duplicate=4)
    assert warehouse.books() == {"default": Books(4, 4, 0)}


def test_the_books_outlive_a_log_s_file(warehouse):
    """A file is lost after three events, an older copy of its successor is put back.

    ::
        first file   a a a | lost, with one event unread
        second             | b b | copy | c | copy put back | d
    """
    first, second = MemoryLog("w1"), MemoryLog("w1")
    fill(first, "a", 3)
    loader_of([first], warehouse).drain()
    fill(first, "unread", 1)
    second.skip_to(10)
    assert read_ledger([second], warehouse).balanced
    assert read_ledger([], warehouse).received == 3
    fill(second, "b", 1, per_record=2)
    copy = second.copy()
    loader_of([second], warehouse).drain()
    fill(second, "c", 1)
    loader_of([second], warehouse).drain()
    assert lost_counts([second], warehouse.positions()) == {"w1": {"default": 3}}
    copy.skip_to(20)
    fill(copy, "d", 1)
    assert read_ledger([copy], warehouse).pending == 1
    loader_of([copy], warehouse).drain()
    ledger = read_ledger([copy], warehouse)
    assert (ledger.received, ledger.stored, ledger.balanced) == (7, 7, True)
    assert lost_counts([copy], warehouse.positions()) == {"w1": {"default": 4}}
    events = [row[0] for row in warehouse.query("select event_id from events order by 1").rows]
    assert events == ["a-0-0", "a-1-0", "a-2-0", "b-0-0", "b-0-1", "c-0-0", "d-0-0"]


def test_the_books_of_an_older_version_s_log_go_on(warehouse):
    """A position without counts, as versions before wrote it: the log's own count begins them."""
    log = MemoryLog("w1")
    fill(log, "a", 3)
    rows = enrich(decode(log.read(0, 10)).rows, NOW)
    warehouse.store(Batch(rows, decode([]).rejected, {"w1": 3}))
    assert read_ledger([log], warehouse).balanced
    fill(log, "b", 2)
    loader_of([log], warehouse).drain()
    assert warehouse.positions() == {"w1": 5, "read:w1:default": 5}
    ledger = read_ledger([log], warehouse)
    assert (ledger.received, ledger.balanced) == (5, True)
    assert lost_counts([log], warehouse.positions()) == {}


def test_draining_stops_at_the_ends_that_it_saw(warehouse):
    log = MemoryLog("w1")
    fill(log, "a", 6)

    class Growing:
        name = "w1"

        def __getattr__(self, name):
            return getattr(log, name)

        def read(self, after, max_events):
            fill(log, f"more-{after}", 5)
            return log.read(after, max_events)

    done = loader_of([Growing()], warehouse, batch_events=3).drain()
    assert done.stored == 6
    assert log.end() > 6


def test_it_goes_on_after_an_error_and_says_why(warehouse, monkeypatch):
    log = MemoryLog("w1")
    fill(log, "a", 3)
    monkeypatch.setattr("footfall.services.load.FIRST_PAUSE", 0.05)
    failing = threading.Event()
    failing.set()

    class Failing:
        def __getattr__(self, name):
            return getattr(warehouse, name)

        def store(self, batch):
            if failing.is_set():
                raise StoreFailed(store="The warehouse", cause="No space left on device")
            return warehouse.store(batch)

    loader = loader_of([log], Failing())
    stop = threading.Event()
    thread = threading.Thread(target=loader.run, args=(stop, 0.01))
    thread.start()
    try:
        _wait_for(lambda: loader.state.error is not None)
        assert "No space left" in loader.state.error
        assert warehouse.positions() == {}
        failing.clear()
        _wait_for(lambda: warehouse.positions().get("w1") == 3)
        _wait_for(lambda: loader.state.error is None)
        fill(log, "b", 2)
        _wait_for(lambda: warehouse.positions().get("w1") == 5)
    finally:
        stop.set()
        thread.join(5)
    assert not thread.is_alive()
    assert loader.state.loaded == Stored(stored=5)


def _wait_for(what) -> None:
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
