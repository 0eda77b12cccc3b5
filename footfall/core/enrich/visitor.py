"""Who is counted."""

from hashlib import blake2b

import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.enrich.distinct import distinct, pairs

__all__ = ["visitor_column"]


def _nobody(app_and_day: tuple[str, int]) -> str:
    app_id, day = app_and_day
    return blake2b(f"{app_id}\n{day}".encode(), digest_size=8, person=b"nobody").hexdigest()


def visitor_column(columns: dict[str, pa.Array]) -> pa.Array:
    """Return ``user_id``, else ``anonymous_id``, else ``visitor_hash``.

    Events with none of them (imports without any person) share one visitor per app and day of
    receipt, so that they are counted as one rather than not at all.
    """
    known = pc.coalesce(columns["user_id"], columns["anonymous_id"], columns["visitor_hash"])
    if known.null_count == 0:
        return known
    days = columns["received_at"].cast(pa.date32(), safe=False).cast(pa.int32())
    nobody = pairs(distinct(columns["app_id"]), distinct(days)).map(_nobody, pa.string())
    return pc.coalesce(known, nobody)
