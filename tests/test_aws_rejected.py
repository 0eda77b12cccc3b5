"""footfall rejected --aws: dead letters of a queue (moto's), listed, shown, brought on; none dropped."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_emulator import aws_emulator
from aws_installation import Deployed, deployed
from aws_servers import read_records
from installation import run_footfall

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.sqs import LetterQueue
from footfall.compose.aws import RemoteLetters, installation
from footfall.core.dead_letter import DeadLetter
from footfall.core.json_rows import json_rows
from footfall.errors import BadCorrection, NotFound
from footfall.testing.aws.altering_proxy import Exchange, altering_proxy
from footfall.testing.delivery import make_letter, make_rows

AT = 1_790_000_000_000_000
MENDED = make_letter("w-1-0", body='{"event":"a","title":"me@example.com"}', app_id="shop", received_at=AT)
BROKEN = make_letter("w-2-0", body='{"no":1}', app_id="shop", received_at=AT + 5, reasons=("one", "two"))
POISON = make_letter("x-3", kind="record", place="stream", body="\ufffd", reasons=("no record of ours",))


@pytest.fixture(scope="module", autouse=True)
def moto_url() -> Iterator[str]:
    with aws_emulator() as url:
        yield url


@pytest.fixture
def shop() -> Iterator[Deployed]:
    with deployed() as made:
        yield made


def queue_of(shop: Deployed) -> LetterQueue:
    return LetterQueue(shop.queue, client("sqs"))


def put(shop: Deployed, *letters: DeadLetter) -> None:
    queue_of(shop).send(letters)


def ask(folder: Path, *words: str, code: int = 0) -> Any:
    done = run_footfall(folder, "rejected", *words, "--format", "json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if done.stdout else done.stderr


def test_letters_are_listed_with_their_reasons_and_stay(shop: Deployed, tmp_path: Path) -> None:
    put(shop, MENDED, BROKEN, POISON)
    for _ in range(2):  # at once again: nobody waits for a list to be over
        listed = ask(tmp_path, "list", "--aws", shop.name)
        assert [each["rejected_id"] for each in listed] == ["w-2-0", "w-1-0", "x-3"], "newest first"
        assert listed[0]["reasons"] == ["one", "two"]
        assert listed[2] | {"received_at": None, "kind": "record", "place": "stream"} == listed[2]
        assert queue_of(shop).count() == (3, 0)
    letters = RemoteLetters(installation(shop.name))
    assert [each["rejected_id"] for each in letters.rejected(app="shop")] == ["w-2-0", "w-1-0"]
    assert len(letters.rejected(limit=1)) == 1
    assert ask(tmp_path, "show", "w-1-0", "--aws", shop.name)["body"] == MENDED.body
    assert queue_of(shop).count() == (3, 0)


def test_what_today_s_rules_take_goes_on_and_the_rest_stays(shop: Deployed, tmp_path: Path) -> None:
    put(shop, MENDED, BROKEN, POISON)
    done = ask(tmp_path, "retry", "--aws", shop.name)
    assert {key: done[key] for key in ("retried", "sent", "still_rejected")} == {
        "retried": 3,
        "sent": 1,
        "still_rejected": 2,
    }
    assert {each["rejected_id"] for each in done["refused"]} == {"w-2-0", "x-3"}
    [logged] = read_records(client("kinesis"), shop.stream)
    [event] = json.loads(logged.record.body)
    assert (event["event_id"], logged.record.received_at) == ("w-1-0", AT)
    assert "me@example.com" not in event["title"]
    assert queue_of(shop).count() == (2, 0)


def test_one_is_brought_on_with_a_corrected_body_and_others_are_left(shop: Deployed) -> None:
    put(shop, MENDED, BROKEN)
    body = '{"event":"mended"}'
    letters = RemoteLetters(installation(shop.name))
    assert letters.retry(ids=["w-2-0"], body=body)["sent"] == 1
    assert [each["rejected_id"] for each in letters.rejected()] == ["w-1-0"]
    with pytest.raises(NotFound, match="no dead letter named w-2-0"):
        letters.retry(ids=["w-2-0"])
    put(shop, POISON)
    with pytest.raises(BadCorrection, match="x-3 is a record, which goes on as it is"):
        letters.retry(ids=["x-3"], body=body)
    with pytest.raises(BadCorrection, match="2 are named"):
        letters.retry(ids=["x-3", "w-1-0"], body=body)
    assert queue_of(shop).count() == (2, 0)


def test_a_row_too_long_for_its_letter_stays_and_holds_nothing_up(shop: Deployed) -> None:
    row = json_rows(make_rows({"event_id": "a"}), "iso", nested=True)[0].decode()
    cut = make_letter("cut", kind="row", place="firehose", body=row[:50])
    whole = make_letter("whole", kind="row", place="nowhere", body=row)
    put(shop, cut, whole, MENDED)
    done = RemoteLetters(installation(shop.name)).retry()
    told = {each["rejected_id"]: each["reasons"][0] for each in done["refused"]}
    assert done["sent"] == 1
    assert told["whole"] == "there is no store named nowhere here"
    assert "firehose" in told["cut"]
    assert queue_of(shop).count() == (2, 0)


def test_many_letters_are_brought_on_in_groups_each_once(
    shop: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("footfall.services.redrive.GROUP", 20)
    many = [make_letter(f"m-{n}-0", body=f'{{"event":"e{n}"}}', received_at=AT + n) for n in range(70)]
    put(shop, *many, *many[:3], BROKEN)
    done = RemoteLetters(installation(shop.name)).retry()
    assert (done["retried"], done["sent"], done["still_rejected"]) == (71, 70, 1)
    records = read_records(client("kinesis"), shop.stream)
    assert len(records) == len({json.loads(each.record.body)[0]["event_id"] for each in records}) == 70
    assert queue_of(shop).count() == (1, 0)


def test_a_retry_that_is_killed_before_it_strikes_has_lost_nothing(
    shop: Deployed, tmp_path: Path, moto_url: str
) -> None:
    put(shop, MENDED)
    reached = threading.Event()

    def waits(exchange: Exchange) -> None:
        if exchange.target == "DeleteMessageBatch":
            reached.set()
            time.sleep(5)
            raise ConnectionAbortedError

    with altering_proxy(moto_url) as proxy:
        proxy.alterations += [waits] * 50
        variables = {**os.environ, "AWS_ENDPOINT_URL_SQS": proxy.url}
        queue = shop.queue.replace(moto_url, proxy.url)
        command = [sys.executable, "-m", "footfall", "rejected", "retry", "--aws", shop.name]
        variables["FOOTFALL_AWS_DEAD_LETTERS"] = queue
        with subprocess.Popen(command, env=variables, cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
            assert reached.wait(30)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
    assert len(read_records(client("kinesis"), shop.stream)) == 1, "stored first"
    assert queue_of(shop).count() == (0, 1), "and still in the queue, hidden for its time"


def test_an_installation_that_is_not_there_is_told(tmp_path: Path) -> None:
    told = ask(tmp_path, "list", "--aws", "nobody", code=1)
    assert "no installation on AWS named nobody" in told
    assert "footfall aws outputs" in told
