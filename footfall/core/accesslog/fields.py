"""What every access-log format is parsed into, and what a format has to offer.

No format and no personal-data rule lives here: ``arrived`` masks what the lines still hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

import pyarrow as pa

__all__ = [
    "LINE_SCHEMA",
    "Extra",
    "ExtraKind",
    "LogFormat",
    "Parse",
    "Parsed",
    "Refused",
    "line_table",
    "words",
]

ExtraKind = Literal["number", "code", "text"]
"""``number`` is written as one where it is one; ``code`` is made by the server and passes unmasked
while it has the look of a code; ``text`` may hold what a client wrote, and is masked."""

LINE_SCHEMA = pa.schema(
    [
        pa.field("line", pa.int64(), nullable=False),  # number of the line in its block, from 0
        pa.field("offset", pa.int64(), nullable=False),  # byte in the block where the line starts
        pa.field("created_at", pa.timestamp("us"), nullable=False),
        pa.field("ip", pa.dictionary(pa.int32(), pa.string())),  # whole: personal
        pa.field("user", pa.dictionary(pa.int32(), pa.string())),  # as the server wrote it: personal
        pa.field("method", pa.dictionary(pa.int32(), pa.string())),
        pa.field("target", pa.dictionary(pa.int32(), pa.string())),  # path and query as on the line
        pa.field("status", pa.int64()),
        pa.field("bytes", pa.int64()),
        pa.field("referrer", pa.dictionary(pa.int32(), pa.string())),
        pa.field("user_agent", pa.dictionary(pa.int32(), pa.string())),
        pa.field("note", pa.dictionary(pa.int32(), pa.string())),  # a request that is no HTTP, as text
        pa.field("object", pa.dictionary(pa.int32(), pa.string())),  # the file, where not the target's path
        pa.field("id", pa.string()),  # the request's own id; no other line may have it
    ]
)


class Extra(NamedTuple):
    """What a line tells and no column holds, one value a row, whole: it may be personal."""

    kind: ExtraKind
    values: pa.DictionaryArray


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is not of the format: its number and byte in the block, its bytes, every reason.

    ``header`` is the line that named its fields, where the format has one.
    """

    line: int
    offset: int
    body: bytes
    reasons: tuple[str, ...]
    header: str | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """A block's lines: ``rows`` has ``LINE_SCHEMA`` in their order. Blank lines are in neither.

    ``extra`` has one value per row under each documented name; ``header`` is the line that names the
    fields of what follows the block, where the format has one. ``keyed`` rows tell their ``object``
    apart from the target.
    """

    rows: pa.Table
    refused: tuple[Refused, ...] = ()
    extra: Mapping[str, Extra] = field(default_factory=dict)
    header: str | None = None
    keyed: bool = False


class Parse(Protocol):
    """Reads a block of a log."""

    def __call__(self, block: bytes, header: str | None = None, /) -> Parsed:
        """Take whole lines (the last newline may be missing) below the fields named by ``header``.

        Never raises on what they hold.
        """
        ...


@dataclass(frozen=True, slots=True)
class LogFormat:
    """One access-log format.

    ``headed`` formats name their fields in lines that begin with ``#``; ``json`` ones are an object
    a line.
    """

    name: str
    title: str
    example: str
    parse: Parse
    headed: bool = False
    json: bool = False


def line_table(columns: dict[str, object], count: int) -> pa.Table:
    """Return ``LINE_SCHEMA`` of ``count`` rows; what ``columns`` lacks is null."""
    arrays = []
    for declared in LINE_SCHEMA:
        values = columns.get(declared.name)
        if values is None:
            arrays.append(pa.nulls(count, declared.type))
        elif isinstance(values, pa.Array):
            arrays.append(values if values.type == declared.type else values.cast(declared.type))
        elif pa.types.is_dictionary(declared.type):
            arrays.append(pa.array(values, pa.string()).dictionary_encode())
        else:
            arrays.append(pa.array(values, declared.type))
    return pa.Table.from_arrays(arrays, schema=LINE_SCHEMA)


def words(text: str) -> list[str]:
    """Return names written one after the other, as the documentation and ``#Fields`` lines have them."""
    return text.split()
