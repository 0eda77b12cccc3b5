"""For tests with a warehouse: rows and batches to store, and the contract that every one keeps.

To prove an adapter of your own, subclass ``WarehouseContract`` and give it a fixture
``open_warehouse``; a call opens the warehouse, and after ``close`` a second call the same again.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count

import pyarrow as pa
import pytest

from footfall.core.arrow import EVENTS_SCHEMA, REJECTED_SCHEMA
from footfall.core.record import AppId
from footfall.core.schema import EVENTS, column_names
from footfall.errors import BadQuery, FootfallError, NotFound
from footfall.ports import Batch, Books, Stored, Warehouse

__all__ = ["NOON", "OpenWarehouse", "WarehouseContract", "make_batch", "make_rejected", "make_row"]

NOON = datetime(2026, 11, 20, 12)  # noqa: DTZ001 - our times are UTC without a zone

OpenWarehouse = Callable[[], Warehouse]

_numbers = count(1)


def make_row(event: str | None = "page_view", **columns: object) -> dict[str, object]:
    """Return one row of events, complete; ``created_at`` also sets the other times."""
    at = columns.get("created_at", NOON)
    row: dict[str, object] = {
        "event_id": f"event-{next(_numbers)}",
        "app_id": "shop",
        "event": event,
        "visitor_id": "ada",
        "created_at": at,
        "received_at": at,
        "processed_at": at,
        "path": "/",
        "is_bot": False,
        "origin": "native",
    }
    return row | columns


def make_rejected(rejected_id: str, **columns: object) -> dict[str, object]:
    """Return one rejected event."""
    return {
        "rejected_id": rejected_id,
        "app_id": "shop",
        "received_at": NOON,
        "origin": "native",
        "reasons": ["event is missing", "url is too long"],
        "body": "{}",
    } | columns


def make_batch(
    *rows: Mapping[str, object],
    rejected: Sequence[Mapping[str, object]] = (),
    positions: Mapping[str, int] | None = None,
    unique: bool = False,
) -> Batch:
    """Return a batch of rows made by ``make_row``."""
    return Batch(
        pa.Table.from_pylist([dict(row) for row in rows], EVENTS_SCHEMA),
        pa.Table.from_pylist([dict(row) for row in rejected], REJECTED_SCHEMA),
        positions or {},
        unique,
    )


def _count(warehouse: Warehouse, table: str = "events") -> int:
    return int(warehouse.query(f"select count(*) from {table}").rows[0][0])  # noqa: S608 - our own names


class WarehouseContract:
    """What every Warehouse promises; see the port."""

    def test_rows_come_back_with_the_contract_columns_and_no_more(
        self, open_warehouse: OpenWarehouse
    ) -> None:
        """The view is the contract, whatever the adapter keeps beside it."""
        warehouse = open_warehouse()
        row = make_row(time_spent=1.5, status=200, properties='{"a":"Zoë"}', session_id="given")
        assert warehouse.store(make_batch(row)) == Stored(stored=1)
        answer = warehouse.query("select * from events")
        assert answer.columns == column_names(EVENTS)
        assert answer.rows == [tuple(row.get(name) for name in column_names(EVENTS))]
        assert answer.fresh_to == NOON
        assert answer.rows_read == 1

    def test_unique_rows_are_guarded_by_their_positions_alone(self, open_warehouse: OpenWarehouse) -> None:
        warehouse = open_warehouse()
        rows = [make_row(event_id=f"f00-{place}", visitor_id="v") for place in range(3)]
        batch = make_batch(*rows, positions={"file:f00": 30}, unique=True)
        assert warehouse.store(batch).stored == 3
        assert warehouse.store(batch).stored == 0
        later = make_batch(make_row(event_id="f00-3", visitor_id="v"), positions={"file:f01": 40})
        assert warehouse.store(later).stored == 1
        assert warehouse.books()[AppId("shop")].stored == _count(warehouse) == 4
        assert _count(warehouse, "sessions") == 1

    def test_an_event_counts_once_within_seven_days(self, open_warehouse: OpenWarehouse) -> None:
        """In the batch, in a later batch, per app; after seven days it is another event."""
        warehouse = open_warehouse()
        first = make_row(event_id="1")
        assert warehouse.store(make_batch(first, first)) == Stored(stored=1, duplicate=1)
        other_app = make_row(event_id="1", app_id="blog")
        later = make_row(event_id="1", created_at=NOON + timedelta(days=7, seconds=-1))
        assert warehouse.store(make_batch(other_app, later)) == Stored(stored=1, duplicate=1)
        much_later = make_row(event_id="1", created_at=NOON + timedelta(days=7))
        assert warehouse.store(make_batch(much_later)) == Stored(stored=1)
        assert warehouse.books() == {"shop": Books(2, 2, 0), "blog": Books(1, 0, 0)}
        assert warehouse.standing() == (warehouse.positions(), warehouse.books())

    def test_an_id_cannot_be_mistaken_for_another_apps(self, open_warehouse: OpenWarehouse) -> None:
        """App and id are kept apart however they are spelled."""
        warehouse = open_warehouse()
        rows = [make_row(app_id="a", event_id="b:c"), make_row(app_id="a:b", event_id="c")]
        assert warehouse.store(make_batch(*rows)) == Stored(stored=2)

    def test_a_batch_that_was_stored_adds_nothing(self, open_warehouse: OpenWarehouse) -> None:
        """Positions that are not beyond the committed ones mean that all of it is there."""
        warehouse = open_warehouse()
        batch = make_batch(make_row(), rejected=[make_rejected("r1")], positions={"log": 3})
        assert warehouse.store(batch) == Stored(stored=1, rejected=1)
        assert warehouse.store(batch) == Stored()
        assert warehouse.store(make_batch(make_row(), positions={"log": 2})) == Stored()
        assert warehouse.positions() == {"log": 3}
        assert warehouse.books() == {"shop": Books(1, 0, 1)}
        with pytest.raises(FootfallError, match="before the committed position"):
            warehouse.store(make_batch(make_row(), positions={"log": 2, "other": 1}))
        assert _count(warehouse) == 1

    def test_it_is_all_there_when_opened_again(self, open_warehouse: OpenWarehouse) -> None:
        """Rows, positions, books, version, and the memory of what was seen."""
        warehouse = open_warehouse()
        batch = make_batch(make_row(event_id="1"), rejected=[make_rejected("r1")], positions={"log": 3})
        warehouse.store(batch)
        version = warehouse.version()
        warehouse.close()
        warehouse = open_warehouse()
        assert (warehouse.version(), warehouse.positions()) == (version, {"log": 3})
        assert warehouse.books() == {"shop": Books(1, 0, 1)}
        assert warehouse.store(make_batch(make_row(event_id="1"))) == Stored(duplicate=1)
        assert warehouse.version() > version

    def test_a_batch_that_cannot_be_stored_leaves_nothing(self, open_warehouse: OpenWarehouse) -> None:
        """Not a row, not a position: and the next one is taken."""
        warehouse = open_warehouse()
        good = make_row(event_id="1")
        bad = make_batch(good, make_row(None, event_id="2"), positions={"log": 1})
        with pytest.raises(FootfallError, match="nothing was committed") as caught:
            warehouse.store(bad)
        assert caught.value.retryable
        assert (_count(warehouse), warehouse.positions(), warehouse.books()) == (0, {}, {})
        assert warehouse.store(make_batch(good, positions={"log": 1})) == Stored(stored=1)

    def test_every_place_of_an_event_is_found(self, open_warehouse: OpenWarehouse) -> None:
        """Stored, sent again, rejected: oldest first."""
        warehouse = open_warehouse()
        again = make_row(event_id="1", created_at=NOON + timedelta(hours=1))
        later = NOON + timedelta(hours=2)
        rejected = make_rejected("r1", event_id="1", received_at=later)
        warehouse.store(make_batch(make_row(event_id="1"), again, rejected=[rejected]))
        found = warehouse.find("1")
        assert [each.state for each in found] == ["stored", "duplicate", "rejected"]
        assert [each.received_at for each in found] == [NOON, again["received_at"], later]
        assert found[0].detail["event"] == "page_view"
        assert "url is too long" in found[2].detail["reasons"]
        assert warehouse.find("2") == []

    def test_rejected_events_are_listed_and_struck_when_retried(
        self, open_warehouse: OpenWarehouse
    ) -> None:
        """A retry moves an event from rejected to stored in the books, once."""
        warehouse = open_warehouse()
        rejected = [
            make_rejected("r1"),
            make_rejected("r2", app_id="blog", received_at=NOON + timedelta(hours=1)),
        ]
        warehouse.store(make_batch(rejected=rejected))
        assert [each.rejected_id for each in warehouse.rejected()] == ["r2", "r1"]
        assert [each.rejected_id for each in warehouse.rejected(app_id="shop")] == ["r1"]
        assert [each.rejected_id for each in warehouse.rejected(limit=1)] == ["r2"]
        [one] = warehouse.rejected(rejected_id="r1")
        assert one.reasons == ("event is missing", "url is too long")
        batch = make_batch(make_row(event_id="r1"))
        assert warehouse.retried(["r1"], batch) == Stored(stored=1)
        assert warehouse.books() == {"shop": Books(1, 0, 0), "blog": Books(0, 0, 1)}
        with pytest.raises(NotFound, match="r1"):
            warehouse.retried(["r1", "r2"], batch)
        assert [each.rejected_id for each in warehouse.rejected()] == ["r2"]

    def test_queries_take_parameters_and_a_limit(self, open_warehouse: OpenWarehouse) -> None:
        """Named parameters; at most so many rows."""
        warehouse = open_warehouse()
        warehouse.store(make_batch(*(make_row(visitor_id=name) for name in ("ada", "bob", "cyd"))))
        sql = "select visitor_id as who from events where visitor_id <> $not order by who"
        answer = warehouse.query(sql, {"not": "bob"}, limit=1)
        assert (answer.columns, answer.rows, answer.sql) == (("who",), [("ada",)], sql)
        with pytest.raises(BadQuery):
            warehouse.query("select nothing from nowhere")

    def test_a_scan_streams_what_a_query_gives(self, open_warehouse: OpenWarehouse) -> None:
        """The same rows as Arrow."""
        warehouse = open_warehouse()
        warehouse.store(make_batch(*(make_row(visitor_id=f"{n}") for n in range(50))))
        sql = "select visitor_id from events where visitor_id <> $not order by visitor_id"
        batches = list(warehouse.scan(sql, {"not": "7"}))
        scanned = [row for batch in batches for row in batch.column(0).to_pylist()]
        assert scanned == [row[0] for row in warehouse.query(sql, {"not": "7"}).rows]

    def test_old_ids_are_forgotten_on_request(self, open_warehouse: OpenWarehouse) -> None:
        """Pruning changes no promise: within seven days a repetition is still known."""
        warehouse = open_warehouse()
        recent = make_row(event_id="2", created_at=NOON + timedelta(days=5))
        warehouse.store(make_batch(make_row(event_id="1"), recent))
        assert warehouse.prune(NOON + timedelta(days=8)) == 1
        assert warehouse.store(make_batch(recent)) == Stored(duplicate=1)
