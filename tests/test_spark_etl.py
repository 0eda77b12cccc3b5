"""Raw JSON to CSV on a real cluster: the rows of the embedded import, each once, whatever breaks."""

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from spark_world import NOW

from footfall.adapters import file_moves
from footfall.apps.spark.etl import Etl, Refined, refine
from footfall.apps.spark.imports import RulesOf
from footfall.errors import BadSource, BadTarget

RULES = RulesOf(app="site", key=b"k" * 32)


def line(number: int, **more: object) -> str:
    event = {
        "event_id": f"e{number}",
        "event": "page_view",
        "user_id": f"u{number % 7}",
        "age": 20 + number % 50,
    }
    return json.dumps(event | {"timestamp": "2026-03-01T10:00:00Z", "location_id": 516} | more)


def drop(folder: Path, name: str, *lines: str) -> None:
    path = folder / "raw" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(f"{each}\n" for each in lines).encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


def run(spark: Any, folder: Path) -> Refined:
    done = refine(spark, Etl(raw=f"{folder}/raw", out=f"{folder}/tables", rules=RULES), NOW)
    assert done.read == done.written + done.duplicate + done.rejected
    assert not list((folder / "tables").glob(".staging-*"))
    return done


def names(folder: Path, top: str) -> list[str]:
    return sorted(
        str(path.relative_to(folder / top)) for path in (folder / top).rglob("*") if path.is_file()
    )


def results(folder: Path, columns: str = "event_id") -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(
            f"select {columns} from '{folder}/tables/results/**/*.csv' order by all"
        ).fetchall()


def test_places_are_named_and_raw_files_go(spark: Any, tmp_path: Path) -> None:
    """Location ids of UN M49, codes and names; a bad line and a repeat are in the books, not in the CSV."""
    drop(tmp_path, "one.json", line(1), line(2, location_id="276", user_id="ada@example.com"), "{broken")
    drop(tmp_path, "day/two.json.gz", line(3, location_id="Peru"), line(1), line(4, location_id=0))
    done = run(spark, tmp_path)
    assert done == Refined(files=2, read=6, written=4, duplicate=1, rejected=1)
    assert results(tmp_path, "event_id, country, continent, app_id") == [
        ("e1", "NA", "AF", "site"),
        ("e2", "DE", "EU", "site"),
        ("e3", "PE", "SA", "site"),
        ("e4", None, None, "site"),
    ]
    assert "ada@example.com" not in (tmp_path / "tables/results/one.csv").read_text()
    [refused] = (tmp_path / "tables/rejected/one.ndjson").read_text().splitlines()
    assert "it is not JSON" in refused
    assert names(tmp_path, "raw") == []
    assert names(tmp_path, "processed") == ["day/two.json.gz", "one.json"]
    assert names(tmp_path, "tables/results") == ["day/two.csv", "one.csv"]


def test_nothing_is_read_twice(spark: Any, tmp_path: Path) -> None:
    """Not the same bytes under another name; another file of a name that was there stands beside it."""
    assert run(spark, _with_raw(tmp_path)) == Refined()
    drop(tmp_path, "a.json", line(1), line(2))
    assert run(spark, tmp_path).written == 2
    drop(tmp_path, "again.json", line(1), line(2))
    drop(tmp_path, "a.json", line(3, country="FR"))
    drop(tmp_path, "notes.txt", "nothing of ours")
    done = run(spark, tmp_path)
    assert (done.files, done.passed_over, done.read) == (2, 1, 1)
    assert results(tmp_path) == [("e1",), ("e2",), ("e3",)]
    assert names(tmp_path, "tables/results") == ["a-2.csv", "a.csv"]
    assert names(tmp_path, "processed") == ["a-2.json", "a.json", "again.json"]
    assert names(tmp_path, "raw") == ["notes.txt"]


def _with_raw(folder: Path) -> Path:
    (folder / "raw").mkdir()
    return folder


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("moved", range(4))
def test_a_crash_anywhere_between_write_and_move_doubles_nothing(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: int
) -> None:
    """Killed before the note, and after so many of the moves; then another file comes, with a repeat."""
    drop(tmp_path, "a.json", line(1), line(2))
    drop(tmp_path, "b.json", line(2), line(3))
    replace, steps = Path.replace, iter(range(100))

    def replaced(path: Path, target: Path) -> Path:
        if not path.name.startswith(".") and next(steps) == moved:  # no draft, but a move
            raise Killed
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(file_moves.Path, "replace", replaced)
        with pytest.raises(Killed):
            run(spark, tmp_path)
    assert run(spark, tmp_path).written == 0
    assert results(tmp_path) == [("e1",), ("e2",), ("e3",)]
    assert names(tmp_path, "raw") == []
    assert len(names(tmp_path, "processed")) == 2


def test_a_broken_file_stops_the_run_and_nothing_is_seen(spark: Any, tmp_path: Path) -> None:
    drop(tmp_path, "good.json", line(1))
    drop(tmp_path, "cut.json.gz", *(line(n, title=str(n * 7919)) for n in range(9_000)))
    path = tmp_path / "raw/cut.json.gz"
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(BadSource, match=r"cut\.json\.gz"):
        run(spark, tmp_path)
    assert names(tmp_path, "raw") == ["cut.json.gz", "good.json"]
    assert names(tmp_path, "tables/results") == []


def test_what_cannot_be_meant_is_refused(spark: Any, tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="no such folder"):
        run(spark, tmp_path)
    _with_raw(tmp_path)
    with pytest.raises(BadTarget, match="read as raw"):
        refine(spark, Etl(raw=f"{tmp_path}/raw", out=f"{tmp_path}/raw/out", rules=RULES), NOW)
