"""footfall aws replay: on this machine, killed on the way, and as a Glue job (moto's runs nothing)."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from aws_emulator import aws_emulator
from aws_installation import Deployed, deployed
from firehosed_lake import FIRST, HOUR, Firehosed, between, old, same
from installation import run_footfall
from spark_cluster import needs_spark
from spark_world import Embedded, embedded, requests_of

from footfall.adapters.aws.clients import client
from footfall.adapters.lake_rows import read_rows, write_rows
from footfall.compose.aws import installation
from footfall.compose.aws_glue import Job, replay_in_glue
from footfall.errors import AwsNotReady, BadQuery
from footfall.services.lake_replay import Asked
from footfall.services.lake_settle import Hours, settle
from footfall.testing.aws.altering_proxy import Exchange, altering_proxy

NOON = timedelta(hours=12)
RESOLVED = """
import argparse
def getResolvedOptions(arguments, options):
    parser = argparse.ArgumentParser()
    for option in options:
        parser.add_argument(f"--{option}", required=True)
    return vars(parser.parse_known_args(arguments[1:])[0])
"""


@pytest.fixture(scope="module", autouse=True)
def moto_url() -> Iterator[str]:
    with aws_emulator() as url:
        yield url


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    return embedded(tmp_path_factory.mktemp("small"), requests_of(25, 2))


@pytest.fixture
def shop() -> Iterator[Deployed]:
    with deployed(replay_job="shop-replay") as made:
        yield made


def firehosed(shop: Deployed, small: Embedded, **values: Any) -> Firehosed:
    lake = Firehosed.of(small, shop.raw, shop.lake)
    lake.deliver(old(lake.truth), **values)
    return lake


def ask(folder: Path, shop: Deployed, *words: str, code: int = 0) -> Any:
    done = run_footfall(folder, "aws", "replay", "--name", shop.name, "--format", "json", *words)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if done.stdout else done.stderr


def test_the_command_makes_the_lake_anew_and_says_what_it_did(
    shop: Deployed, small: Embedded, tmp_path: Path
) -> None:
    lake = firehosed(shop, small)
    done = ask(tmp_path, shop)
    assert done["written"] == len(lake.truth)
    assert sum(day["after"] for day in done["days"]) == len(lake.truth)
    same(lake.rows(), lake.truth)
    assert "is no hour" in ask(tmp_path, shop, "--from", "2026-03-01T10:30", code=1)


def test_a_replay_that_is_killed_while_files_are_exchanged_is_ended_by_the_next(
    shop: Deployed, small: Embedded, tmp_path: Path, moto_url: str
) -> None:
    lake = firehosed(shop, small)

    moves = 0

    def slowly(exchange: Exchange) -> None:
        """Hold up what comes once the moves are noted."""
        nonlocal moves
        if moves or ("/_moves/" in exchange.path and ".json" in exchange.path):
            moves += 1
            time.sleep(0.1)

    with altering_proxy(moto_url) as proxy:
        proxy.alterations += [slowly] * 100_000
        environment = {**os.environ, "AWS_ENDPOINT_URL_S3": proxy.url}
        command = [sys.executable, "-m", "footfall", "aws", "replay", "--name", shop.name]
        with subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None:
                if moves > 40:
                    process.send_signal(signal.SIGKILL)
                    break
                time.sleep(0.01)
        assert process.returncode == -signal.SIGKILL
    assert [each.key for each in lake.bucket.list("_moves/")], "it was killed half-way"
    ask(tmp_path, shop)
    same(lake.rows(), lake.truth)
    assert not [each.key for each in lake.bucket.list("_staging/")]


def test_an_installation_without_an_archive_is_told(tmp_path: Path) -> None:
    with deployed(partitions="datehour") as dated:
        told = ask(tmp_path, dated, code=1)
        assert "year=/month=/day=/hour=" in told
        assert "partitions=hour" in told
    with deployed() as empty:
        assert "no block of raw events" in ask(tmp_path, empty, code=1)


def test_rows_are_settled_so_that_hours_can_be_replaced_as_a_whole(shop: Deployed, small: Embedded) -> None:
    """Each row of the hours that arrived in time lies in its own folder, and no other row does."""
    lake = firehosed(shop, small, twice=0)
    before = lake.rows()
    hours = Hours(FIRST + 20 * HOUR, FIRST + 30 * HOUR, FIRST + 34 * HOUR)
    done = settle(hours, lake.lake, read_rows, write_rows, lambda *_: None)
    assert 0 < done.rows < len(before)
    same(lake.rows(), before)
    inside: list[pa.Table] = []
    for file in lake.lake.files("events"):
        rows, hour = read_rows(file), datetime(1970, 1, 1) + file.hour * HOUR  # noqa: DTZ001
        if hours.start <= hour < hours.end:
            assert len(between(rows, hours.start, hours.end)) == len(rows)
            inside.append(rows)
    made = between(old(lake.truth), hours.start, hours.end)
    in_time = [at < hours.before for at in made["received_at"].to_pylist()]
    same(pa.concat_tables(inside), made.filter(pa.array(in_time)))
    assert settle(hours, lake.lake, read_rows, write_rows, lambda *_: None).rows == 0


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """The job's files as make glue-wheel and a deployment leave them; the wheel is a stand-in."""
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "footfall-0.1.0-py3-none-any.whl").write_bytes(b"a wheel")
    (tmp_path / "footfall.toml").write_text("[apps.shop]\n")
    root = Path(__file__).parents[1]
    return Job(root / "infra" / "glue" / "replay.py", tmp_path / "wheels", tmp_path / "footfall.toml")


def make_job(**values: Any) -> Any:
    glue = client("glue")
    glue.create_job(
        Name="shop-replay",
        Role="replay",
        Command={"Name": "glueetl", "ScriptLocation": "s3://x/y"},
        **values,
    )
    return glue


def test_a_glue_job_is_started_with_what_it_needs_and_watched_to_its_end(
    shop: Deployed, small: Embedded, job: Job
) -> None:
    firehosed(shop, small)
    glue = make_job()
    seen: list[str] = []
    asked = Asked(start=FIRST, end=FIRST + NOON)
    run = replay_in_glue(installation(shop.name), asked, job, lambda what, *_: seen.append(what), 0.05)
    assert run.state == "SUCCEEDED"
    [started] = glue.get_job_runs(JobName="shop-replay")["JobRuns"]
    told = started["Arguments"]
    archive = f"--raw s3://{shop.raw}/raw --lake s3://{shop.lake}"
    assert told["--footfall"].startswith(
        f"replay {archive} --from 2026-03-01T00:00 --to 2026-03-01T12:00 --late-days="
    )
    assert told["--secret"] == f"{shop.name}-key"
    modules = told["--additional-python-modules"]
    assert modules.endswith(".gluewheels.zip")
    found = shop.read(shop.lake, "jobs/replay/")
    assert modules.removeprefix(f"s3://{shop.lake}/") in found
    assert found["jobs/replay/footfall.toml"] == b"[apps.shop]\n"
    assert b"def prepare" in found["jobs/replay/replay.py"]
    glue.delete_job(JobName="shop-replay")


def test_what_glue_cannot_do_is_told_before_it_starts(shop: Deployed, job: Job) -> None:
    known = installation(shop.name)
    with pytest.raises(BadQuery, match="is not over"):
        replay_in_glue(known, Asked(end=datetime(2999, 1, 1)), job, lambda *_: None)  # noqa: DTZ001
    for path in job.wheels.iterdir():
        path.unlink()
    with pytest.raises(AwsNotReady, match="make glue-wheel"):
        replay_in_glue(known, Asked(), job, lambda *_: None)


def test_the_job_s_script_replaces_settled_hours_on_spark(shop: Deployed, tmp_path: Path) -> None:
    """In place of Glue this Python; awsglue's one function as AWS documents it, since no index has it."""
    needs_spark()
    lake = firehosed(shop, embedded(tmp_path / "tiny", islice(requests_of(12, 1), 4)), twice=0)
    moments = sorted(lake.truth["created_at"].to_pylist())
    start, end = (
        moments[len(moments) * part // 4].replace(minute=0, second=0, microsecond=0) for part in (1, 3)
    )
    settle(Hours(start, end, datetime(2026, 6, 1)), lake.lake, read_rows, write_rows, lambda *_: None)  # noqa: DTZ001
    (tmp_path / "awsglue").mkdir()
    (tmp_path / "awsglue" / "__init__.py").touch()
    (tmp_path / "awsglue" / "utils.py").write_text(RESOLVED)
    lake.bucket.put("jobs/replay/footfall.toml", b'[apps.default.scrub]\nemail = "mask"\n')
    words = f"replay --raw s3://{shop.raw}/raw --lake s3://{shop.lake} --master local[1]"
    words += f" --from {start:%Y-%m-%dT%H:00} --to {end:%Y-%m-%dT%H:00} --late-days=90"
    words += " --conf spark.sql.shuffle.partitions=1 --conf spark.sql.adaptive.enabled=false"
    given = ["--JOB_NAME", "x", "--secret", f"{shop.name}-key"]
    given += ["--settings", f"s3://{shop.lake}/jobs/replay/footfall.toml", "--footfall", words]
    script = Path(__file__).parents[1] / "infra" / "glue" / "replay.py"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(script), *given], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    inside = between(lake.truth, start, end)
    rest = [between(lake.truth, FIRST - NOON, start), between(lake.truth, end, datetime(2026, 6, 1))]  # noqa: DTZ001
    assert 0 < len(inside) == len(lake.truth) - sum(map(len, rest))
    same(lake.rows(), pa.concat_tables([inside, *map(old, rest)]))
