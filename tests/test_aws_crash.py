"""Instances of functions die while they work: what was answered with 200 is in the lake, and counted once.

Emulated as in test_aws_end_to_end; the deaths are real (SIGKILL).
"""

import io
import json
import random
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from aws_servers import kinesis, moto
from test_aws_emulator import ask

from footfall.testing.aws.account import Bundles, Servers, open_account
from footfall.testing.aws.function import Function
from footfall.testing.aws.installation import emulated

REQUESTS, BATCH = 30, 20
APPS = '[apps.shop]\nwrite_keys = ["shop-key"]\norigins = ["*"]\n'


def keep_killing(function: Function, stop: threading.Event, seed: int) -> None:
    """Kill an instance every other second or so; the emulation starts another at the next call."""
    chance = random.Random(seed)  # noqa: S311 - when to kill
    while not stop.wait(chance.uniform(1.0, 3.0)):
        for instance in list(function.instances)[:1]:
            instance.kill()


@pytest.mark.crash
def test_what_was_answered_is_stored_and_shown_once_though_instances_die(tmp_path: Path) -> None:
    (tmp_path / "footfall.toml").write_text(APPS)
    sent: set[str] = set()
    refused = 0
    with ExitStack() as stack:
        account = open_account(Servers(stack.enter_context(moto()), stack.enter_context(kinesis())))
        installation = stack.enter_context(
            emulated(account, Bundles(tmp_path), shards=1, instances=1, batch_size=5)
        )
        stream = installation.readers["stream"].function
        stop = threading.Event()
        killers = [
            threading.Thread(target=keep_killing, args=(function, stop, number))
            for number, function in enumerate((installation.collect, stream))
        ]
        for killer in killers:
            killer.start()
        for number in range(REQUESTS):
            ids = [f"e{number}-{each}" for each in range(BATCH)]
            body = json.dumps([{"event": "a", "event_id": each} for each in ids]).encode()
            while ask(installation.url, "POST", "/v1/events", body, x_write_key="shop-key")[0] != 200:
                refused += 1
                time.sleep(0.05)
            sent.update(ids)
        stop.set()
        for killer in killers:
            killer.join()
        installation.drain()
        rows = pa.concat_tables(pq.read_table(io.BytesIO(each)) for each in installation.lake_files())
        assert installation.failed_files() == []
        assert account.letters.receive(10, 5) == []
    assert refused or installation.failures, "nobody died at work"
    assert set(rows["event_id"].to_pylist()) == sent
    assert len(sent) == REQUESTS * BATCH
