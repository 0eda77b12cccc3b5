"""What a job will take: from rates and prices, by hand."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from installation import run_footfall

from footfall.core.aws.prices import SPARK_PRICES
from footfall.core.spark_plan import ASSUMED, Measured, plan, services_of

RATE = Measured(events_per_core_second=10_000, python_mib=256)


def test_a_billion_events_by_hand() -> None:
    """1e9 / (10,000 a second x 0.7) = 142,857 core-seconds; 4 cores x 3,600 s do 14,400 of them."""
    planned = plan(1_000_000_000, measured=RATE)
    assert (planned.executors, planned.cores) == (10, 4)
    assert planned.hours == pytest.approx((142_857 / 40 + 90) / 3_600, rel=1e-4)
    assert planned.memory_mib == math.ceil(4 * (1_024 + 256) * 1.1)
    assert planned.disk_gib == math.ceil(70 / 1.073741824)
    glue, flex, emr = services_of(planned)
    assert glue.workers == 11
    assert glue.usd == pytest.approx(11 * planned.hours * 0.44)
    assert flex.usd / glue.usd == pytest.approx(SPARK_PRICES["glue_flex"].usd / SPARK_PRICES["glue"].usd)
    assert emr.usd == pytest.approx(
        11 * planned.hours * (4 * 0.052624 + planned.memory_mib / 1_024 * 0.0057785)
    )
    assert glue.usd_per_million == pytest.approx(glue.usd / 1_000)


@given(
    events=st.integers(1, 10**12),
    hours=st.floats(0.1, 100),
    cores=st.integers(1, 32),
    rate=st.floats(100, 1e6),
)
def test_it_is_done_in_time_and_more_is_never_cheaper(
    events: int, hours: float, cores: int, rate: float
) -> None:
    measured = Measured(events_per_core_second=rate)
    planned = plan(events, within_hours=hours, cores=cores, measured=measured)
    assert planned.hours <= hours + ASSUMED.start_seconds / 3_600 + 1e-9
    assert planned.executors * cores * planned.hours >= planned.core_hours
    twice = plan(2 * events, within_hours=hours, cores=cores, measured=measured)
    for less, more in zip(services_of(planned), services_of(twice), strict=True):
        assert more.usd >= less.usd * (1 - 1e-9)


def test_the_command_says_what_it_rests_on(tmp_path: Path) -> None:
    shown = run_footfall(tmp_path, "spark", "plan", "--events", "1000000")
    assert shown.returncode == 0, shown.stderr
    assert "executors" in shown.stdout
    assert "Measured" in shown.stderr
    assert "check them" in shown.stderr
    told = json.loads(run_footfall(tmp_path, "spark", "plan", "--events", "9", "--format", "json").stdout)
    assert told["plan"]["executors"] == 1
    assert run_footfall(tmp_path, "spark", "plan", "--events", "0").returncode != 0
