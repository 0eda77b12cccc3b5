"""Another product's numbers beside ours: each cause is planted, found, and named; every zone is found.

The platform is a real one in this process, and once a running one; the exports are written from what
was planted, never from footfall's own answer.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from installation import run_footfall, running

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.core.compare.causes import Ours, causes_of, likely_of
from footfall.core.compare.exports import read_export
from footfall.core.compare.fit import SHIFTS, best_shift
from footfall.core.compare.report import Comparison
from footfall.core.record import AppId, Record, Sender
from footfall.errors import BadComparison
from footfall.metrics import metric, render
from footfall.services.compare import Asked, chosen_columns, compare, zone_of
from footfall.services.load import Loader
from footfall.services.wire import answer_json
from footfall.testing.event_log import MemoryLog

PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"
ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
FIRST = date(2026, 3, 1)
DAYS = [FIRST + timedelta(days=each) for each in range(8)]


def at(day: date, hour: float) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)


class Site:
    """A warehouse that is filled view by view, as trackers would."""

    def __init__(self, folder: Path) -> None:
        self.warehouse = DuckDBWarehouse(folder)
        self._log = MemoryLog("w1")
        self._number = 0

    def view(self, visitor: str, when: datetime, *, received: datetime | None = None, **other: str) -> None:
        """One page view; ``received`` a second later when not given. ``event_id`` may repeat."""
        self._number += 1
        event = {
            "event": "page_view",
            "event_id": other.get("event_id", f"e{self._number}"),
            "anonymous_id": visitor,
            "created_at": when.isoformat(),
        }
        moment = received or when + timedelta(seconds=1)
        self._log.append(
            [
                Record(
                    kind="events",
                    app_id=AppId(other.get("app", "shop")),
                    origin=other.get("origin", "native"),
                    received_at=int(moment.timestamp() * 1_000_000),
                    count=1,
                    sender=Sender(user_agent=other.get("agent", PERSON)),
                    body=msgspec.json.encode([event]),
                )
            ]
        )

    def ask(self, sql: str) -> Mapping[str, Any]:
        return answer_json(self.warehouse.query(sql))

    def metric(self, name: str) -> dict[date, Mapping[str, Any]]:
        answer = self.ask(render(metric(name), {}))
        rows = [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]
        return {date.fromisoformat(row["day"]): row for row in rows}

    def compared(self, rows: Mapping[date, tuple[int, int]], **asked: Any) -> Comparison:
        """Compare with visitors and page views per day."""
        Loader(lambda: [self._log], self.warehouse, lambda: datetime(2026, 4, 1)).drain()  # noqa: DTZ001
        lines = [f"{day},{visitors},{views}" for day, (visitors, views) in rows.items()]
        text = "\n".join(["date,visitors,pageviews", *lines]) + "\n"
        daily = read_export("plausible", text.encode(), "visitors.csv", asked.get("zone", UTC))
        return compare(daily, Asked(**asked), self.ask)


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.warehouse.close()


def plain_days(site: Site) -> dict[date, tuple[int, int]]:
    """Twenty people a day, two page views each, through the whole day."""
    for day in DAYS:
        for person in range(20):
            for hour in (0, 0.5):
                site.view(f"p{person}", at(day, 0.1 + person * 1.2 + hour))
    return dict.fromkeys(DAYS, (20, 40))


def line(found: Comparison, day: date, name: str):
    [only] = [each for each in found.days if (each.day, each.metric) == (day, name)]
    return only


def test_equal_sides_are_said_to_be_equal(site) -> None:
    found = site.compared(plain_days(site))
    assert [verdict.text for verdict in found.verdicts] == [
        "visitors: equal on 8 days",
        "page views: equal on 8 days",
    ]
    assert found.fits_better is None
    assert {each.difference for each in found.days} == {0}
    assert "blocker" in found.notes[-1]


def test_bots_that_they_count_are_found(site) -> None:
    theirs = plain_days(site)
    for number in range(10):
        site.view(f"b{number}", at(DAYS[3], 12 + number / 10), agent=ROBOT)
    found = site.compared({**theirs, DAYS[3]: (30, 50)})
    views = line(found, DAYS[3], "page_views")
    assert (views.theirs, views.ours, views.difference, views.percent) == (50, 40, -10, -20.0)
    assert (views.likely, views.causes[0].would_be, views.causes[0].closes) == ("bots", 50, 1.0)
    assert line(found, DAYS[3], "visitors").likely == "bots"
    assert found.verdicts[1].text == (
        "page views: within 3.0 % over 8 days; the largest difference 2026-03-04: -20.0 %, likely bots"
    )


def test_late_events_are_found_on_both_days(site) -> None:
    theirs = plain_days(site)
    for number in range(12):
        site.view(f"l{number}", at(DAYS[2], 20), received=at(DAYS[4], 9))
    found = site.compared({**theirs, DAYS[4]: (32, 52)})
    assert [line(found, DAYS[place], "page_views").difference for place in (2, 3, 4)] == [12, 0, -12]
    for place in (2, 4):
        assert line(found, DAYS[place], "page_views").likely == "late"
        assert line(found, DAYS[place], "visitors").likely == "late"


def test_what_was_sent_twice_and_counted_once_is_found(site) -> None:
    theirs = plain_days(site)
    for number in range(9):
        for _ in range(2):
            site.view("p1", at(DAYS[5], 11 + number / 10), event_id=f"twice{number}")
    found = site.compared({**theirs, DAYS[5]: (20, 58)})
    views = line(found, DAYS[5], "page_views")
    assert (views.ours, views.likely) == (49, "duplicates")
    assert "9 page views were sent again" in views.causes[0].text


def test_another_app_among_ours_is_found_and_can_be_left_out(site) -> None:
    theirs = plain_days(site)
    for day in DAYS:
        for number in range(15):
            site.view(f"x{number}", at(day, 9), app="blog")
    found = site.compared(theirs)
    assert line(found, DAYS[1], "page_views").likely == "other apps"
    assert "the app shop alone has 40" in line(found, DAYS[1], "page_views").causes[0].text
    assert any("2 apps are counted together" in note for note in found.notes)
    alone = site.compared(theirs, app="shop")
    assert {each.difference for each in alone.days} == {0}
    with pytest.raises(BadComparison, match="nothing of the app nowhere is stored"):
        site.compared(theirs, app="nowhere")


def test_days_that_one_side_lacks_are_named_and_left_out_of_the_verdict(site) -> None:
    theirs = plain_days(site)
    del theirs[DAYS[3]]
    theirs[DAYS[-1] + timedelta(days=1)] = (20, 40)
    found = site.compared(theirs)
    absent = line(found, DAYS[3], "visitors")
    assert (absent.theirs, absent.ours, absent.likely, absent.whole) == (None, 20, "missing", False)
    after = line(found, DAYS[-1] + timedelta(days=1), "visitors")
    assert (after.theirs, after.ours, after.likely, after.whole) == (20, 0, "missing", False)
    assert (
        found.verdicts[0].text == "visitors: equal on 7 days (2 more not counted: incomplete on one side)"
    )


def test_the_day_on_which_we_began_is_not_counted(site) -> None:
    theirs = plain_days(site)
    earlier = FIRST - timedelta(days=1)
    for number in range(5):
        site.view(f"n{number}", at(earlier, 20))
    found = site.compared({earlier: (20, 40), **theirs})
    began = line(found, earlier, "visitors")
    assert (began.likely, began.whole) == ("partial", False)
    assert began.causes[0].text == "our data begin at 2026-02-28 20:00 UTC"
    assert found.verdicts[0].days == 8


def test_access_logs_are_no_part_of_it(site) -> None:
    theirs = plain_days(site)
    for number in range(30):
        site.view(f"log{number}", at(DAYS[1], 10), origin="combined")
    found = site.compared(theirs)
    assert {each.difference for each in found.days} == {0}
    assert any("30 rows of access logs are left out" in note for note in found.notes)


def test_without_a_common_day_nothing_is_compared(site) -> None:
    plain_days(site)
    with pytest.raises(BadComparison, match="2020-01-01 to 2020-01-02, and ours 2026-03-01 to 2026-03-08"):
        site.compared({date(2020, 1, 1): (1, 1), date(2020, 1, 2): (1, 1)})
    with pytest.raises(BadComparison, match="--from and --to"):
        site.compared({FIRST: (1, 1)}, first=DAYS[1])
    few = site.compared(dict.fromkeys(DAYS, (20, 40)), first=DAYS[1], last=DAYS[2])
    assert {each.day for each in few.days} == set(DAYS[1:3])


def test_our_numbers_are_those_of_the_metrics(site) -> None:
    """The comparison asks in its own way, and must give what ``footfall metric`` gives."""
    for number in range(3_000):
        site.view(f"v{number % 37}", at(FIRST, number * 7_919 % 19_150 / 100))
    found = site.compared(dict.fromkeys(DAYS, (1, 1)))
    daily = read_export(
        "matomo", ("date,nb_visits\n" + "".join(f"{day},1\n" for day in DAYS)).encode(), "f", UTC
    )
    visits = compare(daily, Asked(), site.ask)
    active, sessions = site.metric("daily_active_users"), site.metric("sessions")
    for day in DAYS:
        assert line(found, day, "visitors").ours == active[day]["visitors"]
        assert line(visits, day, "visits").ours == sessions[day]["sessions"]


@pytest.mark.parametrize(
    ("zone", "said", "found_zone"),
    [
        ("Asia/Tokyo", "UTC", "+09:00"),
        ("America/New_York", "UTC", "-05:00"),
        ("UTC", "Europe/Berlin", "+00:00"),
        ("Asia/Kolkata", "+01:30", "+05:30"),
    ],
)
def test_the_zone_of_their_days_is_found(tmp_path, zone, said, found_zone) -> None:
    site = Site(tmp_path)
    theirs: dict[date, int] = {}
    for number in range(1_500):  # more on some days and hours than on others
        when = at(FIRST, (number * number * 31 + number * 577) % 16_000 / 100)
        site.view(f"z{number % 50}", when)
        day = when.astimezone(ZoneInfo(zone)).date()
        theirs[day] = theirs.get(day, 0) + 1
    whole = {day: (0, views) for day, views in theirs.items() if FIRST < day < FIRST + timedelta(days=6)}
    wrong = site.compared(whole, zone=zone_of(said))
    assert wrong.fits_better is not None
    assert wrong.fits_better["timezone"] == found_zone
    likely = {each.likely for each in wrong.days if each.metric == "page_views" and each.causes}
    assert likely == {"time zone"}
    right = site.compared(whole, zone=zone_of(zone))
    assert right.fits_better is None
    assert {each.difference for each in right.days if each.metric == "page_views"} == {0}
    site.warehouse.close()


@given(
    st.lists(st.integers(50, 500), min_size=24 * 9, max_size=24 * 9),
    st.integers(-10, 10),
    st.floats(0.5, 2.0),
)
def test_a_shift_is_found_whatever_share_is_missing(hours, shift, factor) -> None:
    """Traffic by the hour; their days begin ``shift`` hours later and have a constant share of ours."""

    def moved(by: int) -> dict[int, int]:
        return {day: sum(hours[24 * (day + 1) + by : 24 * (day + 2) + by]) for day in range(7)}

    ours = {each: moved(each) for each in SHIFTS if -24 <= each <= 24}
    theirs = {day: round(count * factor) for day, count in moved(shift).items()}
    fit = best_shift(theirs, ours)
    assert best_shift(dict(list(theirs.items())[:4]), ours) is None
    if fit is None:  # the days are too much alike, or they do begin when it was said
        total = sum(theirs.values())
        scale = total / sum(ours[0].values())
        rest = sum(abs(scale * ours[0][day] - theirs[day]) for day in theirs) / total
        assert shift == 0 or rest < 0.01
    else:
        assert fit.then <= fit.now / 2
        assert fit.hours != 0


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 500), st.integers(0, 500))
def test_a_likely_cause_closes_half_of_the_gap(theirs, counted, bots, late) -> None:
    ours = Ours(counted=counted, with_bots=counted + bots, late=min(late, counted), apps={"shop": counted})
    causes = causes_of("page_views", theirs, ours)
    assert [cause.closes for cause in causes] == sorted((cause.closes for cause in causes), reverse=True)
    name = likely_of(causes)
    for cause in causes:
        assert cause.would_be is not None
        left, gap = abs(cause.would_be - theirs), abs(counted - theirs)
        assert left <= 0.91 * gap
        assert name != cause.name or 2 * left <= gap + 1
    best = min((abs(counted + bots - theirs), abs(counted - min(late, counted) - theirs)))
    if name is None and gap_is_large(theirs, counted):
        assert 2 * best >= abs(counted - theirs)


def gap_is_large(theirs: int, counted: int) -> bool:
    return abs(counted - theirs) > max(1, theirs * 0.01)


def test_a_zone_is_a_name_or_an_offset() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for name, hours in (("UTC", 0), ("Europe/Berlin", 1), ("-05:00", -5), ("+05:30", 5.5)):
        assert noon.astimezone(zone_of(name)).utcoffset() == timedelta(hours=hours)
    with pytest.raises(BadComparison, match="Did you mean Europe/Berlin"):
        zone_of("Europe/Berln")
    for wrong in ("+25:00", "../etc/passwd", "", "Mars"):
        with pytest.raises(BadComparison, match="no time zone"):
            zone_of(wrong)


def test_the_command_with_a_running_platform_and_without(tmp_path: Path) -> None:
    data, export = tmp_path / "data", tmp_path / "trends.csv"
    now = datetime.now(UTC)
    events = [
        {"event": "page_view", "anonymous_id": f"p{number % 4}", "created_at": now.isoformat()}
        for number in range(10)
    ]
    label = f"{now.day}-{now:%b}-{now.year}"
    export.write_text(f"series,custom name,{label}\n$pageview,Visitors,4\n$pageview,,12\n")
    arguments = ("compare", str(export), "--as", "posthog")
    with running(data) as installation:
        installation.post(events)
        installation.settle()
        asked = installation.footfall(*arguments, "--format", "json")
        assert asked.returncode == 0, asked.stderr
        told = json.loads(asked.stdout)
        assert [(each["metric"], each["theirs"], each["ours"]) for each in told["days"]] == [
            ("visitors", 4, 4),
            ("page_views", 12, 10),
        ]
    alone = run_footfall(data, *arguments, "--format", "csv")
    rows = alone.stdout.splitlines()
    assert rows[0] == "day,metric,theirs,ours,difference,percent,likely,causes"
    assert [row.split(",")[1:6] for row in rows[1:]] == [
        ["visitors", "4", "4", "0", "0.0"],
        ["page_views", "12", "10", "-2", "-16.67"],
    ]
    shown = run_footfall(data, *arguments)
    assert "PostHog and footfall" in shown.stdout
    assert "page views: " in shown.stdout
    assert "blocker" in shown.stderr
    wrong = run_footfall(data, "compare", str(export), "--as", "matomo")
    assert (wrong.returncode, "--as posthog" in wrong.stderr) == (1, True)


def test_a_column_is_chosen_for_a_metric() -> None:
    assert chosen_columns(["visitors=#1", "page_views=Aufrufe = neu"]) == {
        "visitors": "#1",
        "page_views": "Aufrufe = neu",
    }
    for wrong in ("people=#1", "visitors", "visitors="):
        with pytest.raises(BadComparison, match="visitors, page_views, visits"):
            chosen_columns([wrong])
