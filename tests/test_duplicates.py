"""The rule of repeats over a whole history: against its obvious form, and against the warehouse's."""

from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.core.duplicates import REPEAT_WINDOW, LastKept, repeats
from footfall.testing.warehouse import NOON, make_batch, make_row

HALF_DAY = timedelta(hours=12)
Row = tuple[str, str, datetime]

histories = st.lists(
    st.tuples(
        st.sampled_from(["shop", "blog"]),
        st.sampled_from(["1", "2", "3"]),
        st.integers(0, 60).map(lambda n: NOON + n * HALF_DAY),
    ),
    max_size=40,
).map(sorted)


def table(rows: list[Row]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    kinds = (pa.string(), pa.string(), pa.timestamp("us"))
    return pa.table(
        [pa.array(values, kind) for values, kind in zip(columns, kinds, strict=True)],
        names=["app_id", "event_id", "received_at"],
    )


def plainly(rows: list[Row]) -> list[bool]:
    kept: dict[tuple[str, str], datetime] = {}
    found = []
    for app, event, at in rows:
        again = (app, event) in kept and at - kept[app, event] < REPEAT_WINDOW
        found.append(again)
        if not again:
            kept[app, event] = at
    return found


@given(histories, st.integers(1, 40))
@example([("shop", "1", NOON + n * HALF_DAY) for n in range(40)], 3)
def test_any_history_cut_anywhere(rows: list[Row], size: int) -> None:
    """A kept event opens a week; what comes at its end is new.

    ::
        day   0 . 3 . 6 . | 7 . . 13 . | 14
              kept  again | kept again | kept
    """
    found: list[bool] = []
    last: LastKept | None = None
    for start in range(0, len(rows), size):
        part, last = repeats(table(rows[start : start + size]), last)
        found += part.tolist()
    assert found == plainly(rows)


@settings(max_examples=15)
@given(histories)
def test_the_warehouse_keeps_the_same(tmp_path_factory, rows: list[Row]) -> None:
    """Event by event, as they come."""
    folder: Path = tmp_path_factory.mktemp("w")
    warehouse = DuckDBWarehouse(folder)
    try:
        told = dict.fromkeys(rows, 0)
        for app, event, at in sorted(rows, key=lambda row: row[2]):
            batch = make_batch(make_row(app_id=app, event_id=event, created_at=at))
            told[app, event, at] += warehouse.store(batch).duplicate
        expected = dict.fromkeys(rows, 0)
        for row, again in zip(rows, plainly(rows), strict=True):
            expected[row] += again
        assert told == expected
    finally:
        warehouse.close()
