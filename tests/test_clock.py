"""The client's clock corrected; all times in seconds on one line.

created ------- sent -- (network) -- received       the client's clock is right: nothing changes
     created - sent ............... received       it is behind: both move by the difference
"""

from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.enrich.clock import created_column

SECOND = 1_000_000
NOW = 1_772_366_400

Row = tuple[float | None, float | None, float]


def corrected(rows: list[Row], senders: list[str | None] | None = None) -> list[float]:
    """Return created, in seconds from NOW, of rows (created, sent, received) in the same."""

    def times(place: int) -> pa.Array:
        values = [None if row[place] is None else round((row[place] + NOW) * SECOND) for row in rows]  # type: ignore[operator]
        return pa.array(values, pa.int64()).cast(pa.timestamp("us"))

    columns = {
        "created_at": times(0),
        "sent_at": times(1),
        "received_at": times(2),
        "app_id": pa.array(["shop"] * len(rows)),
        "visitor_hash": pa.array(senders or ["v"] * len(rows), pa.string()),
        "anonymous_id": pa.nulls(len(rows), pa.string()),
        "user_id": pa.nulls(len(rows), pa.string()),
    }
    created = created_column(columns)
    assert created.type == pa.timestamp("us")
    return [value / SECOND - NOW for value in created.cast(pa.int64()).to_pylist()]


def test_a_right_clock_is_left_alone_whatever_the_network_took() -> None:
    assert corrected([(-5, 0, 0.2), (-5, 0, 12), (-86_400, 0, 1)]) == [-5, -5, -86_400]


def test_a_wrong_clock_is_moved_by_its_difference() -> None:
    assert corrected([(-3605, -3600, 0)]) == [-5]
    assert corrected([(3595, 3600, 0)]) == [-5]


def test_one_request_has_one_correction_so_its_order_stays() -> None:
    # The second event carries an older sent_at: alone it would be moved 40 s further than the first.
    assert corrected([(-3610, -3600, 0), (-3605, -3640, 0)]) == [-10, -5]


def test_requests_and_senders_are_corrected_apart() -> None:
    assert corrected([(-3610, -3600, 0), (-10, 0, 0)], ["a", "b"]) == [-10, -10]
    assert corrected([(-3610, -3600, 0), (-3610, -3600, 5)]) == [-10, -5]


def test_old_events_without_sent_at_stay() -> None:
    assert corrected([(-40_000_000, None, 0), (-1, None, 0)]) == [-40_000_000, -1]


def test_a_missing_time_and_a_future_one_are_the_receipt() -> None:
    assert corrected([(None, None, 7), (61, None, 0), (59, None, 0), (None, -3600, 3)]) == [7, 0, 59, 3]


def test_no_rows() -> None:
    assert corrected([]) == []


@given(
    skew=st.integers(-100_000, 100_000),
    ages=st.lists(st.integers(0, 10_000), min_size=1, max_size=8),
    delay=st.integers(0, 20),
)
def test_order_within_a_request_is_kept_and_the_error_is_bounded(
    skew: int, ages: list[int], delay: int
) -> None:
    times = corrected([(skew - age, skew, delay) for age in ages])
    assert [after - before for before, after in pairwise(times)] == [
        older - newer for older, newer in pairwise(ages)
    ]
    # Never further from the truth than the tolerance and the network's delay.
    assert all(abs(time + age) <= 30 + delay for time, age in zip(times, ages, strict=True))
