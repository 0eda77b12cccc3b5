"""The country of an address: from a MaxMind database, or from the table that is shipped here.

The collector looks every sender up before the address is cut, so nothing heavy is loaded here. How
the table is written is said in ``tools/country_table.py``, where it comes from in
``geo_data/SOURCE.txt``.
"""

import socket
import sys
import zlib
from array import array
from bisect import bisect_right
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from footfall.errors import BadSettings
from footfall.ports import CountryLookup

__all__ = ["open_country_lookup"]

SHIPPED = Path(__file__).parent / "geo_data" / "countries.z"
MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, an IPv4 address written as IPv6
PROBES = ("1.1.1.1", "81.2.69.142", "200.1.1.1")


def open_country_lookup(path: str) -> CountryLookup:
    """Return a function from an address to alpha-2 in upper case, or None.

    ``path`` is a MaxMind database (Country or City, GeoLite2 too); empty is the shipped table, which
    is read (0.05 s, 9 MB) at the first look-up and tells whom a registry gave the network to: for most
    senders the country they are in. Private, reserved and unknown addresses, and what is no address,
    have no country. Raises BadSettings when the file is missing, damaged or of another kind; for
    damage in the shipped table the first look-up does.
    """
    if path:
        return _from_maxmind(path)
    if not SHIPPED.is_file():
        raise _bad_table("it is missing")
    return _look_up_shipped


def _packed(ip: str) -> bytes | None:
    """Return 4 or 16 bytes; an IPv4 address inside an IPv6 one is taken out."""
    try:
        if ":" not in ip:
            return socket.inet_pton(socket.AF_INET, ip)
        packed = socket.inet_pton(socket.AF_INET6, ip)
    except (OSError, ValueError):  # ValueError: a null character or a lone surrogate
        return None
    return packed[12:] if packed.startswith(MAPPED) else packed


def _bad(path: str, cause: object) -> BadSettings:
    return BadSettings(
        problems=f"loader.geo_database is {path}, which is no usable database of countries ({cause}); "
        "fetch GeoLite2-Country.mmdb again, or leave the setting empty for the shipped table"
    )


def _from_maxmind(path: str) -> CountryLookup:
    import maxminddb  # only where a database is set

    try:
        reader = maxminddb.open_database(path)
        kind = reader.metadata().database_type
        # Opening reads the metadata only; damage in the data shows at the first look inside.
        for probe in PROBES:
            reader.get(probe)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise _bad(path, error) from error
    if not any(word in kind for word in ("Country", "City", "Enterprise")):
        raise _bad(path, f"it is of the type {kind}")

    def look_up(ip: str, /) -> str | None:
        packed = _packed(ip)
        if packed is None:
            return None
        family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
        try:
            found: Any = reader.get(socket.inet_ntop(family, packed))
        except (ValueError, maxminddb.InvalidDatabaseError):
            return (
                None  # IPv6 in a database of IPv4, or a damaged spot: an unknown country, not a lost event
            )
        country = found.get("country") if isinstance(found, dict) else None
        return country.get("iso_code") if country else None

    return look_up


class Networks(NamedTuple):
    """One family: where networks start (ascending from 0), and the place of each one's country."""

    starts: "array[int]"
    codes: bytes


class Table(NamedTuple):
    """The shipped table; the first of ``countries`` is none. IPv6 starts are the upper 64 bits."""

    countries: tuple[str | None, ...]
    ipv4: Networks
    ipv6: Networks


class Header(msgspec.Struct, frozen=True):
    """The table's first line."""

    countries: tuple[str, ...]
    ipv4: int
    ipv6: int


def _bad_table(cause: object) -> BadSettings:
    return BadSettings(
        problems=f"loader.geo_database is empty, and the shipped table {SHIPPED} cannot be used ({cause}); "
        "install footfall again"
    )


def _read_table(content: bytes) -> Table:
    """Return the table in a file's content; raises ValueError or zlib.error where it is damaged."""
    line, _, data = zlib.decompress(content).partition(b"\n")
    header = msgspec.json.decode(line, type=Header)
    border = header.ipv4 * 5  # a start of 4 bytes, a country of 1
    if len(data) != border + header.ipv6 * 9:
        raise ValueError(f"{len(data)} bytes of networks")
    ipv4 = _networks("I", data[:border], header.ipv4)
    ipv6 = _networks("Q", data[border:], header.ipv6)
    if max(ipv4.codes + ipv6.codes) >= len(header.countries):
        raise ValueError("a network of an unlisted country")
    return Table(tuple(country or None for country in header.countries), ipv4, ipv6)


def _networks(kind: str, data: bytes, count: int) -> Networks:
    steps = array(kind)
    border = count * steps.itemsize
    steps.frombytes(data[:border])
    if sys.byteorder == "big":
        steps.byteswap()
    if not steps or steps[0]:
        raise ValueError("no network at the first address")
    return Networks(array(kind, accumulate(steps)), data[border:])


def _find(table: Table, packed: bytes) -> str | None:
    """Return the country of an address of 4 or 16 bytes."""
    networks, number = (table.ipv4, packed) if len(packed) == 4 else (table.ipv6, packed[:8])
    place = bisect_right(networks.starts, int.from_bytes(number)) - 1
    return table.countries[networks.codes[place]]


@cache
def _table() -> Table:
    try:
        return _read_table(SHIPPED.read_bytes())
    except (OSError, ValueError, OverflowError, zlib.error) as error:
        raise _bad_table(error) from error


def _look_up_shipped(ip: str, /) -> str | None:
    packed = _packed(ip)
    return None if packed is None else _find(_table(), packed)
