"""The table of countries that the batch ETL joins: made from ``core/reference``, shipped beside the job."""

import csv
from pathlib import Path

from footfall.core.reference import countries

__all__ = ["write_countries"]


def write_countries(path: Path) -> None:
    """Write every word that stands for a country, with its code, name and continent, as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(("word", "alpha2", "name", "continent"))
        for country in countries():
            words = {country.alpha2, country.alpha3, country.m49, country.name, *country.also}
            for word in sorted({each.upper() for each in words}):
                out.writerow((word, country.alpha2, country.name, country.continent))
