"""Delimited text into a real warehouse, as people's spreadsheets and databases write it."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.core.delimited import STRAY, open_records, read_header, records, row_of
from footfall.errors import BadSource
from tests.importing import bring_in, select

CLICKS = (
    "element_clicked,time_spent,source_menu,created_at\n"
    "entree_1,67,restaurant_name,2022-09-11 23:00:00\n"
    "entree_2,12.5,NA,2022-09-11 23:00:05\n"
)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[DuckDBWarehouse]:
    store = DuckDBWarehouse(tmp_path / "data")
    yield store
    store.close()


def written(tmp_path: Path, content: str | bytes, name: str = "a.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_clicks_work_as_they_are(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    outcome = bring_in(warehouse, "csv", written(tmp_path, CLICKS))
    assert (outcome.lines, outcome.stored) == (2, 2)
    rows = select(
        warehouse, "event, element, time_spent, properties, created_at::varchar, origin", "element"
    )
    assert rows == [
        ("click", "entree_1", 67.0, '{"source_menu":"restaurant_name"}', "2022-09-11 23:00:00", "csv"),
        ("click", "entree_2", 12.5, '{"source_menu":"NA"}', "2022-09-11 23:00:05", "csv"),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_marks_and_line_ends(
    tmp_path: Path, warehouse: DuckDBWarehouse, delimiter: str, start: bytes, end: str
) -> None:
    text = CLICKS.replace(",", delimiter).replace("\n", end)
    bring_in(warehouse, "csv", written(tmp_path, start + text.encode()))
    assert select(warehouse, "element, time_spent", "element") == [("entree_1", 67.0), ("entree_2", 12.5)]


def test_cells_keep_what_they_say(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    text = (
        "event,user_id,zip,count,price,big,empty,flag,country\n"
        'buy,007,00501,12,-1.5,12345678901234567890,,NA,NA\n"a ""b""\nc",8,1e3,0,0.10,1,,null,516\n'
    )
    bring_in(warehouse, "csv", written(tmp_path, text))
    rows = select(warehouse, "event, user_id, properties, country", "user_id")
    assert [(event, user, country) for event, user, _, country in rows] == [
        ("buy", "007", "NA"),
        ("a_b_c", "8", "NA"),
    ]
    assert [json.loads(properties) for _, _, properties, _ in rows] == [
        {"zip": "00501", "count": 12, "price": -1.5, "big": "12345678901234567890", "flag": "NA"},
        {"zip": 1000.0, "count": 0, "price": 0.1, "big": 1, "flag": "null"},
    ]


def test_ragged_and_broken_rows_are_rejected_alone(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    text = (
        "event,element,time_spent\n"
        "click,a,1\n"
        "click,b\n"
        "click,c,1,2\n"
        'click,"d,1\n'
        "click,e,1\n"
        '"click"x,f,1\n'
        "click,g,long\n"
        "click,h,1,\n"
    )
    outcome = bring_in(warehouse, "csv", written(tmp_path, text))
    assert (outcome.lines, outcome.rejected) == (8, 5)
    assert select(warehouse, "element", "element") == [("a",), ("e",), ("h",)]
    found = sorted(reason for event in warehouse.rejected() for reason in event.reasons)
    assert [reason[: len("line 3 of a.csv: it has 2 cells")] for reason in found[:2]] == [
        "line 3 of a.csv: it has 2 cells",
        "line 4 of a.csv: it has 4 cells",
    ]
    assert [reason.partition(" of")[0] for reason in found] == [
        f"line {number}" for number in (3, 4, 5, 7, 8)
    ]
    assert found[2] == f"line 5 of a.csv: {STRAY}"


def test_latin1_rows_are_read_and_told_of(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    content = "event,element\nclick,café\n".encode() + b"click,na\xefve\n"
    outcome = bring_in(warehouse, "csv", written(tmp_path, content))
    assert select(warehouse, "element", "element") == [("café",), ("naïve",)]
    assert "1 rows are not UTF-8 and were read as Latin-1" in outcome.notes[0]


def test_tables_without_a_telling_column_are_refused(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(BadSource, match="no column of its first row says what was done"):
        bring_in(warehouse, "csv", written(tmp_path, "entree_1,67\nentree_2,5\n"))
    with pytest.raises(BadSource, match=r"looks like ndjson.*footfall import ndjson"):
        bring_in(warehouse, "csv", written(tmp_path, '{"a": 1, "event": "x"}\n'))


def test_a_header_alone_and_an_empty_file_are_no_rows(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    assert bring_in(warehouse, "csv", written(tmp_path, "event,element\n")).lines == 0
    assert bring_in(warehouse, "csv", written(tmp_path, "", "b.csv")).lines == 0


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00\r")), min_size=2, max_size=4)
    ),
    st.sampled_from(",;\t|"),
    st.integers(0, 300),
)
def test_records_are_those_of_the_csv_module(rows: list[list[str]], delimiter: str, cut: int) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    data = buffer.getvalue().encode()
    found = list(records(data, delimiter))
    assert [record.cells for record in found] == rows
    assert all(data[record.offset - 1 : record.offset] in {b"", b"\n"} for record in found)
    head = data[: data.rfind(b"\n", 0, cut) + 1]
    whole = open_records(head, delimiter)
    assert [record.cells for record in records(head[:whole], delimiter)] == rows[
        : len(list(records(head[:whole], delimiter)))
    ]
    assert [r.cells for part in (data[:whole], data[whole:]) for r in records(part, delimiter)] == rows


def test_headers_are_made_unique() -> None:
    table = read_header(b"event,,x,x\n")
    assert table is not None
    assert table.names == ("event", "column_2", "x", "x_2")
    assert row_of(table, ["v", "1", " ", "01"]) == {"event": "v", "column_2": 1, "x_2": "01"}
