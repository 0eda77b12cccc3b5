"""Countries of addresses: MaxMind's own test database, and the table that is shipped."""

import ipaddress
import itertools
import json
import runpy
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.adapters import geo
from footfall.adapters.geo import open_country_lookup
from footfall.core.reference import country_code
from footfall.errors import BadSettings

TOOL = runpy.run_path(str(Path(__file__).parents[1] / "tools" / "country_table.py"))
MASK = (1 << 64) - 1


def test_exact_answers_for_every_network_of_maxmind(shared_data: Path) -> None:
    look_up = open_country_lookup(str(shared_data / "geo" / "GeoIP2-Country-Test.mmdb"))
    blocks = json.loads((shared_data / "geo" / "GeoIP2-Country-Test.json").read_text())
    networks = [(network, entry) for block in blocks for network, entry in block.items()]
    assert len(networks) == 345
    for network, entry in networks:
        expected = entry.get("country", {}).get("iso_code")
        ends = ipaddress.ip_network(network, strict=False)
        assert [look_up(str(ends[0])), look_up(str(ends[-1]))] == [expected, expected]


def test_city_databases_tell_the_country_too(shared_data: Path) -> None:
    look_up = open_country_lookup(str(shared_data / "geo" / "GeoIP2-City-Test.mmdb"))
    assert look_up("81.2.69.142") == "GB"
    assert look_up("::ffff:81.2.69.142") == "GB"
    assert look_up("203.0.113.7") is None


@pytest.mark.parametrize(
    "name", ["GeoIP2-City-Test-Broken-Double-Format.mmdb", "GeoIP2-City-Test-Invalid-Node-Count.mmdb"]
)
def test_damaged_databases_are_refused_by_name(shared_data: Path, name: str) -> None:
    with pytest.raises(BadSettings, match=rf"loader\.geo_database is .*{name}"):
        open_country_lookup(str(shared_data / "geo" / name))


def test_a_missing_file_a_folder_and_another_format_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.mmdb"
    other.write_bytes(b"not a database")
    for path in (tmp_path / "absent.mmdb", tmp_path, other):
        with pytest.raises(BadSettings, match="no usable database of countries"):
            open_country_lookup(str(path))


@pytest.mark.parametrize(
    ("ip", "country"),
    [
        ("8.8.8.8", "US"),
        ("::ffff:8.8.8.8", "US"),
        ("1.1.1.1", "AU"),  # given to APNIC's research in Brisbane; answers are sent from everywhere
        ("81.2.69.142", "GB"),
        ("196.1.28.1", "NA"),
        ("141.20.1.1", "DE"),  # universities: Berlin, Kyoto, São Paulo, Singapore, Oxford, Mexico
        ("130.54.1.1", "JP"),
        ("143.107.1.1", "BR"),
        ("137.132.1.1", "SG"),
        ("129.67.1.1", "GB"),
        ("132.248.1.1", "MX"),
        ("2001:200::1", "JP"),
        ("2001:638::1", "DE"),
        ("2804:14d::1", "BR"),
        ("2a01:e0a::1", "FR"),
        ("2001:4860:4860::8888", "US"),
        ("10.1.2.3", None),
        ("127.0.0.1", None),
        ("192.168.1.1", None),
        ("100.64.0.1", None),
        ("192.0.2.1", None),
        ("198.18.0.1", None),
        ("203.0.113.7", None),
        ("224.0.0.1", None),
        ("255.255.255.255", None),
        ("0.0.0.0", None),
        ("::", None),
        ("::1", None),
        ("fe80::1", None),
        ("fe80::1%eth0", None),
        ("fd00::1", None),
        ("2001:db8::1", None),
        ("2002:808:808::1", None),
        ("64:ff9b::808:808", None),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
        ("", None),
        ("8.8.8", None),
        ("8.8.8.8\0", None),
        ("\ud800", None),
        ("unknown", None),
    ],
)
def test_the_shipped_table(ip: str, country: str | None) -> None:
    assert open_country_lookup("")(ip) == country


@given(st.ip_addresses() | st.text())
def test_any_text_has_a_country_code_or_none(ip: object) -> None:
    text = str(ip)
    answer = open_country_lookup("")(text)
    assert answer is None or (len(answer) == 2 and answer.isalpha() and answer.isupper())


def text_of(number: int, bits: int) -> str:
    """Write an address of the table (IPv6: its upper 64 bits) as text, the last one of a /64."""
    return str(ipaddress.IPv4Address(number) if bits == 32 else ipaddress.IPv6Address(number << 64 | MASK))


def test_both_sides_of_the_shipped_table_s_borders() -> None:
    look_up, table = open_country_lookup(""), geo._table()
    for bits, networks in ((32, table.ipv4), (64, table.ipv6)):
        pairs = list(zip(networks.starts, networks.codes, strict=True))
        neighbours = list(itertools.pairwise(pairs))
        assert pairs[0] == (0, 0)
        assert all(start < after for (start, _), (after, _) in neighbours)
        assert all(code != other for (_, code), (_, other) in neighbours)  # else they'd be one network
        for (_, code), (after, other) in neighbours[::29]:
            assert look_up(text_of(after - 1, bits)) == table.countries[code]
            assert look_up(text_of(after, bits)) == table.countries[other]


def test_special_purpose_networks_have_no_country() -> None:
    look_up = open_country_lookup("")
    for network in map(ipaddress.ip_network, [*TOOL["SPECIAL4"], *TOOL["SPECIAL6"]]):
        assert [look_up(str(network[0])), look_up(str(network[-1]))] == [None, None], network


def test_the_shipped_table_holds_countries_we_know_and_most_of_ipv4() -> None:
    table = geo._table()
    assert {country_code(str(country)) for country in table.countries[1:]} == set(table.countries[1:])
    assert len(table.countries) > 230
    ends = [*table.ipv4.starts[1:], 1 << 32]
    spans = zip(table.ipv4.starts, ends, table.ipv4.codes, strict=True)
    assert 0.8 < sum(end - start for start, end, code in spans if code) / (1 << 32) < 0.9


def test_the_registries_mostly_agree_with_maxmind(shared_data: Path) -> None:
    blocks = json.loads((shared_data / "geo" / "GeoIP2-Country-Test.json").read_text())
    look_up = open_country_lookup("")
    # Those of 2000::/3; the others are IPv4 given to countries for the sake of tests.
    known = [
        look_up(network.split("/")[0]) == entry["country"]["iso_code"]
        for block in blocks
        for network, entry in block.items()
        if network.startswith("2") and "country" in entry
    ]
    assert len(known) > 300
    assert sum(known) / len(known) > 0.85


@st.composite
def ranges(draw: st.DrawFn, bits: int) -> list[tuple[int, int, str]]:
    """Draw ranges that don't overlap, ascending, some of them neighbours of the same country."""
    ends = sorted(draw(st.sets(st.integers(0, 1 << bits), max_size=12)))
    lands = st.sampled_from(["DE", "NA", "US"])
    return [(a, b - 1, draw(lands)) for a, b in itertools.pairwise(ends) if draw(st.booleans())]


@given(ranges(32), ranges(64), st.data())
def test_a_packed_table_answers_as_a_walk_over_its_ranges(
    ipv4: list[tuple[int, int, str]], ipv6: list[tuple[int, int, str]], data: st.DataObject
) -> None:
    special4 = TOOL["special_ranges"](TOOL["SPECIAL4"], 0)
    special6 = TOOL["special_ranges"](TOOL["SPECIAL6"], 64)
    starts4 = TOOL["starts_of"](ipv4, special4, 1 << 32)
    table = geo._read_table(TOOL["pack"](starts4, TOOL["starts_of"](ipv6, special6, 1 << 64)))
    for bits, rows, special in ((32, ipv4, special4), (64, ipv6, special6)):
        borders = {border for first, last, _ in rows + special for border in (first, last)}
        near = {border + step for border in borders for step in (-1, 0, 1)}
        for number in [
            data.draw(st.integers(0, (1 << bits) - 1)),
            *(n for n in near if 0 <= n < 1 << bits),
        ]:
            expected = next((land for first, last, land in rows if first <= number <= last), None)
            if any(first <= number <= last for first, last, _ in special):
                expected = None
            assert geo._find(table, ipaddress.ip_address(text_of(number, bits)).packed) == expected


def test_the_tool_takes_both_ways_of_writing_and_refuses_what_it_cannot_keep(tmp_path: Path) -> None:
    file = tmp_path / "ranges.csv"
    read = TOOL["read_ranges"]
    file.write_text("1.0.0.0,1.0.0.255,AU\n16777472,16778239,CN\n")
    assert list(read(file, {"AU", "CN"}, 0)) == [
        (1 << 24, (1 << 24) + 255, "AU"),
        (16777472, 16778239, "CN"),
    ]
    for line in ("1.0.0.0,1.0.0.255,ZZ", "1.0.1.0,1.0.0.0,AU", "1.0.0.0,1.0.0.9,AU\n1.0.0.9,1.0.1.0,AU"):
        file.write_text(line + "\n")
        with pytest.raises(SystemExit, match="not taken"):
            list(read(file, {"AU"}, 0))
    file.write_text("2001:200::,2001:200::ffff,JP\n")
    with pytest.raises(SystemExit, match="line 1: not taken"):
        list(read(file, {"JP"}, 64))


@pytest.mark.parametrize("damage", ["missing", "cut", "flipped", "longer", "code", "header"])
def test_a_damaged_shipped_table_is_said(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = geo.SHIPPED.read_bytes()
    plain = zlib.decompress(whole)
    contents = {
        "cut": whole[:-9],
        "flipped": whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:],
        "longer": zlib.compress(plain + b"\0", 1),
        "code": zlib.compress(plain[:-1] + b"\xff", 1),
        "header": zlib.compress(b"[]\n", 1),
    }
    path = tmp_path / "countries.z"
    if damage in contents:
        path.write_bytes(contents[damage])
    monkeypatch.setattr(geo, "SHIPPED", path)
    geo._table.cache_clear()
    try:
        with pytest.raises(BadSettings, match=r"shipped table .*countries\.z cannot be used"):
            open_country_lookup("")("8.8.8.8")
    finally:
        geo._table.cache_clear()


def test_the_collector_pays_little_for_it() -> None:
    script = (
        "import sys, tracemalloc\n"
        "from footfall.adapters import geo\n"
        "look_up = geo.open_country_lookup('')\n"
        "lazy = geo._table.cache_info().currsize == 0\n"
        "tracemalloc.start()\n"
        "assert look_up('8.8.8.8') == 'US'\n"
        "kept, peak = tracemalloc.get_traced_memory()\n"
        "heavy = {'pyarrow', 'numpy', 'duckdb', 'litestar'} & set(sys.modules)\n"
        "print(lazy, sorted(heavy), kept < 5_000_000, peak < 20_000_000)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[0] == "True [] True True"
    assert geo.SHIPPED.stat().st_size < 500_000


def test_the_table_names_its_source_beside_it() -> None:
    source = (geo.SHIPPED.parent / "SOURCE.txt").read_text()
    notice = (Path(__file__).parents[1] / "NOTICE").read_text()
    for word in ("nro.net", "https://creativecommons.org/licenses/by/4.0/", "17 June 2026"):
        assert word in source
        assert word in notice
