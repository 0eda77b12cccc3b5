"""JSON lines into a real warehouse: other systems' names, countries by number, what is refused and why."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.core.field_names import FIELD_NAMES, event_of, field_of
from footfall.core.validate import FIELDS
from footfall.errors import BadSource
from tests.importing import bring_in, count, select


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[DuckDBWarehouse]:
    store = DuckDBWarehouse(tmp_path / "data")
    yield store
    store.close()


def lines(path: Path, *items: object) -> Path:
    path.write_text("".join((item if isinstance(item, str) else json.dumps(item)) + "\n" for item in items))
    return path


@pytest.mark.parametrize(
    ("told", "country", "continent"),
    [
        ({"location_id": 516}, "NA", "AF"),
        ({"location_id": "516"}, "NA", "AF"),
        ({"location": 4}, "AF", "AS"),
        ({"location": "004"}, "AF", "AS"),
        ({"country_id": 250}, "FR", "EU"),
        ({"country_code": "NAM"}, "NA", "AF"),
        ({"country": "NA"}, "NA", "AF"),
        ({"country": 840}, "US", "NA"),
        ({"Country Name": "Namibia"}, "NA", "AF"),
        ({"location_id": 9_999}, None, None),
    ],
)
def test_countries_by_number_code_and_name(
    tmp_path: Path, warehouse: DuckDBWarehouse, told: dict[str, object], country: str, continent: str
) -> None:
    bring_in(warehouse, "ndjson", lines(tmp_path / "a.ndjson", {"event": "visit", "user_id": 1, **told}))
    assert select(warehouse, "country, continent, origin") == [(country, continent, "ndjson")]


def test_a_location_that_is_no_country_stays_a_property(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    bring_in(
        warehouse, "ndjson", lines(tmp_path / "a.ndjson", {"event": "v", "location": "Kitchen", "id": 7})
    )
    ((country, properties),) = select(warehouse, "country, properties")
    assert country is None
    assert json.loads(properties) == {"location": "Kitchen", "id": 7}


def test_other_names_become_ours(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    path = lines(
        tmp_path / "a.ndjson",
        {
            "action": "Sign Up",
            "user": 77,
            "age": 41,
            "time": "2024-02-29 10:00:00",
            "pageUrl": "https://a.example/x",
        },
    )
    bring_in(warehouse, "ndjson", path)
    row = select(warehouse, "event, user_id, visitor_id, created_at::varchar, path, user_properties")
    assert row == [("sign_up", "77", "77", "2024-02-29 10:00:00", "/x", '{"age":41}')]


def test_every_line_is_stored_or_rejected_with_its_number(
    tmp_path: Path, warehouse: DuckDBWarehouse
) -> None:
    path = lines(
        tmp_path / "a.ndjson",
        {"event": "one"},
        "",
        "no json",
        {"user_id": 7},
        [1, 2],
        {"event": "six", "created_at": "yesterday", "time_spent": -1},
        '{"event": "\\ud83d"}',
        {"event": "eight"},
        '{"event":',
        '"ten"}',
    )
    outcome = bring_in(warehouse, "ndjson", path)
    assert (outcome.lines, outcome.stored, outcome.rejected) == (9, 2, 7)
    reasons = sorted(reason for event in warehouse.rejected() for reason in event.reasons)
    assert [reason.partition(":")[0] for reason in reasons] == [
        f"line {number} of a.ndjson" for number in (10, 3, 4, 5, 6, 6, 7, 9)
    ]
    assert select(warehouse, "event", "event") == [("eight",), ("one",)]


def test_old_exports_keep_their_times(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    at = "2020-01-01T10:00:00Z"
    path = lines(tmp_path / "a.ndjson", {"event": "v", "created_at": at, "sent_at": "2020-01-01T10:00:05Z"})
    bring_in(warehouse, "ndjson", path)
    assert select(warehouse, "created_at::varchar, sent_at::varchar") == [
        ("2020-01-01 10:00:00", "2020-01-01 10:00:05")
    ]


def test_ids_of_the_sender_count_once(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    first = lines(tmp_path / "a.ndjson", {"event": "v", "event_id": "x"}, {"event": "v", "event_id": "x"})
    second = lines(tmp_path / "b.ndjson", {"event": "v", "event_id": "x"}, {"event": "v"})
    assert bring_in(warehouse, "ndjson", first).duplicate == 1
    assert bring_in(warehouse, "ndjson", second).duplicate == 1
    assert count(warehouse) == 2


def test_apps_of_the_events_hold_in_default_only(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    path = lines(tmp_path / "a.ndjson", {"event": "v", "app_id": "blog"}, {"event": "w"})
    bring_in(warehouse, "ndjson", path)
    assert select(warehouse, "app_id", "app_id") == [("blog",), ("default",)]
    bring_in(warehouse, "ndjson", path, app="shop")
    assert select(warehouse, "app_id", "app_id") == [("blog",), ("default",), ("shop",), ("shop",)]


def test_personal_data_is_masked(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    path = lines(
        tmp_path / "a.ndjson",
        {"event": "v", "note": "jo@example.org", "ip": "203.0.113.77"},
        '{"event": "v", "note": "jo@example.org',
    )
    bring_in(warehouse, "ndjson", path)
    ((properties, ip),) = select(warehouse, "properties, ip")
    assert "example.org" not in properties
    assert ip == "203.0.113.0"
    (refused,) = warehouse.rejected()
    assert refused.body.startswith('{"event": "v", "note": ')
    assert "example.org" not in refused.body


def test_other_files_are_refused_as_a_whole(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    (tmp_path / "array.json").write_text('[{"event": "v"}]')
    (tmp_path / "wide.ndjson").write_text('{"event": "v"}\n', encoding="utf-16")
    causes = {"array.json": "a JSON array", "wide.ndjson": "UTF-16", "absent.ndjson": "no file"}
    for name, cause in causes.items():
        with pytest.raises(BadSource, match=cause):
            bring_in(warehouse, "ndjson", tmp_path / name)
    with pytest.raises(BadSource, match="no such format"):
        bring_in(warehouse, "xml", tmp_path / "array.json")


def test_the_table_of_names_names_fields_of_the_contract() -> None:
    for field, names in FIELD_NAMES.items():
        assert field in FIELDS or field == "user.age"
        for name in names:
            known = field_of(name)
            assert known is not None
            assert known[0] == field


@given(
    st.dictionaries(st.sampled_from([*FIELD_NAMES, "action", "uid", "Time", "x", "user"]), st.integers())
)
def test_no_value_is_lost_on_the_way(row: dict[str, object]) -> None:
    numbered = {name: f"value {place}" for place, name in enumerate(row)}
    text = json.dumps(event_of(numbered))
    assert all(json.dumps(value) in text for value in numbered.values())
