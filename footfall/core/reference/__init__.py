"""Reference tables that are shipped with the package, each read once: countries, traffic sources, ads.

The tables are the CSV files beside this module; what they mean and where they come from is said here.
"""

import csv
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

__all__ = [
    "ClickId",
    "Country",
    "Source",
    "click_ids",
    "continent_of",
    "countries",
    "country_code",
    "source_of_host",
    "source_of_word",
]

# User-assigned in ISO 3166-1, so not among the 249, but given out by every IP database.
KOSOVO = "XK"


class Country(NamedTuple):
    """One of the 249 entries of ISO 3166-1.

    ``m49`` is the UN M49 number, zero padded to three digits (Taiwan, which M49 does not list, has
    its ISO number); ``continent`` follows GeoNames, as IP databases do; ``also`` are further names.
    """

    alpha2: str
    alpha3: str
    m49: str
    name: str
    continent: str
    also: tuple[str, ...]


class Source(NamedTuple):
    """Where traffic comes from: ``category`` is search, social, video, shopping, ai or email."""

    category: str
    name: str


class ClickId(NamedTuple):
    """A query parameter that an ad network or a site adds to links, and the traffic that it tells of."""

    parameter: str
    source: str
    medium: str


def _rows(name: str) -> Iterator[dict[str, str]]:
    # The csv module keeps "NA" a string: Namibia and North America are not missing values.
    with (files(__name__) / name).open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


@cache
def countries() -> tuple[Country, ...]:
    """Return all 249 countries in the order of their English names."""
    return tuple(
        Country(
            row["alpha2"],
            row["alpha3"],
            row["m49"],
            row["name"],
            row["continent"],
            tuple(name for name in row["also"].split("|") if name),
        )
        for row in _rows("countries.csv")
    )


@cache
def _codes() -> dict[str, str]:
    codes = {KOSOVO.casefold(): KOSOVO, "kosovo": KOSOVO}
    for country in countries():
        numbers = (country.m49, str(int(country.m49)))
        words = (country.alpha2, country.alpha3, country.name, *numbers, *country.also)
        codes.update((word.casefold(), country.alpha2) for word in words)
    return codes


@cache
def _continents() -> dict[str, str]:
    return {KOSOVO: "EU"} | {country.alpha2: country.continent for country in countries()}


def country_code(word: str) -> str | None:
    """Return the alpha-2 code for alpha-2, alpha-3, UN M49 number or English name, in any case."""
    return _codes().get(" ".join(word.split()).casefold())


def continent_of(code: str) -> str | None:
    """Return AF, AN, AS, EU, NA, OC or SA for an alpha-2 code in upper case; None when unknown."""
    return _continents().get(code)


@cache
def _sources() -> dict[str, Source]:
    """Read sources.csv into one table by match.

    A match is a word (google), a host with its subdomains (t.co), a host under any public suffix
    (google.*), or the same with subdomains (*.amazon.*). The table is ours,
    after the categories that Google publishes for GA4's default channel group
    (support.google.com/analytics/answer/9756891).
    """
    table: dict[str, Source] = {}
    for row in _rows("sources.csv"):
        source = Source(row["category"], row["source"])
        table.setdefault(source.name, source)
        for match in row["matches"].split():
            table[match] = source
    return table


@cache
def click_ids() -> dict[str, ClickId]:
    """Return the click ids by parameter, in order of precedence.

    Facebook, Instagram and Pinterest mark every outbound link, paid or not, so theirs are read as
    social traffic; the others are put on ads only.
    """
    return {row["parameter"]: ClickId(**row) for row in _rows("click_ids.csv")}


def _without_suffix(labels: list[str]) -> list[str]:
    """Cut the public suffix, well enough for the hosts in our table: de, com, co.uk, com.br."""
    second_level = {"co", "com", "org", "net", "edu", "gov", "ac"}
    country_style = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in second_level
    return labels[: -2 if country_style else -1]


def source_of_host(host: str) -> Source | None:
    """Return the known source behind a host (lower case, without www. and port), else None."""
    table = _sources()
    labels = host.split(".")
    for start in range(len(labels) - 1):
        if found := table.get(".".join(labels[start:])):
            return found
    stem = _without_suffix(labels)
    if len(stem) == 1:
        return table.get(f"{stem[0]}.*") or table.get(f"*.{stem[0]}.*")
    return table.get(f"*.{stem[-1]}.*") if stem else None


def source_of_word(word: str) -> Source | None:
    """Return the known source that a ``utm_source`` names, as a word or as a host; else None."""
    lowered = word.strip().lower().removeprefix("www.")
    return source_of_host(lowered) if "." in lowered else _sources().get(lowered)
