"""Country and continent of rows."""

import pyarrow as pa

from footfall.core.enrich.place import place_columns


def places(country: list[str | None], ip_country: list[str | None]) -> list[tuple[str | None, str | None]]:
    columns = place_columns(pa.array(country, pa.string()), pa.array(ip_country, pa.string()))
    return list(zip(columns["country"].to_pylist(), columns["continent"].to_pylist(), strict=True))


def test_the_client_goes_before_the_address_and_nonsense_before_nothing() -> None:
    assert places(
        ["germany", None, "516", "Atlantis", "nowhere", None, "USA"],
        ["FR", "FR", None, "JP", None, None, "DE"],
    ) == [
        ("DE", "EU"),
        ("FR", "EU"),
        ("NA", "AF"),
        ("JP", "AS"),
        (None, None),
        (None, None),
        ("US", "NA"),
    ]


def test_kosovo_and_no_rows() -> None:
    assert places([None], ["XK"]) == [("XK", "EU")]
    assert places([], []) == []
