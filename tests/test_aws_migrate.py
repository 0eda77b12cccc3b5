"""footfall aws migrate: a data folder's archive and lake in buckets (moto's): checked, and balanced."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from aws_emulator import aws_emulator
from aws_installation import Deployed, deployed
from installation import run_footfall, start

from footfall.adapters.aws.clients import client
from footfall.adapters.raw_archive import FolderArchive
from footfall.adapters.s3_objects import S3Objects
from footfall.compose.aws import installation
from footfall.compose.aws_migrate import Migration, migrate_to
from footfall.errors import BadSource
from footfall.services.raw_objects import list_raw, read_raw
from footfall.testing.aws.altering_proxy import Exchange, altering_proxy


@pytest.fixture(scope="module", autouse=True)
def moto_url() -> Iterator[str]:
    with aws_emulator() as url:
        yield url


@pytest.fixture
def shop() -> Iterator[Deployed]:
    with deployed() as made:
        yield made


def fill(data: Path, users: int = 20) -> int:
    """Run a platform, send a small world to it, and stop it; return the events."""
    running = start(data)
    try:
        address = f"http://{running.collector}"
        world = ["simulate", "--users", str(users), "--days", "2", "--seed", "3", "--url", address]
        sent = subprocess.run([sys.executable, "-m", "footfall", *world], capture_output=True, text=True)
        assert sent.returncode == 0, sent.stderr
    finally:
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(60)
    return int(json.loads(run_footfall(data, "ledger", "--format", "json").stdout)["stored"])


def migrate(shop: Deployed, data: Path, *words: str, code: int = 0) -> dict[str, Any]:
    done = run_footfall(data, "aws", "migrate", "--name", shop.name, "--format", "json", *words)
    assert done.returncode == code, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def moved(shop: Deployed, data: Path) -> Migration:
    """Move in this process, as the command does."""
    return migrate_to(installation(shop.name, data), lambda *_: None)


def rows_there(shop: Deployed) -> int:
    files = shop.read(shop.lake, "events/").values()
    return sum(pq.read_metadata(io.BytesIO(body)).num_rows for body in files)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    data = tmp_path_factory.mktemp("embedded") / "data"
    return data, fill(data)


def test_everything_is_there_and_a_second_run_sends_nothing(
    shop: Deployed, folder: tuple[Path, int]
) -> None:
    data, stored = folder
    counted = migrate(shop, data, "--dry-run")
    assert counted["moved"]["lake"]["sent"] > 0
    assert not shop.read(shop.lake)
    done = migrate(shop, data)
    assert done["complete"]
    assert done["stored"] == done["moved"]["lake"]["events_there"] == rows_there(shop) == stored > 100
    archive = S3Objects(shop.raw)
    there = [logged for block in list_raw(archive) for logged in read_raw(archive, block.key)]
    archive.close()
    here = list(FolderArchive(data / "raw").read(datetime(2000, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001
    assert there == here
    assert sum(logged.record.count for logged in there) == done["moved"]["raw"]["events"] >= stored
    s3: Any = client("s3")
    for key in shop.read(shop.lake, "events/"):
        s3.delete_object(Bucket=shop.lake, Key=key)  # as a replay does, which writes its own
    again = moved(shop, data)
    assert again.complete
    assert again.moved.raw.sent == again.moved.lake.sent == 0, "old rows don't come back beside new ones"


def test_what_was_damaged_there_or_went_here_is_mended(shop: Deployed, folder: tuple[Path, int]) -> None:
    data, _ = folder
    assert moved(shop, data).complete
    s3: Any = client("s3")
    [note] = shop.read(shop.lake, "_migrated/")
    s3.delete_object(Bucket=shop.lake, Key=note)  # then everything is looked at again
    key, body = next(iter(shop.read(shop.lake, "events/").items()))
    s3.put_object(Bucket=shop.lake, Key=key, Body=bytes(len(body)))
    stale = f"{key.rpartition('/')[0]}/part-00077-{key.rpartition('-')[2]}"
    s3.put_object(Bucket=shop.lake, Key=stale, Body=b"of a part that is no more")
    s3.put_object(Bucket=shop.lake, Key="events/rows-of-firehose.parquet", Body=b"not ours")
    done = moved(shop, data)
    assert done.complete
    assert (done.moved.lake.sent, done.moved.lake.gone) == (1, 1)
    found = shop.read(shop.lake, "events/")
    assert found[key] == body
    assert stale not in found
    assert "events/rows-of-firehose.parquet" in found


def test_a_run_that_is_killed_is_gone_on_with(
    shop: Deployed, folder: tuple[Path, int], moto_url: str
) -> None:
    data, _ = folder

    def slowly(_: Exchange) -> None:
        time.sleep(0.1)

    with altering_proxy(moto_url) as proxy:
        proxy.alterations += [slowly] * 10_000
        words = ["aws", "migrate", "--name", shop.name, "--data", str(data)]
        command = [sys.executable, "-m", "footfall", *words]
        environment = {**os.environ, "AWS_ENDPOINT_URL_S3": proxy.url}
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 60
            while not shop.read(shop.lake, "events/") and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
    before = len(shop.read(shop.lake, "events/"))
    done = moved(shop, data)
    assert done.complete
    assert 0 < before < done.moved.lake.files, "it was killed half-way"
    assert done.moved.lake.there >= before


def test_while_a_platform_runs_what_is_finished_is_moved_and_the_rest_after_it(
    shop: Deployed, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    running = start(data)
    try:
        running.post([{"event": "page_view", "user_id": f"u{n}"} for n in range(40)])
        assert not migrate(shop, data, code=1)["complete"]
    finally:
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(60)
    done = moved(shop, data)
    assert (done.complete, done.stored, rows_there(shop)) == (True, 40, 40)
    [block] = (data / "raw").rglob("*.zst")
    block.write_bytes(b"damaged")
    with pytest.raises(BadSource, match="its bytes do not match its checksum"):
        moved(shop, data)
