"""The raw archive: written once, whole, verified when read."""

import gzip
import hashlib
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.adapters.raw_archive import FolderArchive
from footfall.core.record import AppId, Logged, Offset, Record, Sender
from footfall.errors import BadSource

DAY = datetime(2026, 11, 20, tzinfo=UTC)
FAR = DAY + timedelta(days=3_000)


def logged(
    offset: int, hours: float = 1.0, body: bytes = b'[{"event":"page_view"}]', log: str = "w1"
) -> Logged:
    moment = int((DAY + timedelta(hours=hours)).timestamp() * 1_000_000)
    sender = Sender(ip="192.0.2.0", country="DE", user_agent="test", language="en", visitor_hash="h")
    record = Record(
        kind="events",
        app_id=AppId("shop"),
        origin="native",
        received_at=moment,
        count=1,
        sender=sender,
        body=body,
    )
    return Logged(log, Offset(offset), record)


def names(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_blocks_lie_by_day_with_their_checksum(tmp_path):
    archive = FolderArchive(tmp_path)
    assert archive.write([logged(1, 23.9), logged(2, 24.1), logged(3, 25)]) > 0
    first, second = "year=2026/month=11/day=20/w1-1-1", "year=2026/month=11/day=21/w1-2-3"
    kinds = (".ndjson.zst", ".ndjson.zst.sha256")
    assert names(tmp_path) == [f"{block}{kind}" for block in (first, second) for kind in kinds]
    for block in (first, second):
        told, name = (tmp_path / f"{block}.ndjson.zst.sha256").read_text().split()
        path = (tmp_path / block).with_name(name)
        assert told == hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_read_is_what_was_written(tmp_path):
    records = [
        logged(1),
        logged(2, body=b'[\n  {"event": "a\\nb"},\r\n  {"event":"\xc3\xa9"}\n]'),
        logged(9),
    ]
    FolderArchive(tmp_path).write(records)
    read = list(FolderArchive(tmp_path).read(DAY, FAR))
    assert [each.offset for each in read] == [1, 2, 9]
    for before, after in zip(records, read, strict=True):
        plain = before.record.body.replace(b"\n", b" ").replace(b"\r", b" ")
        assert after == msgspec.structs.replace(
            before, record=msgspec.structs.replace(before.record, body=plain)
        )
        assert msgspec.json.decode(after.record.body) == msgspec.json.decode(before.record.body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(max_examples=40, deadline=None)
@given(events=st.lists(JSON, max_size=4), indent=st.sampled_from([0, 2]))
def test_any_json_survives(tmp_path_factory, events, indent):
    folder = tmp_path_factory.mktemp("raw")
    body = msgspec.json.format(msgspec.json.encode(events), indent=indent)
    FolderArchive(folder).write([logged(1, body=body)])
    [read] = FolderArchive(folder).read(DAY, FAR)
    assert msgspec.json.decode(read.record.body) == events


def test_writing_again_changes_nothing(tmp_path):
    records = [logged(n) for n in range(1, 6)]
    FolderArchive(tmp_path).write(records[:3])
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in names(tmp_path)}
    assert FolderArchive(tmp_path).write(records[:3]) == 0
    assert before == {name: (tmp_path / name).stat().st_mtime_ns for name in names(tmp_path)}
    # A run that died between writing and trimming finds more records the next time.
    FolderArchive(tmp_path).write(records)
    assert [each.offset for each in FolderArchive(tmp_path).read(DAY, FAR)] == [1, 2, 3, 4, 5]


def test_reading_gives_the_asked_time_and_every_log(tmp_path):
    archive = FolderArchive(tmp_path)
    archive.write([logged(1, 1), logged(2, 2), logged(3, 30)])
    archive.write([logged(1, 1.5, log="w-2")])
    read = [(each.log, each.offset) for each in archive.read(DAY, DAY + timedelta(hours=2))]
    assert sorted(read) == [("w-2", 1), ("w1", 1)]
    assert [each.offset for each in archive.read(DAY + timedelta(hours=2), FAR)] == [2, 3]
    naive = (DAY + timedelta(hours=30)).replace(tzinfo=None)
    assert [each.offset for each in archive.read(naive, FAR.replace(tzinfo=None))] == [3]


@pytest.mark.parametrize("damage", ["changed", "cut", "no checksum", "not zstd", "not json"])
def test_a_broken_block_is_named(tmp_path, damage):
    FolderArchive(tmp_path).write([logged(n) for n in range(1, 50)])
    [path] = tmp_path.rglob("*.zst")
    [check] = tmp_path.rglob("*.sha256")
    block = path.read_bytes()
    if damage == "changed":
        path.write_bytes(block[:40] + bytes([block[40] ^ 1]) + block[41:])
    elif damage == "cut":
        path.write_bytes(block[:-10])
    elif damage == "no checksum":
        check.unlink()
    else:
        other = gzip.compress(b"x") if damage == "not zstd" else _zstd(b"{]\n")
        path.write_bytes(other)
        check.write_text(f"{hashlib.sha256(other).hexdigest()}  {path.name}\n")
    with pytest.raises(BadSource) as caught:
        list(FolderArchive(tmp_path).read(DAY, FAR))
    assert path.name in str(caught.value)


def _zstd(content: bytes) -> bytes:
    import pyarrow as pa

    return pa.compress(content, codec="zstd", asbytes=True)


def test_whole_days_expire(tmp_path):
    archive = FolderArchive(tmp_path)
    archive.write([logged(1, 1), logged(2, 23), logged(3, 25)])
    assert archive.expire(DAY + timedelta(hours=23)) == 0
    assert archive.expire(DAY + timedelta(hours=24)) == 1
    assert [each.offset for each in archive.read(DAY, FAR)] == [3]


def test_a_half_written_block_is_not_seen(tmp_path):
    archive = FolderArchive(tmp_path)
    archive.write([logged(1)])
    [path] = tmp_path.rglob("*.zst")
    path.with_name(".w1-2-3.ndjson.zst.tmp").write_bytes(b"half")
    assert [each.offset for each in FolderArchive(tmp_path).read(DAY, FAR)] == [1]


@pytest.mark.skipif(
    shutil.which("zstd") is None or shutil.which("sha256sum") is None, reason="no zstd here"
)
def test_common_tools_read_it(tmp_path):
    FolderArchive(tmp_path).write([logged(1)])
    [path] = tmp_path.rglob("*.zst")
    subprocess.run(
        ["sha256sum", "-c", f"{path.name}.sha256"], cwd=path.parent, check=True, capture_output=True
    )
    lines = subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout.splitlines()
    assert msgspec.json.decode(lines[0])["events"] == [{"event": "page_view"}]
