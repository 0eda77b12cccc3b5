"""Access logs joined with events: the formulas by published examples, the joining by a slow reference.

The reference takes the nearest pair of all, again and again, and counts row by row.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.reconcile import page_loads
from footfall.core.reconcile.estimates import (
    Lists,
    population,
    population_interval,
    population_variance,
    wilson,
)
from footfall.core.reconcile.report import Counted, groups_of, loads_of, sentence, total_of
from footfall.errors import BadQuery, NotReconcilable
from footfall.ports import Answer
from footfall.services import reconcile as service
from footfall.services.compare_queries import filled
from footfall.services.reconcile import Asked, reconcile, window_of
from footfall.services.reconcile_queries import COUNTED
from footfall.services.wire import answer_json

# Half a minute before a midnight, so that days' ends are among what is tried.
START = datetime(2026, 3, 1, 23, 59, 30)  # noqa: DTZ001 - as the warehouse keeps times
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("event_id", "app_id", "origin", "visitor_id", "anonymous_id")),
        *((name, pa.string()) for name in ("path", "ip", "browser", "browser_version", "os", "os_version")),
        *((name, pa.string()) for name in ("country", "method", "properties")),
        ("created_at", pa.timestamp("us")),
        ("status", pa.int64()),
        ("is_bot", pa.bool_()),
    ]
)
Row = dict[str, Any]


# Formulas


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    # Newcombe (1998), Stat. Med. 17, 857-872, table I, method 3
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_newcombe_printed_it(count: int, of: int, low: float, high: float) -> None:
    found = wilson(count, of)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_chapman_and_the_log_normal_interval_as_printed() -> None:
    # Hepatitis A, lists P and Q: Chao, Tsay, Lin, Shau, Chao (2001), Stat. Med. 20, 3123-3157
    lists = Lists(135, 122, 49)
    low, high = population_interval(lists)
    assert round(population(lists)) == 334
    assert round(population_variance(lists) ** 0.5) == 29
    assert (round(low), round(high)) == (289, 403)


def test_nobody_is_estimated_where_one_list_holds_the_other() -> None:
    assert population(Lists(100, 40, 40)) == 100
    assert population_interval(Lists(100, 40, 40)) == (100, 100)
    assert wilson(0, 0) is None


@given(st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 5_000))
def test_estimates_stay_within_what_can_be(first_only: int, second_only: int, both: int) -> None:
    lists = Lists(first_only + both, second_only + both, both)
    low, high = population_interval(lists)
    assert lists.seen - 1e-6 <= low <= population(lists) + 1e-6 <= high + 2e-6
    share = wilson(first_only, lists.first)
    if share:
        assert 0 <= share.low <= first_only / lists.first <= share.high <= 1


# What a page load is


@pytest.mark.parametrize(
    ("method", "status", "path", "content_type", "expected"),
    [
        ("GET", 200, "/", None, True),
        ("GET", 304, "/about", None, True),
        ("GET", 200, "/shop/index.php", None, True),
        ("GET", 200, "/style.css", None, False),
        ("GET", 200, "/v1.2/page.html", None, True),
        ("GET", 200, "/report", "application/pdf", False),
        ("GET", 200, "/feed.xyz", "text/html; charset=utf-8", True),
        ("GET", 206, "/", None, False),
        ("GET", 404, "/", None, False),
        ("HEAD", 200, "/", None, False),
        ("POST", 200, "/", None, False),
        ("GET", 200, None, None, False),
        (None, None, None, None, False),
    ],
)
def test_what_a_page_load_is(
    method: str | None, status: int | None, path: str | None, content_type: str | None, expected: bool
) -> None:
    assert page_loads.is_page_load(method, status, path, content_type) is expected


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/", ""),
        ("/a", "/a"),
        ("/a/", "/a"),
        ("/a/index.html", "/a"),
        ("/index.php", ""),
        ("/an/ex", "/an/ex"),
    ],
)
def test_one_page_has_one_path(path: str, page: str) -> None:
    assert page_loads.page_of(path) == page


# The joining


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """Draw the usual value nine times in ten, so that most rows can be joined."""
    return st.sampled_from([usual] * 9 * max(len(others), 1) + list(others))


SHARED = {
    "second": st.integers(15, 45),
    "path": mostly("/a", "/a/", "/a/index.html", "/b", "/", "/style.css"),
    "ip": mostly("10.0.0.0", "10.0.1.0", None),
    "browser": mostly("Firefox", "Chrome", None),
    "os": mostly("Linux", None),
    "country": mostly("DE", "NA", None),
    "is_bot": mostly(False, True),
}
LINES = st.fixed_dictionaries(
    {
        **SHARED,
        "visitor_id": st.sampled_from(["l1", "l2", "l3", "l4"]),
        "method": mostly("GET", "POST"),
        "status": mostly(200, 304, 404),
        "properties": mostly(
            None, '{"sc-content-type":"text/html"}', '{"resp_headers.Content-Type":"text/css"}'
        ),
        "origin": st.sampled_from(["combined", "caddy"]),
    }
)
EVENTS = st.fixed_dictionaries(
    {
        **SHARED,
        "microsecond": st.sampled_from([0, 0, 400_000]),
        "visitor_id": st.sampled_from(["s1", "s2", "s3"]),
        "anonymous_id": st.sampled_from([None, "b1", "b2"]),
        "origin": st.sampled_from(["native", "plausible"]),
    }
)


def table_of_rows(rows: list[Row]) -> pa.Table:
    filled_in = []
    for number, row in enumerate(rows):
        moment = START + timedelta(seconds=row["second"], microseconds=row.get("microsecond", 0))
        filled_in.append(
            {
                "event_id": f"e{number}",
                "app_id": "shop",
                "browser_version": "1",
                **row,
                "created_at": moment,
            }
        )
    return pa.Table.from_pylist(filled_in, schema=SCHEMA)


def asking(table: pa.Table) -> service.Ask:
    connection = duckdb.connect()
    connection.register("events", table)

    def ask(sql: str) -> Mapping[str, Any]:
        found = connection.execute(sql)
        columns = tuple(column[0] for column in found.description)
        return answer_json(Answer(columns, found.fetchall(), sql, table.num_rows, None))

    return ask


def content_type(row: Row) -> str | None:
    text = row["properties"] or ""
    return "text/html" if "text/html" in text else "text/css" if "text/css" in text else None


def is_log(row: Row) -> bool:
    return row["origin"] in page_loads.ORIGINS


def nearest(loads: list[Row], hits: list[Row], window: timedelta) -> dict[str, str]:
    """Take the nearest pair of all, again and again; equally near ones by their ids."""
    names = ("ip", "browser", "os")

    def together(load: Row, hit: Row) -> bool:
        return (
            load["created_at"].date() == hit["created_at"].date()
            and all(load[name] == hit[name] for name in names)
            and page_loads.page_of(load["path"]) == page_loads.page_of(hit["path"])
            and abs(load["created_at"] - hit["created_at"]) <= window
        )

    taken: dict[str, str] = {}
    pairs = sorted(
        (abs(load["created_at"] - hit["created_at"]), load["number"], hit["number"], load, hit)
        for load, hit in product(loads, hits)
        if together(load, hit)
    )
    for _, _, _, load, hit in pairs:
        if load["event_id"] not in taken and hit["event_id"] not in taken.values():
            taken[load["event_id"]] = hit["event_id"]
    return taken


def class_of(row: Row, without: list[str]) -> str:
    if row["is_bot"]:
        return "bot"
    if row["ip"] is None or row["browser"] is None:
        return "unreadable"
    return "no_script" if page_loads.page_of(row["path"]) in without else "person"


def reference(rows: list[Row], without: list[str], window: timedelta) -> tuple[Counter[Any], Counter[str]]:
    """Count visitors by (side, day, state), and page loads by class, row by row."""
    loads = [
        row
        for row in rows
        if is_log(row)
        and page_loads.is_page_load(row["method"], row["status"], row["path"], content_type(row))
    ]
    hits = [row for row in rows if not is_log(row) and row["ip"] and row["browser"]]
    people = [row for row in loads if class_of(row, without) == "person"]
    matched = nearest(people, [hit for hit in hits if not hit["is_bot"]], window)
    classes: dict[Any, list[str]] = defaultdict(list)
    for row in loads:
        found = class_of(row, without)
        if found == "person":
            found = "matched" if row["event_id"] in matched else "unmatched"
        classes[row["created_at"].date(), row["visitor_id"]].append(found)
    order = ("matched", "unmatched", "no_script", "unreadable", "bot")
    visitors: Counter[Any] = Counter(
        ("log", day, min(found, key=order.index)) for (day, _), found in classes.items()
    )
    seen: dict[Any, list[Row]] = defaultdict(list)
    for hit in hits:
        seen[hit["created_at"].date(), hit["anonymous_id"] or hit["visitor_id"]].append(hit)
    for (day, _), own in seen.items():
        state = "bot" if all(hit["is_bot"] for hit in own) else "unmatched"
        if any(hit["event_id"] in matched.values() for hit in own):
            state = "matched"
        visitors["script", day, state] += 1
    return visitors, Counter(one for found in classes.values() for one in found)


@given(
    st.lists(LINES, min_size=2, max_size=14),
    st.lists(EVENTS, min_size=2, max_size=14),
    st.sampled_from([[], ["/b"]]),
    st.sampled_from([2, 5, 10]),
)
def test_joining_is_the_nearest_pair_again_and_again(
    lines: list[Row], events: list[Row], without: list[str], seconds: int
) -> None:
    table = table_of_rows([*lines, *events])
    ask = asking(table)
    # Among equally near pairs the one with the lesser number is taken, which only DuckDB can tell.
    rows = table.to_pylist()
    numbers = ask("select event_id, hash(event_id, created_at) from events")["rows"]
    for row in rows:
        row["number"] = dict(numbers)[row["event_id"]]
    window = timedelta(seconds=seconds)
    days = [START.date(), START.date() + timedelta(days=1)]
    stretch = service._Stretch(START, START + timedelta(minutes=5), (), ())
    values = service._values("shop", Asked(window=window), stretch) | {"without_script": without}
    answer = ask(filled(COUNTED, values))
    counted = [Counted(**dict(zip(answer["columns"], row, strict=True))) for row in answer["rows"]]
    visitors, classes = reference(rows, without, window)
    found: Counter[Any] = Counter()
    for row in counted:
        if row.part == "day":
            found[row.side, date.fromisoformat(row.name or ""), row.state] += row.visitors
    assert found == visitors
    loads = loads_of(counted)
    assert (loads.matched, loads.unmatched, loads.bots) == tuple(
        classes[name] for name in ("matched", "unmatched", "bot")
    )
    assert (loads.no_script, loads.unreadable) == (classes["no_script"], classes["unreadable"])
    assert loads.all == classes.total()
    for part in ("day", "browser", "country"):
        groups = groups_of(counted, part)  # type: ignore[arg-type]
        total = total_of(counted)
        for name in ("in_log", "matched", "blocked", "script", "bots"):
            assert sum(getattr(group, name) for group in groups) == getattr(total, name), (part, name)
    assert {group.name for group in groups_of(counted, "day")} <= {day.isoformat() for day in days}


# The report

AGENT = {"ip": "10.0.0.0", "browser": "Firefox", "os": "Linux", "country": "DE", "is_bot": False}


def line(visitor: str, second: int, **other: Any) -> Row:
    return {
        **AGENT, "visitor_id": visitor, "second": second, "path": "/", "method": "GET", "status": 200,
        "properties": None, "origin": "combined", **other,
    }  # fmt: skip


def event(visitor: str, second: int, **other: Any) -> Row:
    row = {**AGENT, "visitor_id": visitor, "anonymous_id": None, "second": second, "path": "/"}
    return {**row, "origin": "native", **other}


def both(count: int = 10, blocked: int = 3) -> list[Row]:
    """``count`` people an hour apart on one page; the last ``blocked`` of them block the script."""
    people = [
        each
        for number in range(count)
        for each in (line(f"l{number}", number * 600), event(f"s{number}", number * 600 + 1))
    ]
    return [row for row in people if is_log(row) or int(row["visitor_id"][1:]) < count - blocked]


def test_the_report_says_who_blocked_it() -> None:
    bots = [line("robot", 5, is_bot=True, browser="Googlebot")]
    found = reconcile(Asked("shop"), asking(table_of_rows([*both(), *bots])))
    total = found.total
    # The last event stands before three more loads, of which one lies within ten minutes of it.
    assert (total.in_log, total.matched, total.blocked, total.script, total.bots) == (8, 7, 1, 7, 1)
    assert total.blocked_share == pytest.approx(1 / 8)
    assert found.loads.all == found.loads.matched + found.loads.unmatched + found.loads.bots == 9
    assert found.delay_seconds == 1
    assert [group[0] for group in found.tables["browser"].rows] == ["Firefox", "Googlebot"]
    assert "the script saw 7 (88%" in found.sentence
    assert found.one_load == 1
    assert "10000000" in found.sql


def test_pages_that_the_script_never_reports_from_are_left_out() -> None:
    api = [line(f"l{number}", number * 600 + 3, path="/api/status") for number in range(7)]
    rare = [line("l1", 604, path="/thanks/17")]
    found = reconcile(Asked("shop"), asking(table_of_rows([*both(blocked=0), *api, *rare])))
    assert [(page.page, page.visitors, page.loads) for page in found.without_script] == [
        ("/api/status", 7, 7)
    ]
    assert (found.loads.no_script, found.loads.unmatched) == (7, 1)
    assert found.total.blocked == 0
    assert any("1 pages that people load are left out" in note for note in found.notes)


def test_days_that_one_side_lacks_are_left_out_and_named() -> None:
    day = 86_400
    rows = [*both(), line("l9", day * 2), line("l9", day * 4), event("s9", day * 4 + 1)]
    found = reconcile(Asked("shop"), asking(table_of_rows(rows)))
    assert [row[0] for row in found.tables["day"].rows] == ["2026-03-01", "2026-03-02", "2026-03-05"]
    assert found.notes == ["1 days are left out, since only log or script has them: 2026-03-03."]


def test_asking_for_some_days_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {**row, "second": row["second"] + 86_400 * day} for day in range(4) for row in both(6 + day, day)
    ]
    ask, steps = asking(table_of_rows(rows)), []
    whole = reconcile(Asked("shop"), ask)
    monkeypatch.setattr(service, "AT_ONCE", 1)
    apart = reconcile(Asked("shop"), ask, lambda done, of: steps.append((done, of)))
    assert (apart.total, apart.tables, apart.loads) == (whole.total, whole.tables, whole.loads)
    assert steps[-1] == (6, 6)
    assert len(steps) > 4


def test_somebody_who_logs_in_is_one_visitor_and_two_devices_are_two() -> None:
    rows = [
        *both(blocked=0),
        event("u1", 3, anonymous_id="s0"), event("s0", 2, anonymous_id="s0"),
        line("phone", 4, browser="Chrome"), event("u1", 5, anonymous_id="phone", browser="Chrome"),
    ]  # fmt: skip
    rows = [{**row, "anonymous_id": "s0"} if row["visitor_id"] == "s0" else row for row in rows]
    found = reconcile(Asked("shop"), asking(table_of_rows(rows)))
    assert (found.total.in_log, found.total.script) == (11, 11)


def test_a_clock_that_is_off_is_told() -> None:
    rows = [*both()]
    late = [{**row, "second": row["second"] + 7} if not is_log(row) else row for row in rows]
    found = reconcile(Asked("shop"), asking(table_of_rows(late)))
    assert any("+8.0 s from the log's lines" in note for note in found.notes)


def test_no_number_is_made_of_too_few() -> None:
    rows = [Counted(side="log", part="day", name="2026-03-01", state="unmatched", visitors=10)]
    rows += [
        Counted(side="script", part="day", name="2026-03-01", state=state, visitors=6)
        for state in ("matched", "unmatched")
    ]
    total = total_of(rows)
    assert (total.in_log, total.script, total.visitors, total.at_least) == (16, 12, None, 22)
    assert sentence(total, 1).startswith("At least 22 people came; the script saw 12 (38%")


@pytest.mark.parametrize(
    ("rows", "asked", "told"),
    [
        ([], Asked("shop"), "the app shop has no access log. Import it: footfall import combined"),
        ([event("s1", 1)], Asked("shop"), "the app shop has no access log"),
        ([line("l1", 1)], Asked("docs"), r"the app docs has no access log \(imported for shop\)"),
        ([line("l1", 1)], Asked("shop"), "has access logs but no events of a script"),
        (both(), Asked("shop", date(2026, 4, 1)), "shop has no line of an access log from 2026-04-01"),
        (
            [line("l1", 1), event("s1", 2, ip=None)],
            Asked("shop"),
            "of shop's 1 events none has page, network and browser",
        ),
        ([line("l1", 1), event("s1", 90_000)], Asked("shop"), "which do not overlap"),
        ([line("l1", 60), event("s1", 4_000)], Asked("shop"), "which do not overlap"),
        ([line("l1", 1), event("s1", 2, path="/b")], Asked("shop"), "none of shop's 1 page loads"),
    ],
)  # fmt: skip
def test_what_is_lacking_is_said(rows: list[Row], asked: Asked, told: str) -> None:
    with pytest.raises(NotReconcilable, match=told):
        reconcile(asked, asking(table_of_rows(rows)))


def test_the_only_app_that_has_both_is_found() -> None:
    table = table_of_rows([*both(), line("l1", 1, app_id="files")])
    assert reconcile(Asked(), asking(table)).app == "shop"
    two = table_of_rows([*both(), *({**row, "app_id": "docs"} for row in both())])
    with pytest.raises(NotReconcilable, match="Say which: docs, shop"):
        reconcile(Asked(), asking(two))


def test_windows_are_lengths() -> None:
    assert window_of("10s") == timedelta(seconds=10)
    assert window_of("2m") == timedelta(minutes=2)
    for text in ("", "0s", "11m", "10", "ten", "5h", "99999s"):
        with pytest.raises(BadQuery, match="is not a length from 1s to 10m"):
            window_of(text)
    with pytest.raises(BadQuery, match="lies behind"):
        reconcile(Asked("shop", date(2026, 3, 2), date(2026, 3, 1)), asking(table_of_rows([])))
