"""Long work that a caller watches: told line by line, ended with its caller, in nobody's way."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from console_server import console, world

from footfall.apps.console.watched import watched
from footfall.apps.supervisor import split_address
from footfall.errors import BadTarget
from footfall.services import export_files

Tell = Callable[[Mapping[str, Any]], None]


def heard(order: Callable[[Tell], Mapping[str, Any]]) -> list[dict[str, Any]]:
    async def listen() -> list[dict[str, Any]]:
        return [json.loads(line) async for line in watched(order)]

    return asyncio.run(listen())


def test_progress_comes_in_order_and_the_outcome_last() -> None:
    def order(tell: Tell) -> Mapping[str, Any]:
        for number in range(100):
            tell({"done_rows": number})
        return {"rows": 100}

    lines = heard(order)
    assert [line["done_rows"] for line in lines[:-1]] == list(range(100))
    assert lines[-1] == {"done": {"rows": 100}}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BadTarget(path="/x", cause="full", hint="Make room"), "/x cannot be written: full. Make room."),
        (
            ZeroDivisionError("secret of the inside"),
            "The platform failed at it; its output has the reason.",
        ),
    ],
)
def test_what_goes_wrong_is_the_last_line(error: Exception, told: str) -> None:
    def order(tell: Tell) -> Mapping[str, Any]:
        tell({"rows": 1})
        raise error

    assert heard(order) == [{"rows": 1}, {"error": told, "retryable": False}]


def test_a_caller_that_leaves_ends_the_work_where_it_tells_next() -> None:
    told, ended = [], threading.Event()

    def order(tell: Tell) -> Mapping[str, Any]:
        try:
            while True:
                tell({"rows": len(told)})
                told.append(1)
                time.sleep(0.005)
        finally:
            ended.set()

    async def leave() -> None:
        lines = watched(order)
        await anext(lines)
        await lines.aclose()

    asyncio.run(leave())
    assert ended.wait(5)
    count = len(told)
    time.sleep(0.05)
    assert len(told) == count


def test_work_that_hangs_holds_up_neither_others_nor_the_end() -> None:
    hang = threading.Event()

    async def crowd() -> list[bytes]:
        stuck = [watched(lambda _: {"late": hang.wait(30)}) for _ in range(30)]
        waiting = [asyncio.ensure_future(anext(each)) for each in stuck]
        await asyncio.sleep(0.05)
        answer = [line async for line in watched(lambda _: {"quick": True})]
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return answer

    began = time.monotonic()
    assert asyncio.run(crowd()) == [b'{"done":{"quick":true}}\n']
    assert time.monotonic() - began < 10
    hang.set()


def test_a_connection_that_breaks_ends_an_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_files, "ROWS_AT_ONCE", 1)  # a scan for each hour: it takes a while
    out = tmp_path / "out"
    out.mkdir()
    order = json.dumps({"kind": "parquet", "path": str(out / "events.parquet")})
    with console(tmp_path / "data", files=world(tmp_path)) as url:
        host = url.removeprefix("http://")
        head = f"POST /api/exports/files HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        with socket.create_connection(split_address(host)) as caller:
            caller.sendall(f"{head}Content-Length: {len(order)}\r\n\r\n{order}".encode())
            assert caller.recv(100).startswith(b"HTTP/1.1 200")
            assert [path.suffix for path in out.iterdir()] == [".tmp"]
        deadline = time.monotonic() + 10
        while list(out.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert list(out.iterdir()) == []
