"""Country and continent: the client's own word first, else what the IP address told."""

import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.enrich.distinct import distinct
from footfall.core.reference import continent_of, country_code

__all__ = ["place_columns"]


def place_columns(country: pa.Array, ip_country: pa.Array) -> dict[str, pa.Array]:
    """Return ``country`` (alpha-2) and ``continent``; null where neither column is understood.

    ``country`` may be alpha-2, alpha-3, an UN M49 number or an English name, in any case.
    """
    told = distinct(country).map(country_code, pa.string())
    seen = distinct(ip_country).map(country_code, pa.string())
    code = pc.coalesce(told, seen)
    return {"country": code, "continent": distinct(code).map(continent_of, pa.string())}
