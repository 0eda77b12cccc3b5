"""Small logs that are parsed together give the rows that each gives by itself."""

import gzip
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.core.schema import EVENTS, column_names
from footfall.services.imports import bundle as import_bundle
from footfall.services.imports.bundle import Bundle
from footfall.simulate import LogKind, access_log, simulate
from tests.importing import bring_in, select

PER_FILE, MOST = 11, 220
COLUMNS = ", ".join(f'"{name}"' for name in column_names(EVENTS) if name != "processed_at")


@pytest.fixture
def warehouses(tmp_path: Path) -> Iterator[list[DuckDBWarehouse]]:
    stores = [DuckDBWarehouse(tmp_path / name) for name in ("together", "alone")]
    yield stores
    for store in stores:
        store.close()


def write_files(folder: Path, kind: LogKind) -> int:
    """Cut a simulated log into files of some lines, some packed, each with the headers; count lines."""
    lines = b"".join(access_log(simulate(90, 6, 5, date(2024, 2, 1)), kind)).splitlines(keepends=True)
    headers = b"".join(line for line in lines if line.startswith(b"#"))
    lines = [line for line in lines if not line.startswith(b"#")][:MOST]
    folder.mkdir()
    for number, place in enumerate(range(0, len(lines), PER_FILE)):
        data = headers + b"".join(lines[place : place + PER_FILE])
        name = f"{number:04}.log" + ".gz" * (number % 3 == 0)
        data = data.removesuffix(b"\n") if number % 4 == 0 else data
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return len(lines)


@pytest.mark.parametrize("format", ["named", "auto"])
@pytest.mark.parametrize("kind", ["combined", "s3", "cloudfront"])
def test_the_rows_are_the_same(
    tmp_path: Path,
    warehouses: list[DuckDBWarehouse],
    monkeypatch: pytest.MonkeyPatch,
    kind: LogKind,
    format: str,
) -> None:
    lines = write_files(tmp_path / "logs", kind)
    bundles: list[int] = []
    block = Bundle.block

    def noted(bundle: Bundle) -> object:
        bundles.append(len(bundle.pieces))
        return block.fget(bundle)  # type: ignore[attr-defined]

    monkeypatch.setattr(Bundle, "block", property(noted))
    monkeypatch.setattr(import_bundle, "BUNDLE_BYTES", 100_000)
    together, alone = warehouses
    name = kind if format == "named" else "auto"
    outcome = bring_in(together, name, tmp_path / "logs")
    assert (outcome.stored, outcome.rejected, outcome.files) == (
        lines,
        0,
        len(list((tmp_path / "logs").iterdir())),
    )
    assert max(bundles) > 1
    assert sum(bundles) >= outcome.files - 2
    monkeypatch.setattr(import_bundle, "PIECE_BYTES", 0)
    assert bring_in(alone, name, tmp_path / "logs").stored == lines
    assert select(together, COLUMNS, "all") == select(alone, COLUMNS, "all")
    assert select(together, "count(distinct event_id)", "1") == [(lines,)]
    assert bring_in(together, name, tmp_path / "logs").lines == 0


def test_a_line_without_its_end_counts_once_when_its_file_grows(
    tmp_path: Path, warehouses: list[DuckDBWarehouse]
) -> None:
    write_files(tmp_path / "logs", "combined")
    together, _ = warehouses
    lines = bring_in(together, "combined", tmp_path / "logs").stored
    unended = next(
        path for path in sorted((tmp_path / "logs").glob("*.log")) if path.read_bytes()[-1:] != b"\n"
    )
    more = unended.read_bytes().splitlines()[0]
    with unended.open("ab") as file:
        file.write(b" 17\n" + more + b"\n")  # the line went on
    again = bring_in(together, "combined", tmp_path / "logs")
    assert (again.stored, again.duplicate) == (1, 1)
    assert select(together, "count(*)", "1") == [(lines + 1,)]
