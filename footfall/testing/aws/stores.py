"""What the stores of an emulation hold, each compared with what the embedded path made of it."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from opensearchpy.helpers import scan

from footfall.adapters.aws.opensearch import search_client
from footfall.core.dead_letter import DeadLetter
from footfall.core.mart import LOG_REQUESTS
from footfall.core.search_index import ALIAS
from footfall.testing.aws.account import Account
from footfall.testing.aws.comparison import OWN, Compared, as_document, as_item, by_id, compare
from footfall.testing.aws.embedded import Embedded
from footfall.testing.aws.installation import Emulated
from footfall.testing.aws.log_path import DATABASE
from footfall.testing.aws.sample import FORBIDDEN, Sample
from footfall.testing.aws.workflow import Workflow
from footfall.testing.mariadb import MariaDB

__all__ = ["POISON", "Stores", "compare_all"]

POISON = b"\xffnot a record of ours"
MOST_LETTERS = 1_000_000
HELD_SECONDS = 600
WAYS = ("native", "workflow")  # that events come by

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Stores:
    """Where to look."""

    account: Account
    events: Emulated
    workflow: Workflow
    mysql: MariaDB


def compare_all(sample: Sample, wanted: Embedded, stores: Stores) -> Sequence[Compared]:
    """Return a line for each store."""
    events = by_id(wanted.events)
    rows = pa.concat_tables(pq.read_table(io.BytesIO(each)) for each in stores.events.lake_files())
    lake = by_id(_first_of_each(rows))
    documents = {each["event_id"]: _without_own(each) for each in _documents(stores.account.servers.search)}
    curated = {each: as_item(row) for each, row in by_id(wanted.as_file, frozenset({"origin"})).items()}
    items = {each["event_id"]: _without_own(each, "origin") for each in stores.workflow.items()}
    letters = {letter.letter_id: letter for letter in _letters(stores.account)}.values()
    found = [*lake.values(), *documents.values(), *items.values(), *letters]
    return [
        compare("lake", "events", events, lake),
        _counted("lake", "rows with senders' repeats", len(sample.accepted), rows.num_rows),
        _counted("lake", "files of errors", 0, len(stores.events.failed_files())),
        compare("OpenSearch", "events", {n: as_document(row) for n, row in events.items()}, documents),
        compare("DynamoDB", "items of events", curated, items),
        compare("MySQL", "log_requests", *_requests(stores.mysql)),
        compare("dead letters", "refused events", _refused(wanted), _refused_found(letters)),
        compare("dead letters", "lines of logs", _lines(wanted), _lines_found(letters)),
        _counted("dead letters", "poison records", 1, sum(map(_is_poison, letters))),
        _counted("all", "forbidden addresses", 0, sum(map(_tells, found))),
    ]


def _counted(store: str, rows: str, expected: int, found: int) -> Compared:
    return Compared(
        store=store,
        rows=rows,
        expected=expected,
        found=found,
        missing=max(0, expected - found),
        unexpected=max(0, found - expected),
        different=0,
    )


def _first_of_each(rows: pa.Table) -> pa.Table:
    """Return what the lake's view shows: of what a sender sent twice, the first."""
    ordered = rows.sort_by("received_at")
    first: dict[str, int] = {}
    for number, event_id in enumerate(ordered["event_id"].to_pylist()):
        first.setdefault(event_id, number)
    return ordered.take(list(first.values()))


def _documents(url: str) -> Iterator[Row]:
    search = search_client(url)
    search.indices.refresh(index=ALIAS)
    for hit in scan(search, index=ALIAS, size=2_000):
        yield hit["_source"]


def _without_own(row: Row, *more: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in OWN and name not in more}


def _requests(mysql: MariaDB) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Return the rows of both databases, the embedded export's first."""
    names = [column.name for column in LOG_REQUESTS.columns]
    query = f"select {', '.join(f'`{name}`' for name in names)} from {LOG_REQUESTS.name}"  # noqa: S608

    def read(database: str) -> dict[Any, Any]:
        with mysql.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return {tuple(row[key] for key in LOG_REQUESTS.keys): row for row in rows}

    return read("embedded"), read(DATABASE)


def _letters(account: Account) -> list[DeadLetter]:
    """Return all letters: each reader sends its own, and again for a batch that came again."""
    return [each.letter for each in account.letters.receive(MOST_LETTERS, HELD_SECONDS)]


def _refused(wanted: Embedded) -> dict[Any, Any]:
    """Return what the queue has to hold: every refused event, of both ways that it came."""
    return {(way, each): told for way in WAYS for each, told in wanted.refused.items()}


def _refused_found(letters: Sequence[DeadLetter] | Any) -> dict[Any, Any]:
    return {
        (letter.origin, letter.event_id): (letter.reasons, letter.body)
        for letter in letters
        if letter.kind == "event" and letter.origin in WAYS
    }


def _lines(wanted: Embedded) -> dict[Any, Any]:
    return {body: _reason(reasons) for reasons, body in wanted.lost_lines.values()}


def _lines_found(letters: Sequence[DeadLetter] | Any) -> dict[Any, Any]:
    return {
        letter.body: _reason(letter.reasons)
        for letter in letters
        if letter.kind == "event" and letter.origin not in WAYS
    }


def _reason(reasons: Sequence[str]) -> str:
    """Return the first reason without the file's name, which is a path here and a key there."""
    return reasons[0].partition(": ")[2]


def _is_poison(letter: DeadLetter) -> bool:
    return letter.kind == "record" and letter.body == POISON.decode("utf-8", "replace")


def _tells(found: Any) -> bool:
    return FORBIDDEN.decode() in (
        found.body if isinstance(found, DeadLetter) else json.dumps(found, default=str)
    )
