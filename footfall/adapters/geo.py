"""The country of an address: from a MaxMind database, or from the table of the package geoip2fast.

The collector looks every sender up before the address is cut, so nothing heavy is loaded here.
"""

import gzip
import pickle
import socket
from array import array
from bisect import bisect_right
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import maxminddb

from footfall.errors import BadSettings
from footfall.ports import CountryLookup

__all__ = ["open_country_lookup"]

SHIPPED = "geoip2fast-ipv6.dat.gz"
MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, an IPv4 address written as IPv6
NO_COUNTRY = frozenset({"EU", "AP"})  # a region, in old allocations
PROBES = ("1.1.1.1", "81.2.69.142", "200.1.1.1")


def open_country_lookup(path: str) -> CountryLookup:
    """Return a function from an address to alpha-2 in upper case, or None.

    ``path`` is a MaxMind database (Country or City, GeoLite2 too); empty is the shipped table, which
    is read (0.2 s, 30 MB) at the first look-up. Private, reserved and unknown addresses, and what is
    no address, have no country. Raises BadSettings when the file is missing, damaged or of another
    kind.
    """
    if path:
        return _from_maxmind(path)
    _shipped_file()
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


class Ranges(NamedTuple):
    """Networks in ascending order: IPv4 starts as numbers, IPv6 starts as 16 bytes each, in one."""

    starts4: "array[int]"
    starts6: bytes
    lengths: bytes
    codes: "array[int]"
    countries: tuple[str | None, ...]


def _shipped_file() -> Path:
    # Found without importing the package, which would load its 5 MB table into 40 MB of lists.
    spec = find_spec("geoip2fast")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / SHIPPED).is_file():
            return Path(folder) / SHIPPED
    raise BadSettings(
        problems=f"loader.geo_database is empty, and the package geoip2fast with {SHIPPED} is not installed"
    )


@cache
def _ranges() -> Ranges:
    """Read the table into packed arrays, a fraction of the package's own lists of numbers."""
    path = _shipped_file()
    with gzip.open(path) as file:
        content = pickle.load(file)  # noqa: S301 (a file of an installed package, as safe as its code)
    try:
        _, names, starts, codes, lengths = content[3]
        starts4: array[int] = array("I")
        starts6 = bytearray()
        all_codes: array[int] = array("H")
        all_lengths = bytearray()
        for start_run, code_run, length_run in zip(starts, codes, lengths, strict=True):
            border = len(start_run) if start_run[-1] < 1 << 32 else _border(start_run)
            starts4.extend(start_run[:border])
            starts6 += b"".join([start.to_bytes(16) for start in start_run[border:]])
            all_codes.extend(code_run)
            all_lengths += bytes(length_run)
    except (IndexError, TypeError, ValueError, OverflowError) as error:
        raise _bad(str(path), f"not in the form of geoip2fast 1.2: {error}") from error
    words = [name.split(":")[0] for name in names]
    countries = tuple(
        word if len(word) == 2 and word.isalpha() and word not in NO_COUNTRY else None for word in words
    )
    return Ranges(starts4, bytes(starts6), bytes(all_lengths), all_codes, countries)


def _border(starts: list[int]) -> int:
    return next(number for number, start in enumerate(starts) if start >= 1 << 32)


def _look_up_shipped(ip: str, /) -> str | None:
    packed = _packed(ip)
    if packed is None:
        return None
    ranges = _ranges()
    first = len(ranges.starts4)
    if len(packed) == 4:
        address = int.from_bytes(packed)
        place = bisect_right(ranges.starts4, address) - 1
        bits, start = 32, ranges.starts4[place] if place >= 0 else 0
    else:
        address = int.from_bytes(packed)
        starts6 = ranges.starts6
        count = len(starts6) // 16
        found = bisect_right(range(count), packed, key=lambda n: starts6[n * 16 : n * 16 + 16]) - 1
        place = first + found if found >= 0 else -1
        bits, start = 128, int.from_bytes(starts6[found * 16 : found * 16 + 16]) if found >= 0 else 0
    if place < 0 or (address - start) >> (bits - ranges.lengths[place]):
        return None
    return ranges.countries[ranges.codes[place]]
