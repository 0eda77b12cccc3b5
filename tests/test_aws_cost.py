"""The forecast of the bill: its limits hold, its sizes are measured, its sums add up."""

import json
from pathlib import Path

import pytest
from aws_payloads import measure
from hypothesis import given
from hypothesis import strategies as st

from footfall.apps.cli import app
from footfall.core.aws.cost import MEASURED, Traffic, bill, total
from footfall.core.aws.prices import PRICES
from footfall.core.aws.profiles import PROFILES, profile
from footfall.errors import BadSettings


def test_dev_idles_under_five_dollars() -> None:
    assert 0 < total(bill(PROFILES["dev"], Traffic(0))) < 5


def test_small_takes_ten_million_events_a_day_under_150_dollars_even_when_each_comes_alone() -> None:
    alone = total(bill(PROFILES["small"], Traffic(10_000_000)))
    together = total(bill(PROFILES["small"], Traffic(10_000_000, 10)))
    assert together < alone < 150


def test_what_made_the_function_url_the_small_profiles_door() -> None:
    other = profile("small", {"door": "http-api"})
    assert total(bill(other, Traffic(10_000_000))) > 400


def test_payloads_are_as_large_as_simulated_events_are(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    app(
        ["simulate", "--users", "300", "--days", "2", "--seed", "1", "--out", str(file)],
        result_action="return_value",
    )
    for told, found in zip(MEASURED, measure(file), strict=True):
        assert told == pytest.approx(found, rel=0.15)


@given(st.sampled_from(sorted(PROFILES)), st.integers(0, 10**9), st.floats(1, 500))
def test_more_events_never_cost_less_and_every_line_is_its_quantity_times_its_price(
    name: str, events: int, each: float
) -> None:
    lines = bill(PROFILES[name], Traffic(events, each))
    assert total(lines) <= total(bill(PROFILES[name], Traffic(events + 10_000, each))) + 1e-6
    for line in lines:
        if PRICES[line.price].usd:
            assert line.usd == pytest.approx(line.quantity * PRICES[line.price].usd)


def test_every_price_is_of_use() -> None:
    changes = ({}, {"door": "function-url"}, {"console": "true"}, {"shards": "1", "stream_hours": "48"})
    used = {
        line.price
        for name in PROFILES
        for change in changes
        for line in bill(profile(name, change), Traffic(100_000_000))
    }
    assert used == set(PRICES)


def test_an_instance_without_a_price_is_told() -> None:
    with pytest.raises(BadSettings, match=r"x1\.search.*known are"):
        bill(profile("large", {"search_instance": "x1.search"}), Traffic(1))


def test_the_command_prints_each_profile_and_the_lines_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    app(["aws", "cost", "--events-per-day", "10000000", "--format", "json"], result_action="return_value")
    rows = json.loads(capsys.readouterr().out)
    assert rows[-1]["service"] == "sum"
    assert set(rows[-1]) == {"service", *PROFILES}
    app(
        ["aws", "cost", "--events-per-day", "0", "--profile", "dev", "--format", "json"],
        result_action="return_value",
    )
    lines = json.loads(capsys.readouterr().out)
    assert lines[-1]["usd"] == pytest.approx(sum(line["usd"] for line in lines[:-1]), abs=0.05)
