"""From the log's records to Arrow: the accepted events as they arrived, and the rejected ones.

A record that cannot be read becomes rejected rows with the reason, so that the books balance.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.arrow import ARRIVED_SCHEMA, REJECTED_SCHEMA
from footfall.core.event import Event, Rejected
from footfall.core.record import Logged, Sender
from footfall.core.times import timestamps

__all__ = ["LIFTED", "Decoded", "decode"]

LIFTED: dict[str, tuple[str, ...]] = {
    "element": ("element", "element_id", "element_clicked"),
    "value": ("value", "revenue", "total"),
    "time_spent": ("time_spent",),
    "currency": ("currency",),
    "timezone": ("timezone",),
    "country": ("country",),
    "screen": ("screen",),
    "language": ("language",),
}
"""Columns that may also come in ``properties``, and the names that they are looked up by, in order.

A field of the event itself goes first. The utm parameters stay in ``properties``, where enrichment
reads them.
"""

# Events that are objects at the same time: few enough to stay in the processor's cache and to not
# keep the garbage collector busy (measured: 1.3 times as fast as 50,000 at once).
RUN = 512
LONGEST_TEXT = 2_000
LONGEST_SECONDS = 31_536_000
NUMBERS = ("value", "time_spent")


class Decoded(NamedTuple):
    """``rows`` has ``ARRIVED_SCHEMA``, ``rejected`` has ``REJECTED_SCHEMA``."""

    rows: pa.Table
    rejected: pa.Table


def _kept_field(name: str) -> Any:
    if name == "event":
        return name, str
    if name in ("properties", "user"):
        return name, msgspec.Raw, None  # kept as the bytes that they are; None when left out
    return name, _kept_type(name), None


def _kept_type(name: str) -> Any:
    if name in ("created_at", "timestamp", "sent_at"):
        return str | int | float | None  # parsed a column at once
    return float | None if name in NUMBERS else str | None


# The door has judged the event; here it is read as it stands, fast, by the same field names.
Kept = msgspec.defstruct(
    "Kept",
    [_kept_field(name) for name in Event.__struct_fields__],
    kw_only=True,
    forbid_unknown_fields=True,
    gc=False,
)
Properties = msgspec.defstruct(
    "Properties", [(name, Any, None) for names in LIFTED.values() for name in names], gc=False
)
read_events = msgspec.json.Decoder(list[Kept]).decode  # type: ignore[valid-type]
read_rejected = msgspec.json.Decoder(list[Rejected]).decode
read_properties: Callable[[str], Any] = msgspec.json.Decoder(Properties).decode
ANY_LIFTED = '"(?:' + "|".join(name for names in LIFTED.values() for name in names) + ')"'


class Items(NamedTuple):
    """The readable items of some records, flat: the records, how many items each has, the items."""

    records: list[Logged]
    counts: list[int]
    items: list[Any]

    def add(self, logged: Logged, items: list[Any]) -> None:
        """Put one record's items at the end."""
        self.records.append(logged)
        self.counts.append(len(items))
        self.items.extend(items)

    def places(self) -> list[str]:
        """Return ``<log>-<offset>-<index>`` of each item."""
        return [
            f"{logged.log}-{logged.offset}-{index}"
            for logged, count in zip(self.records, self.counts, strict=True)
            for index in range(count)
        ]

    def spread(self) -> Callable[[str, pa.DataType], pa.Array]:
        """Return a function that gives each item a field of its record."""
        records = [logged.record for logged in self.records]
        owners = [number for number, count in enumerate(self.counts) for _ in range(count)]
        alone = len(owners) == len(records)
        index = pa.array(owners, pa.int32())

        def of_record(name: str, kind: pa.DataType) -> pa.Array:
            values = pa.array(list(map(attrgetter(name), records)), kind)
            return values if alone else values.take(index)

        return of_record


def _read(logged: Logged, read: Callable[[bytes], list[Any]]) -> list[Any] | str:
    """Return the record's items, or why they cannot be read."""
    record = logged.record
    try:
        record.body.decode()  # fields that stay raw are not looked into otherwise
        items = read(record.body)
    except (UnicodeDecodeError, msgspec.MsgspecError) as error:
        return f"the stored record could not be read: {error}"
    if len(items) != record.count:
        return f"the stored record holds {len(items)} events where its count says {record.count}"
    return items


def _unread(logged: Logged, reason: str) -> list[Rejected]:
    """Make as many rejected events as the record counts; the first keeps the bytes."""
    body = logged.record.body.decode(errors="replace")
    rest = f"see the record's first event, {logged.log}-{logged.offset}-0"
    return [
        Rejected(reasons=[reason], body=rest if index else body) for index in range(logged.record.count)
    ]


def _drain(events: list[Any], columns: dict[str, list[Any]]) -> None:
    for name, column in columns.items():
        column.extend(map(attrgetter(name), events))
    events.clear()


def _take_apart(logged: Sequence[Logged]) -> tuple[Items, dict[str, list[Any]], Items]:
    """Return the accepted records, their events' fields as columns, and the rejected items."""
    events, rejected = Items([], [], []), Items([], [], [])
    columns: dict[str, list[Any]] = {name: [] for name in Event.__struct_fields__}
    for entry in logged:
        accepted = entry.record.kind == "events"
        items = _read(entry, read_events if accepted else read_rejected)
        if isinstance(items, str):
            rejected.add(entry, _unread(entry, items))
        elif accepted:
            events.add(entry, items)
            if len(events.items) >= RUN:
                _drain(events.items, columns)
        else:
            rejected.add(entry, items)
    _drain(events.items, columns)
    return events, columns, rejected


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value if 0 < len(value) <= LONGEST_TEXT else None
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _seconds(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= LONGEST_SECONDS else None


READERS: dict[str, Callable[[Any], Any]] = {"value": _number, "time_spent": _seconds}


def _first(item: Any, names: tuple[str, ...], reader: Callable[[Any], Any]) -> Any:
    for name in names:
        value = reader(getattr(item, name))
        if value is not None:
            return value
    return None


def _lift(columns: dict[str, pa.Array], properties: pa.Array) -> None:
    """Fill what the events left out of the ``LIFTED`` columns from their properties."""
    found = pc.fill_null(pc.match_substring_regex(properties, ANY_LIFTED), False)
    rows = pc.indices_nonzero(found)
    if len(rows) == 0:
        return
    read = list(map(read_properties, properties.take(rows).to_pylist()))
    for column, names in LIFTED.items():
        reader = READERS.get(column, _text)
        values = [_first(item, names, reader) for item in read]
        if any(value is not None for value in values):
            lifted = pa.array(values, columns[column].type)
            filled = pc.replace_with_mask(pa.nulls(len(found), lifted.type), found, lifted)
            columns[column] = pc.coalesce(columns[column], filled)


def _json_texts(raws: Iterable[msgspec.Raw | None]) -> pa.Array:
    texts = pa.array([None if raw is None else bytes(raw) for raw in raws], pa.string())
    if pc.any(pc.equal(texts, "null")).as_py():
        return pc.if_else(pc.equal(texts, "null"), pa.scalar(None, pa.string()), texts)
    return texts


def _rows(found: Items, values: dict[str, list[Any]]) -> pa.Table:
    of_record = found.spread()
    text, time = pa.string(), pa.timestamp("us")
    columns: dict[str, pa.Array] = {}
    for field in ARRIVED_SCHEMA:
        if field.name in values and field.type != time and field.name != "properties":
            columns[field.name] = pa.array(values[field.name], field.type)
    if columns["event_id"].null_count:
        columns["event_id"] = pc.coalesce(columns["event_id"], pa.array(found.places(), text))
    columns["created_at"] = pc.coalesce(timestamps(values["created_at"]), timestamps(values["timestamp"]))
    columns["sent_at"] = timestamps(values["sent_at"])
    columns["properties"] = _json_texts(values["properties"])
    columns["user_properties"] = _json_texts(values["user"])
    _lift(columns, columns["properties"])
    columns["app_id"] = of_record("app_id", text)
    columns["origin"] = of_record("origin", text)
    columns["received_at"] = of_record("received_at", pa.int64()).cast(time)
    own_address = columns["ip"].is_valid()  # then the sender is a server, and its country means nothing
    nowhere = pa.scalar(None, text)
    columns["ip_country"] = pc.if_else(own_address, nowhere, of_record("sender.country", text))
    columns["ip"] = pc.coalesce(columns["ip"], of_record("sender.ip", text))
    columns["visitor_hash"] = of_record("sender.visitor_hash", text)
    for name in ("user_agent", "language"):
        columns[name] = pc.coalesce(columns[name], of_record(f"sender.{name}", text))
    nothing = {name: pa.nulls(sum(found.counts), kind) for name, kind in LOG_COLUMNS}
    return pa.Table.from_arrays(
        [columns[name] if name in columns else nothing[name] for name in ARRIVED_SCHEMA.names],
        schema=ARRIVED_SCHEMA,
    )


LOG_COLUMNS = [(name, ARRIVED_SCHEMA.field(name).type) for name in ("method", "status", "bytes", "object")]


def _rejected(found: Items) -> pa.Table:
    items: list[Rejected] = found.items
    of_record = found.spread()
    return pa.Table.from_arrays(
        [
            pa.array(found.places(), pa.string()),
            of_record("app_id", pa.string()),
            pa.array([item.event_id for item in items], pa.string()),
            of_record("received_at", pa.int64()).cast(pa.timestamp("us")),
            of_record("origin", pa.string()),
            pa.array([item.reasons for item in items], pa.list_(pa.string())),
            pa.array([item.body for item in items], pa.string()),
            *(of_record(f"sender.{name}", pa.string()) for name in Sender.__struct_fields__),
            pa.nulls(len(items), pa.string()),
        ],
        schema=REJECTED_SCHEMA,
    )


def decode(logged: Sequence[Logged]) -> Decoded:
    """Return the records' events and rejected events, in the order of the records.

    An event without ``event_id`` gets ``<log>-<offset>-<index>``, the same whenever it is read; so
    does each rejected event. A record that cannot be read (damage, a form that this version does
    not know) gives as many rejected rows as it counts.
    """
    events, columns, rejected = _take_apart(logged)
    return Decoded(_rows(events, columns), _rejected(rejected))
