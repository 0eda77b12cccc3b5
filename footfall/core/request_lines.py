"""Requests of access logs as JSON lines: the columns of the mart's ``log_requests``, whatever they were in.

What the Glue job of ``infra/glue/access_logs.py`` writes to MySQL as it stands.
"""

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.mart import LOG_REQUESTS

__all__ = ["request_lines"]

NAME_LENGTH = 200  # of a ``name`` column
COLUMNS = {"requested_at": "created_at"}  # the other names are the events' own

_Request = msgspec.defstruct(
    "_Request",
    [(column.name, object, None) for column in LOG_REQUESTS.columns],
    omit_defaults=True,
    gc=False,
)
_write = msgspec.json.Encoder().encode_lines


def request_lines(rows: pa.Table) -> tuple[bytes, int]:
    """Return the requests among rows of events (``EVENTS_SCHEMA``), a line each, and how many they are.

    A row without object and method is no request. Times are UTC as MySQL reads them, nulls are left out.
    """
    asked = rows.filter(pc.or_(pc.is_valid(rows["object"]), pc.is_valid(rows["method"])))
    columns = []
    for column in LOG_REQUESTS.columns:
        values = asked[COLUMNS.get(column.name, column.name)]
        if column.kind == "moment":
            values = pc.strftime(values, format="%Y-%m-%d %H:%M:%S")
        elif column.kind == "name":
            values = pc.utf8_slice_codeunits(values, 0, NAME_LENGTH)
        columns.append(values.to_pylist())
    return _write(list(map(_Request, *columns))), asked.num_rows
