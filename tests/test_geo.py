"""Countries of addresses, exact against MaxMind's own test database."""

import ipaddress
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.adapters.geo import open_country_lookup
from footfall.errors import BadSettings


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
        ("81.2.69.142", "GB"),
        ("196.1.28.1", "NA"),
        ("2001:200::1", "JP"),
        ("10.1.2.3", None),
        ("127.0.0.1", None),
        ("192.168.1.1", None),
        ("100.64.0.1", None),
        ("192.0.2.1", None),
        ("224.0.0.1", None),
        ("255.255.255.255", None),
        ("0.0.0.0", None),
        ("::", None),
        ("::1", None),
        ("fe80::1", None),
        ("fe80::1%eth0", None),
        ("fd00::1", None),
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


def test_the_packed_table_equals_the_package() -> None:
    geoip2fast = pytest.importorskip("geoip2fast")
    reference = geoip2fast.GeoIP2Fast(geoip2fast_data_file="geoip2fast-ipv6.dat.gz")
    look_up = open_country_lookup("")
    chance = random.Random(1)  # noqa: S311
    addresses = [str(ipaddress.IPv4Address(chance.getrandbits(32))) for _ in range(2_000)]
    addresses += [str(ipaddress.IPv6Address((0x2A << 120) | chance.getrandbits(116))) for _ in range(1_000)]
    for address in addresses:
        code = reference.lookup(address).country_code
        known = len(code) == 2 and code.isalpha() and code not in ("EU", "AP")
        assert look_up(address) == (code if known else None), address


def test_the_collector_pays_little_for_it() -> None:
    script = (
        "import sys\n"
        "from footfall.adapters.geo import open_country_lookup\n"
        "look_up = open_country_lookup('')\n"
        "lazy = 'geoip2fast' not in sys.modules\n"
        "assert look_up('8.8.8.8') == 'US'\n"
        "heavy = {'geoip2fast', 'pyarrow', 'numpy', 'duckdb', 'litestar'} & set(sys.modules)\n"
        "print(lazy, sorted(heavy))\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[0] == "True []"
