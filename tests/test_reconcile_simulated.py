"""Reconciliation of simulated people, some of whom block the script: the truth lies in the interval.

Coverage is a property of many worlds, so a fixed list of seeds is held against it.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from console_server import console
from console_tab import Tab, launched
from installation import run_footfall

from footfall.compose import Platform
from footfall.core.reconcile.report import Reconciliation
from footfall.services.reconcile import Asked, reconcile
from footfall.services.wire import answer_json
from footfall.settings import Settings
from footfall.simulate import Gaps, World, access_log, gaps_truth, log_truth, ndjson, simulate, truth

SEEDS = range(1, 13)
DAY = date(2024, 2, 28)


def world(seed: int, gaps: Gaps | None, users: int = 400, days: int = 1) -> World:
    return simulate(users, days, seed, DAY, gaps)


def write(folder: Path, people: World, name: str = "w") -> tuple[tuple[str, Path], ...]:
    events, log = folder / f"{name}.ndjson", folder / f"{name}.log"
    events.write_bytes(b"".join(ndjson(people)))
    log.write_bytes(b"".join(access_log(people, "combined")))
    return (("ndjson", events), ("combined", log))


def truth_of(people: World) -> tuple[int, int]:
    rows = gaps_truth(people)["reconcile_by_day"]["rows"]
    return sum(row[1] for row in rows), sum(row[2] for row in rows)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Reconciliation]]:
    """Give the report of each seed's world, each an app of its own."""
    folder = tmp_path_factory.mktemp("worlds")
    platform = Platform(Settings(data=folder / "data"))
    reports = {}
    try:
        for seed in SEEDS:
            for format, path in write(folder, world(seed, Gaps(0.2, 0.3)), f"w{seed}"):
                platform.import_files(format, [str(path)], f"shop{seed}", lambda _: None)
            asked = Asked(f"shop{seed}")
            reports[seed] = reconcile(asked, lambda sql: answer_json(platform.sql(sql)))
        yield reports
    finally:
        platform.close()


def test_the_interval_holds_how_many_came(found: dict[int, Reconciliation]) -> None:
    covered = 0
    for seed, report in found.items():
        came, _ = truth_of(world(seed, Gaps(0.2, 0.3)))
        total = report.total
        assert total.visitors is not None
        assert total.visitors_low is not None
        assert total.visitors_high is not None
        assert total.visitors == pytest.approx(came, rel=0.03)
        assert total.in_log < came
        assert total.script < came * 0.9
        covered += total.visitors_low - 0.5 <= came <= total.visitors_high + 0.5
    assert covered >= len(SEEDS) - 2


def test_the_interval_holds_how_many_blocked(found: dict[int, Reconciliation]) -> None:
    covered = 0
    for seed, report in found.items():
        came, blocked = truth_of(world(seed, Gaps(0.2, 0.3)))
        total = report.total
        assert total.blocked_low is not None
        assert total.blocked_high is not None
        covered += total.blocked_low <= blocked / came <= total.blocked_high
    assert covered >= len(SEEDS) - 2


def test_bots_and_browsers_stand_apart(found: dict[int, Reconciliation]) -> None:
    shares = []
    for report in found.values():
        groups = {
            row[0]: dict(zip(report.tables["browser"].columns, row, strict=True))
            for row in report.tables["browser"].rows
        }
        assert all(not group["in_log"] for group in groups.values() if group["bots"])
        assert report.total.bots == report.bots_with_script
        assert report.loads.no_script == report.loads.unreadable == 0
        shares.append((groups["Firefox"]["blocked_share"], groups["Mobile Safari"]["blocked_share"]))
    assert sum(report.total.bots for report in found.values()) > 10
    assert sum(left for left, _ in shares) > 2 * sum(right for _, right in shares)


def test_gaps_change_nothing_but_what_they_hide() -> None:
    plain, gaps = world(5, None, 80, 4), world(5, Gaps(0.3, 0.4), 80, 4)
    before = [json.loads(line) for line in b"".join(ndjson(plain)).splitlines()]
    after = [json.loads(line) for line in b"".join(ndjson(gaps)).splitlines()]
    assert all(event.pop("ip") for event in after)
    kept = {event["event_id"]: event for event in after}
    assert kept.items() <= {event["event_id"]: event for event in before}.items()
    assert 0.5 < len(after) / len(before) < 0.95
    lines, fewer = (b"".join(access_log(each, "combined")).splitlines() for each in (plain, gaps))
    assert set(fewer) < set(lines)
    devices = {event["anonymous_id"] for event in before} - {event["anonymous_id"] for event in after}
    assert devices
    assert truth(gaps)["daily_active_users"] != truth(plain)["daily_active_users"]
    assert log_truth(gaps)["status_codes"] != log_truth(plain)["status_codes"]
    nothing = world(5, Gaps(), 80, 4)
    assert b"".join(access_log(nothing, "combined")).splitlines() == lines
    assert [json.loads(line) | {"ip": 0} for line in b"".join(ndjson(nothing)).splitlines()] == [
        event | {"ip": 0} for event in before
    ]


@pytest.mark.parametrize("gaps", [{"blockers": 1.0}, {"cached": -0.1}, {"blockers": 1.5}])
def test_shares_are_shares(gaps: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be a share"):
        Gaps(**gaps)


HINTS = "rows => rows.map(row => row.title)"


def of_groups(told: dict[str, Any], part: str) -> list[dict[str, Any]]:
    """Return the rows of a table of the report by the names of its columns."""
    table = told["tables"][part]
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def test_the_command_from_simulation_to_report(tmp_path: Path) -> None:
    data, events, log, answers = (tmp_path / name for name in ("data", "e.ndjson", "access.log", "t.json"))
    made = subprocess.run(
        [
            *(sys.executable, "-m", "footfall", "simulate", "--users", "150", "--days", "2", "--seed", "4"),
            *("--out", events, "--log", log, "--truth", answers, "--blockers", "0.25", "--cached", "0.1"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    for format, path in (("ndjson", events), ("combined", log)):
        done = run_footfall(data, "import", format, str(path), "--app", "shop")
        assert done.returncode == 0, done.stderr
    rows = json.loads(answers.read_text())["reconcile_by_day"]["rows"]
    told = json.loads(run_footfall(data, "reconcile", "--format", "json").stdout)
    assert told["total"]["visitors"] == pytest.approx(sum(row[1] for row in rows), rel=0.05)
    table = run_footfall(data, "reconcile", "--app", "shop", "--show-sql").stdout
    assert "the script saw" in table
    assert "WITH RECURSIVE" in table
    sheet = run_footfall(data, "reconcile", "--app", "shop", "--format", "csv").stdout
    assert sheet.splitlines()[0].startswith("part,name,in_log,matched,blocked,")
    assert sheet.splitlines()[1].startswith("total,all,")
    lacking = run_footfall(data, "reconcile", "--app", "docs")
    assert lacking.returncode == 1
    assert "the app docs has no access log (imported for shop)" in lacking.stderr


def test_where_too_few_are_in_both_the_least_is_said(tmp_path: Path) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    in_log, in_script = range(8), (0, 1, 20, 21)  # two of both, six who blocked, two from a cache
    log, events = tmp_path / "access.log", tmp_path / "e.ndjson"
    line = '10.{0}.0.9 - - [01/Mar/2026:10:{1:02}:00 +0000] "GET / HTTP/1.1" 200 100 "-" "{2}"\n'
    log.write_text("".join(line.format(host, host * 5, agent) for host in in_log))
    event = {"event": "page_view", "url": "https://shop.example/", "user_agent": agent}
    each = [
        event
        | {"event_id": f"e{host}", "ip": f"10.{host}.0.9", "created_at": f"2026-03-01T10:{minute:02}:01Z"}
        for host, minute in zip(in_script, (0, 5, 20, 36), strict=True)
    ]
    events.write_text("".join(json.dumps(one) + "\n" for one in each))
    for format, path in (("ndjson", events), ("combined", log)):
        done = run_footfall(tmp_path / "data", "import", format, str(path), "--app", "shop")
        assert done.returncode == 0, done.stderr
    day = ("--from", "2026-03-01", "--to", "2026-03-01")
    told = run_footfall(tmp_path / "data", "reconcile", "--app", "shop", *day)
    assert told.returncode == 0, told.stderr
    assert "At least 10 people came; the script saw 4" in told.stdout
    by_country = told.stdout.partition("by country")[2]
    assert [cell.strip() for cell in by_country.splitlines()[4].split("│")[1:5]] == [
        *("unknown", "10 or more", "4", "6")
    ]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("served")
    with console(folder / "data", files=write(folder, world(3, Gaps(0.2, 0.2), 300, 3))) as url:
        yield url


def test_the_api_gives_the_report_or_what_is_lacking(served: str) -> None:
    with httpx.Client(base_url=served, timeout=30, trust_env=False) as api:
        whole = api.get("/api/reconcile").json()
        assert whole["app"] == "shop"
        assert len(whole["tables"]["day"]["rows"]) == 3
        one = api.get("/api/reconcile", params={"from": "2024-02-29", "to": "2024-02-29"}).json()
        assert [row[0] for row in one["tables"]["day"]["rows"]] == ["2024-02-29"]
        assert api.post("/api/sql", json={"sql": one["sql"]}).json()["rows"]
        assert "has no access log" in api.get("/api/reconcile", params={"app": "nope"}).json()["lacking"]
        for wrong in ({"window": "1h"}, {"from": "soon"}):
            assert api.get("/api/reconcile", params=wrong).status_code == 400


@pytest.mark.chromium
@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_says_it_and_draws_it(served: str, width: int) -> None:
    with launched() as browser:
        tab: Any = Tab(browser, served, viewport={"width": width, "height": 900})
        page = tab.open("/reconcile?from=2024-02-28&to=2024-03-01")
        page.wait_for_function("() => document.querySelectorAll('.grid canvas').length === 2")
        assert "the script saw" in page.locator(".answer-sentence").inner_text()
        assert page.locator(".bars li").count() > 10
        assert page.locator(".state").count() == 0
        few = httpx.get(f"{served}/api/reconcile?from=2024-02-28&to=2024-03-01", trust_env=False).json()
        least = [
            row["script"] + row["blocked"] for row in of_groups(few, "country") if row["visitors"] is None
        ]
        hints = page.locator("[data-card='Blocked, by country'] .bars li").evaluate_all(HINTS)
        assert any(f", {number} or more came" in hint for number in least for hint in hints), hints
        page.locator("[data-card='Blocked, by browser'] [role=tab]", has_text="SQL").click()
        assert "RECURSIVE" in page.locator("[data-card='Blocked, by browser'] .sql").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page = tab.open("/reconcile?app=nope")
        page.locator(".lacking").wait_for()
        assert "footfall import combined" in page.locator(".lacking").inner_text()
        tab.context.close()
        assert tab.wrong == []
