"""One block of an import to rows: access-log lines by column, tables and JSON lines through intake.

Every line of a block ends in ``rows`` or in ``rejected``; the latter name the file and the line.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from footfall.core.accesslog.arrived import LineRules, arrive, event_ids
from footfall.core.accesslog.fields import LogFormat
from footfall.core.arrow import ARRIVED_SCHEMA, REJECTED_SCHEMA
from footfall.core.decode import decode
from footfall.core.delimited import BOM, Table, records, row_of
from footfall.core.event import Rejected
from footfall.core.field_names import event_of
from footfall.core.intake import DEFAULT_APP, Policy, take
from footfall.core.record import AppId, Logged, Offset, Record, Sender
from footfall.core.scrub import ScrubPlan, hashed, scrub_text
from footfall.core.scrub.fields import scrub_field
from footfall.core.sender import cut_ip, visitor_hash, visitor_hasher
from footfall.ports import CountryLookup
from footfall.services.imports.blocks import KEPT_BYTES, LINE_BYTES, Block

__all__ = [
    "BEGINNING_KEPT",
    "FileContext",
    "Header",
    "ImportRules",
    "Read",
    "RowReader",
    "csv_rows",
    "log_rows",
    "ndjson_rows",
]

REMEMBERED = 1 << 14  # values whose masks are kept between blocks; more of them only take memory
BEGINNING_KEPT = "only its beginning is kept"
ITEMS = 2_000  # events of one intake: one bad event sends no more than these the slower way

_write_json = msgspec.json.Encoder().encode
_read_json = msgspec.json.Decoder().decode
_read_rejected = msgspec.json.Decoder(list[Rejected]).decode


@dataclass(frozen=True)
class ImportRules:
    """Whose rows they are and what is masked in them.

    All rows are of ``app_id``, whatever they say; only into "default" do events bring their own.
    ``salt_of`` gives the salt of a day for visitor hashes.
    """

    app_id: AppId
    plan: ScrubPlan
    salt_of: Callable[[date], bytes]
    country_of: CountryLookup


class Header(msgspec.Struct, frozen=True):
    """A table's column names and delimiter, kept with its rejected lines so that they can be retried."""

    names: list[str]
    delimiter: str


class FileContext(NamedTuple):
    """What the rows of one file share: how they came, and the file's name for reasons."""

    rules: ImportRules
    origin: str
    name: str
    header: str | None = None  # a Header as JSON; of a log, the line that names its fields


class Read(NamedTuple):
    """A block as rows: ``ARRIVED_SCHEMA`` and ``REJECTED_SCHEMA``; ``latin1`` lines were no UTF-8.

    ``unique`` says that every row's id is made from its place in the content, which is read once.
    """

    rows: pa.Table
    rejected: pa.Table
    latin1: int = 0
    unique: bool = False


RowReader = Callable[[Block, int], Read]
"""Reads a block, received at UTC microseconds since 1970."""


class Bad(NamedTuple):
    """A line that is rejected: its byte and number in the block."""

    offset: int
    line: int
    body: str
    reasons: Sequence[str]
    app_id: str | None = None
    event_id: str | None = None
    header: str | None = None


class Item(NamedTuple):
    """A line that holds JSON: an event, in the contract's names."""

    offset: int
    line: int
    event: Any  # an object, unless the sender wrote something else


def log_rows(format: LogFormat, context: FileContext) -> RowReader:
    """Return the reader of an access log's blocks, which must come in their order.

    ``context.header`` names the fields of the first lines, where the format has such lines.
    """
    rules = line_rules(context.rules)
    header = context.header

    def read(block: Block, received_at: int) -> Read:
        nonlocal header
        if block.too_long:
            return _too_long(block, context._replace(header=header), received_at)
        parsed = format.parse(block.data, header)
        header = parsed.header
        ids = event_ids(parsed, block.contents)
        first = parsed.rows.slice(0, 1)
        if block.resumed and first["offset"].to_pylist() == [0] and first["id"].null_count:
            ids = pa.concat_arrays([pa.array([block.line_id(0)]), ids.slice(1)])
        rows = arrive(
            parsed,
            ids,
            app_id=context.rules.app_id,
            origin=context.origin,
            received_at=received_at,
            rules=rules,
        )
        bad = [
            Bad(
                line.offset,
                line.line,
                line.body[:KEPT_BYTES].decode(errors="replace"),
                line.reasons,
                header=line.header,
            )
            for line in parsed.refused
        ]
        unique = parsed.rows["id"].null_count == len(parsed.rows) and not block.may_come_again
        return Read(rows, _rejected(bad, block, context, received_at), unique=unique)

    return read


def line_rules(rules: ImportRules) -> LineRules:
    """Return the masks of an access log's personal parts; each remembers what it has seen."""
    plan = rules.plan

    @lru_cache(REMEMBERED)
    def url(text: str) -> str:
        return scrub_text(text, "url", plan)

    @lru_cache(REMEMBERED)
    def agent(value: str) -> str:
        return scrub_text(value, "agent", plan)

    def text(value: str) -> str:
        return scrub_text(value, "text", plan)

    @lru_cache(4_096)
    def person(name: str) -> str:
        return hashed("login", name, plan.key)

    @lru_cache(REMEMBERED)
    def named_one(name: str, value: str) -> str | None:
        masked = scrub_field({name: value}, "properties", plan)
        return str(masked[name]) if name in masked else None

    def named(name: str, values: Sequence[str]) -> list[str | None]:
        return [named_one(name, value) for value in values]

    return LineRules(
        urls=lambda values: list(map(url, values)),
        agents=lambda values: list(map(agent, values)),
        texts=lambda values: list(map(text, values)),
        network=lru_cache(REMEMBERED)(cut_ip),
        country=lru_cache(REMEMBERED)(rules.country_of),
        visitors=lru_cache(512)(lambda day: visitor_hasher(rules.app_id, rules.salt_of(day))),
        person=person,
        named=named,
    )


def ndjson_rows(context: FileContext) -> RowReader:
    """Return the reader of blocks of JSON lines."""

    def read(block: Block, received_at: int) -> Read:
        if block.too_long:
            return _too_long(block, context, received_at)
        return _taken(_json_items(block), block, context, received_at)

    return read


def _json_items(block: Block) -> Iterator[Item | Bad]:
    data = block.data.removeprefix(BOM) if block.offset == 0 else block.data
    offset = len(block.data) - len(data)
    for number, line in enumerate(data.split(b"\n")):
        if line.strip():
            value, why = _decoded(line)
            # A file begins at byte 0, byte order mark or not.
            place = offset if number else 0
            if why:
                yield Bad(place, number, line[:KEPT_BYTES].decode(errors="replace"), [why])
            else:
                yield Item(place, number, event_of(value) if isinstance(value, dict) else value)
        offset += len(line) + 1


def _decoded(line: bytes) -> tuple[Any, str | None]:
    """Return one line's value, or why it has none."""
    try:
        return _read_json(line), None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return None, f"it is not JSON: {error}"
    except RecursionError:
        return None, "it nests too deep to be read"


def csv_rows(table: Table, context: FileContext) -> RowReader:
    """Return the reader of blocks of delimited rows below the header ``table``."""
    names = [scrub_text(name, "text", context.rules.plan) for name in table.names]
    context = context._replace(header=_write_json(Header(names, table.delimiter)).decode())

    def rows(block: Block, received_at: int) -> Read:
        if block.too_long:
            return _too_long(block, context, received_at)
        read = _taken(_csv_items(table, block), block, context, received_at)
        return read._replace(latin1=_not_utf8(block.data))

    return rows


def _csv_items(table: Table, block: Block) -> Iterator[Item | Bad]:
    begin, lines = (table.header_bytes, table.header_lines) if block.offset == 0 else (0, 0)
    data = block.data[begin:]
    for record in records(data, table.delimiter):
        place = record.offset + begin, record.line + lines
        reasons = record.reasons or _ragged(table, record.cells)
        if reasons:
            end = data.find(b"\n", record.offset)
            text = data[record.offset : end if end >= 0 else len(data)][:KEPT_BYTES]
            yield Bad(*place, text.decode(errors="replace"), reasons)
        else:
            yield Item(*place, event_of(row_of(table, record.cells)))


def _not_utf8(data: bytes) -> int:
    """Count the lines that had to be read as Latin-1."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return sum(line.decode(errors="replace").encode() != line for line in data.split(b"\n"))
    return 0


def _ragged(table: Table, cells: list[str]) -> tuple[str, ...]:
    if len(cells) == len(table.names) or (len(cells) == len(table.names) + 1 and not cells[-1]):
        return ()
    return (f"it has {len(cells)} cells where the header has {len(table.names)}",)


def _taken(entries: Iterator[Item | Bad], block: Block, context: FileContext, received_at: int) -> Read:
    """Put events through the same intake as the collector's, so that the same rules hold."""
    rules = context.rules
    own_apps = rules.app_id == DEFAULT_APP
    policy = Policy(app_id=None if own_apps else rules.app_id, plan=rules.plan)
    salt = rules.salt_of(datetime.fromtimestamp(received_at / 1_000_000, UTC).date())
    logged: list[Logged] = []
    bad: list[Bad] = []
    while some := list(islice(entries, ITEMS)):
        part = [entry for entry in some if isinstance(entry, Item)]
        bad += [entry for entry in some if isinstance(entry, Bad)]
        if not part:
            continue
        taken = take(
            _write_json([_completed(item, block, own_apps=own_apps) for item in part]),
            policy=policy,
            origin=context.origin,
            received_at=received_at,
            sender=Sender(),
            country_of=rules.country_of,
            visitor_of=lambda ip, agent: visitor_hash(rules.app_id, ip, agent, salt),
        )
        for record in taken.records:
            if record.kind == "events":
                logged.append(Logged(block.position, Offset(block.end), record))
            else:
                bad += _refused(record, part)
    rows = decode(logged).rows if logged else ARRIVED_SCHEMA.empty_table()
    return Read(rows, _rejected(bad, block, context, received_at))


def _completed(item: Item, block: Block, *, own_apps: bool) -> Any:
    """Return the event with an id, made from its place when it has none, and no app of its own."""
    if not isinstance(item.event, dict):
        return item.event
    if not own_apps:
        item.event.pop("app_id", None)
    if item.event.get("event_id") in {None, ""}:
        item.event["event_id"] = block.line_id(item.offset)
    return item.event


def _refused(record: Record, items: list[Item]) -> Iterator[Bad]:
    for refused in _read_rejected(record.body):
        item = items[refused.index]
        yield Bad(item.offset, item.line, refused.body, refused.reasons, record.app_id, refused.event_id)


def _too_long(block: Block, context: FileContext, received_at: int) -> Read:
    why = f"it is longer than {LINE_BYTES} bytes; {BEGINNING_KEPT}"
    bad = [Bad(0, 0, block.data.decode(errors="replace"), [why])]
    return Read(ARRIVED_SCHEMA.empty_table(), _rejected(bad, block, context, received_at))


def _rejected(bad: list[Bad], block: Block, context: FileContext, received_at: int) -> pa.Table:
    """Return rejected rows: where each line stands, why it was refused, and its scrubbed text."""
    bad = sorted(bad, key=lambda line: line.offset)
    count = len(bad)
    columns = [
        [block.line_id(line.offset) for line in bad],
        [line.app_id or context.rules.app_id for line in bad],
        [line.event_id for line in bad],
        [received_at] * count,
        [context.origin] * count,
        [
            [f"line {block.line + line.line} of {context.name}: {why}" for why in line.reasons]
            for line in bad
        ],
        [scrub_text(line.body, "text", context.rules.plan) for line in bad],
        *([None] * count for _ in Sender.__struct_fields__),
        [line.header or context.header for line in bad],
    ]
    return pa.Table.from_arrays(
        [pa.array(values, field.type) for values, field in zip(columns, REJECTED_SCHEMA, strict=True)],
        schema=REJECTED_SCHEMA,
    )
