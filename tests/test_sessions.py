"""Sessions: the rule, the vectorised merge, and the warehouse's table under any order of arrival.

One letter is an event of one visitor, one column ten minutes; a gap of more than three columns
splits. Late events (L) arrive in a batch after the others.
"""

from collections import defaultdict
from datetime import timedelta

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.adapters.duckdb_warehouse.sessions import Span, _clusters
from footfall.core.session_merge import merge_pieces, runs_of
from footfall.core.sessions import SESSION_GAP, Hit, session_id_of, sessions_of
from footfall.testing.warehouse import NOON, make_batch, make_row

COLUMN = timedelta(minutes=10)
TABLE = """
select app_id, visitor_id, is_bot, session_id, started_at, ended_at, events, page_views, entry_path,
    exit_path
from sessions order by app_id, visitor_id, is_bot, started_at
"""


def draw(picture: str) -> list[dict[str, object]]:
    """Make a row of each letter of a timeline."""
    return [
        make_row(created_at=NOON + COLUMN * place, path=f"/{place}")
        for place, letter in enumerate(picture)
        if letter.isalpha()
    ]


def hits(rows) -> list[Hit]:
    return [Hit(**{name: row.get(name) for name in Hit._fields}) for row in rows]


def expected(rows) -> list[tuple[object, ...]]:
    return [tuple(getattr(each, name) for name in type(each).__slots__) for each in sessions_of(hits(rows))]


def check(warehouse: DuckDBWarehouse, rows) -> None:
    """Compare the table, and the label of every row, with a computation from scratch."""
    assert warehouse.query(TABLE).rows == expected(rows)
    labels = dict(warehouse.query("select event_id, session_id from events").rows)
    sessions = sessions_of(hits(rows))
    for row in rows:
        own = [
            each.session_id
            for each in sessions
            if (each.app_id, each.visitor_id, each.is_bot)
            == (row["app_id"], row["visitor_id"], row["is_bot"])
            and each.started_at <= row["created_at"] <= each.ended_at
        ]
        assert [labels[row["event_id"]]] == ([row["session_id"]] if row.get("session_id") else own)


@pytest.fixture
def warehouse(tmp_path):
    opened = DuckDBWarehouse(tmp_path)
    yield opened
    opened.close()


TIMELINES = {
    #                              0123456789012345678901234567
    "one session": ("aaa", "", 1),
    "a gap of 30 minutes stays": ("a  a", "", 1),
    "a longer one splits": ("a   a", "", 2),
    "late inside": ("a  a", " L", 1),
    "late extends the end": ("aa", "    L", 1),
    "late moves the start": ("   aa", "L", 1),
    "late is one of its own": ("a       a", "    L", 3),
    "late bridges two": ("a     a", "   L", 1),
    "late bridges three": ("a     a     a", "   L     L", 1),
    "late bridges two of three": ("a     a       a", "   L", 2),
}


@pytest.mark.parametrize("name", TIMELINES)
def test_timelines(warehouse, name):
    first, late, count = TIMELINES[name]
    rows, late_rows = draw(first), draw(late)
    warehouse.store(make_batch(*rows))
    warehouse.store(make_batch(*late_rows))
    check(warehouse, rows + late_rows)
    assert len(warehouse.query("from sessions").rows) == count


def test_the_gap_is_thirty_minutes_to_the_microsecond():
    later = NOON + SESSION_GAP
    one = [Hit("shop", "ada", False, NOON), Hit("shop", "ada", False, later)]
    two = [one[0], Hit("shop", "ada", False, later + timedelta(microseconds=1))]
    assert (len(sessions_of(one)), len(sessions_of(two))) == (1, 2)


def test_the_senders_session_id_stays(warehouse):
    r"""The start moves: computed labels follow, the sender's word does not.

    ::
           ab      then L:   L  ab
    """
    computed = make_row(created_at=NOON)
    own = make_row(created_at=NOON + COLUMN, session_id="mine")
    late = make_row(created_at=NOON - COLUMN)
    warehouse.store(make_batch(computed, own))
    warehouse.store(make_batch(late))
    check(warehouse, [computed, own, late])


def test_visitors_that_read_alike_are_not_mixed(warehouse):
    rows = [
        make_row(app_id=app, visitor_id=visitor, is_bot=bot)
        for app, visitor in (("a", "bc"), ("ab", "c"))
        for bot in (False, True)
    ]
    warehouse.store(make_batch(*rows))
    check(warehouse, rows)
    assert len({session_id_of(r["app_id"], r["visitor_id"], r["is_bot"], NOON) for r in rows}) == 4


PATHS = st.sampled_from([None, "/", "/a", "/b"])
EVENTS = st.builds(
    lambda visitor, minutes, event, path, bot, session: make_row(
        event,
        visitor_id=visitor,
        created_at=NOON + timedelta(minutes=minutes),
        path=path,
        is_bot=bot,
        session_id=session,
    ),
    st.sampled_from(["ada", "bob"]),
    st.integers(0, 240) | st.sampled_from([0, 30, 60, 90, 10_000, 10_030]),
    st.sampled_from(["page_view", "click"]),
    PATHS,
    st.sampled_from([False, False, True]),
    st.sampled_from([None, None, "given"]),
)


@given(rows=st.lists(EVENTS, max_size=40))
def test_runs_equal_the_slow_reference(rows):
    merged = runs_of(make_batch(*rows).rows)
    made = merged.pieces.drop_columns(["first_at", "last_at"]).to_pylist()
    for piece in made:
        key = (piece["app_id"], piece["visitor_id"], piece["is_bot"], piece["started_at"])
        piece["session_id"] = session_id_of(*key)
    names = [*type(sessions_of(hits([make_row()]))[0]).__slots__]
    renamed = {"entry_path": "first_path", "exit_path": "last_path"}
    found = sorted(tuple(piece[renamed.get(name, name)] for name in names) for piece in made)
    assert found == sorted(expected(rows), key=lambda each: each[:4])
    counts = defaultdict(int)
    for number in merged.number:
        counts[int(number)] += 1
    assert [counts[place] for place in range(len(made))] == [piece["events"] for piece in made]


@given(rows=st.lists(EVENTS, max_size=30), cut=st.integers(0, 30))
def test_merging_parts_gives_what_all_rows_give(rows, cut):
    first, second = runs_of(make_batch(*rows[:cut]).rows), runs_of(make_batch(*rows[cut:]).rows)
    merged = merge_pieces(pa.concat_tables([second.pieces, first.pieces])).pieces
    whole = runs_of(make_batch(*rows).rows).pieces
    by = [
        ("app_id", "ascending"),
        ("visitor_id", "ascending"),
        ("is_bot", "ascending"),
        ("started_at", "ascending"),
    ]
    assert merged.sort_by(by).to_pylist() == whole.sort_by(by).to_pylist()


@settings(max_examples=12, deadline=None)
@given(batches=st.lists(st.lists(EVENTS, max_size=14), max_size=5), again=st.booleans())
@example(batches=[draw("a     a     a"), draw("   L"), draw("         L")], again=True)
def test_any_order_of_arrival_equals_a_recomputation(tmp_path_factory, batches, again):
    warehouse = DuckDBWarehouse(tmp_path_factory.mktemp("w"))
    try:
        for rows in batches:
            warehouse.store(make_batch(*rows))
            if again:
                warehouse.store(make_batch(*rows))
        rows = [row for batch in batches for row in batch]
        check(warehouse, rows)
        warehouse.rebuild_rollups()
        check(warehouse, rows)
    finally:
        warehouse.close()


def test_relabelling_looks_at_few_stretches_of_time():
    spans = [Span(NOON + timedelta(days=day), NOON + timedelta(days=day, hours=1)) for day in range(20)]
    clusters = _clusters(spans)
    assert len(clusters) == 8
    assert clusters[-1] == Span(spans[7].low, spans[-1].high)
    near = [
        Span(NOON, NOON + timedelta(hours=9)),
        Span(NOON, NOON),
        Span(NOON + timedelta(hours=15), NOON + timedelta(hours=16)),
    ]
    assert _clusters(near) == [Span(NOON, NOON + timedelta(hours=16))]
