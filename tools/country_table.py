"""Make the shipped table of countries from ranges of addresses in CSV (asn-country of ip-location-db).

Usage: python tools/country_table.py ipv4.csv ipv6.csv footfall/adapters/geo_data/countries.z
The files to read are ``package/asn-country-ipv4-num.csv`` and ``package/asn-country-ipv6-num.csv`` of
``npm pack @ip-location-db/asn-country@2.3.2026061719``. Say a newer date in SOURCE.txt beside the table.

Each line is first address, last address (numbers or text; the last belongs to the range), alpha-2. What
the table holds instead: per family the starts of networks, ascending from 0, each with one byte for its
country up to the next start; 0 is no country. IPv6 is cut to the upper 64 bits. Networks that IANA
keeps for special purposes get no country, whatever the CSV says. Written are a line of JSON
(``{"countries": [...], "ipv4": n, "ipv6": n}``), then for IPv4 and IPv6 the distance of each start to
the one before (32 and 64 bits, little-endian) and the bytes of the countries; all of it in zlib.
"""

import csv
import itertools
import json
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

REFERENCE = Path(__file__).parents[1] / "footfall" / "core" / "reference" / "countries.csv"
KOSOVO = "XK"  # user-assigned, so not in the reference, but known to it
NOWHERE = ""

# IANA's registries of special-purpose addresses (RFC 6890), multicast and what is kept for the future.
# IPv6: all that is not global unicast (2000::/3), protocol assignments, documentation, 6to4.
SPECIAL4 = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
    *("203.0.113.0/24", "224.0.0.0/3"),
]
SPECIAL6 = ["::/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "4000::/2", "8000::/1"]

Range = tuple[int, int, str]  # first, last, alpha-2
Start = tuple[int, str]


def read_ranges(path: Path, known: set[str], cut: int) -> Iterator[Range]:
    """Yield the ranges of a file without their lowest ``cut`` bits, in the file's order.

    Ends with a message where a line is unknown: another country, out of order, or not on the border
    of a network of the kept bits.
    """
    after = 0
    with path.open(encoding="ascii", newline="") as file:
        for number, (first_text, last_text, country) in enumerate(csv.reader(file), start=1):
            first, last = as_number(first_text), as_number(last_text)
            low = (1 << cut) - 1
            if country not in known or not after <= first <= last or first & low or ~last & low:
                sys.exit(f"{path}, line {number}: not taken: {first_text},{last_text},{country}")
            after = last + 1
            yield first >> cut, last >> cut, country


def as_number(text: str) -> int:
    """Return an address as a number, whichever way it is written."""
    return int(text) if text.isdigit() else int(ip_address(text))


def special_ranges(networks: Iterable[str], cut: int) -> list[Range]:
    """Return networks as ranges of no country."""
    found = [ip_network(network) for network in networks]
    return [
        (int(network.network_address) >> cut, int(network.broadcast_address) >> cut, NOWHERE)
        for network in found
    ]


def starts_of(ranges: list[Range], special: list[Range], end: int) -> list[Start]:
    """Return where the country changes, from 0 up to before ``end``; special ranges win."""
    borders = sorted({0} | {border for first, last, _ in ranges + special for border in (first, last + 1)})
    starts: list[Start] = []
    given, kept = iter(sorted(ranges)), iter(sorted(special))
    here, closed = next(given, None), next(kept, None)
    for border in itertools.takewhile(lambda border: border < end, borders):
        while here and here[1] < border:
            here = next(given, None)
        while closed and closed[1] < border:
            closed = next(kept, None)
        country = here[2] if here and here[0] <= border else NOWHERE
        if closed and closed[0] <= border:
            country = NOWHERE
        if not starts or starts[-1][1] != country:
            starts.append((border, country))
    return starts


def pack(ipv4: list[Start], ipv6: list[Start]) -> bytes:
    """Return the table's file."""
    countries = [NOWHERE, *sorted({country for _, country in ipv4 + ipv6} - {NOWHERE})]
    index = {country: number for number, country in enumerate(countries)}
    header = {"countries": countries, "ipv4": len(ipv4), "ipv6": len(ipv6)}
    parts = [json.dumps(header).encode() + b"\n"]
    for kind, starts in (("I", ipv4), ("Q", ipv6)):
        numbers = [start for start, _ in starts]
        steps = array(kind, [numbers[0], *(b - a for a, b in itertools.pairwise(numbers))])
        if sys.byteorder == "big":
            steps.byteswap()
        parts += [steps.tobytes(), bytes(index[country] for _, country in starts)]
    return zlib.compress(b"".join(parts), 9)


def main(ipv4: Path, ipv6: Path, target: Path) -> None:
    """Read both families, write the table and say how large it became."""
    with REFERENCE.open(encoding="utf-8", newline="") as file:
        known = {row["alpha2"] for row in csv.DictReader(file)} | {KOSOVO}
    starts4 = starts_of(list(read_ranges(ipv4, known, 0)), special_ranges(SPECIAL4, 0), 1 << 32)
    starts6 = starts_of(list(read_ranges(ipv6, known, 64)), special_ranges(SPECIAL6, 64), 1 << 64)
    content = pack(starts4, starts6)
    target.write_bytes(content)
    sys.stdout.write(f"{len(starts4)} IPv4 and {len(starts6)} IPv6 starts in {len(content)} bytes\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
