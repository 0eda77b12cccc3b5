"""How a file is to be read, decided by its first bytes before anything of it is taken in.

A file that holds nothing of the named format is refused as a whole, with a word on what it looks like.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from footfall.core.accesslog.formats import LOG_FORMATS, Look, guess_format
from footfall.core.delimited import Table, open_records, read_header
from footfall.core.field_names import WITHOUT_NAME, field_of
from footfall.errors import BadSource, SourceUnreadable
from footfall.services.imports.blocks import LINE_BYTES, RecordEnd, whole_lines
from footfall.services.imports.reading import SourceReader
from footfall.services.imports.rows import (
    FileContext,
    ImportRules,
    RowReader,
    csv_rows,
    log_rows,
    ndjson_rows,
)
from footfall.services.imports.sources import Source

__all__ = ["FORMATS", "Layout", "layout_of", "layouts_of", "looks_like"]

DETECTED = ("auto", "jsonlines")  # told by a file's first lines: any format; a web server's JSON
FORMATS = ("ndjson", "csv", *LOG_FORMATS, *DETECTED)
SAMPLE_BYTES = 64 << 10
SAMPLE_LINES = 100
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
TELLING = frozenset({"event", *(field for field, _ in WITHOUT_NAME)})


class Layout(NamedTuple):
    """A file with the readers of its blocks; ``below`` makes one for lines below a header before them.

    ``log`` names the format of an access log, which ``auto`` has told by its first lines.
    """

    source: Source
    rows: RowReader
    record_end: RecordEnd = whole_lines
    below: Callable[[str | None], RowReader] | None = None
    log: str | None = None


def layouts_of(
    format: str, sources: Sequence[Source], rules: ImportRules
) -> tuple[list[Layout], list[BadSource]]:
    """Look at all files; return how to read them, and why others, found by folder or glob, are not.

    One that can't be read at all is in neither: who reads it tells why. Raises BadSource for a named
    file of another format, and when no file is left.
    """
    layouts: list[Layout] = []
    passed_over: list[BadSource] = []
    refusal: BadSource | None = None
    unreadable = 0
    for source in sources:
        try:
            layouts.append(layout_of(format, source, rules))
        except SourceUnreadable:
            unreadable += 1
        except BadSource as error:
            if source.named:
                raise
            refusal = error
            passed_over.append(error)
    if refusal and not layouts and not unreadable:
        raise refusal
    return layouts, passed_over


def layout_of(format: str, source: Source, rules: ImportRules) -> Layout:
    """Return how to read one file. Raises BadSource when it is of another format or unreadable."""
    sample = _sample(source, format)
    if sample.startswith(UTF_16):
        raise _refused(source.name, format, "it is written in UTF-16", "Convert it to UTF-8 first")
    if format in DETECTED:
        format = _detected(format, source.name, sample)
    context = FileContext(rules, format, source.name.rpartition("/")[2])
    if format == "csv":
        return _csv_layout(source, sample, context)
    lines = _first_lines(sample)
    if format == "ndjson":
        if lines and (not any(_is_object(line) for line in lines) or _is_log(lines)):
            raise _other(source.name, format, lines)
        return Layout(source, ndjson_rows(context))
    log = LOG_FORMATS[format]
    parsed = log.parse(b"\n".join(lines))
    if parsed.refused and not parsed.rows.num_rows:
        raise _other(source.name, format, lines)
    below = (lambda header: log_rows(log, context._replace(header=header))) if log.headed else None
    return Layout(source, log_rows(log, context), below=below, log=format)


def _detected(asked: str, path: str, sample: bytes) -> str:
    """Return the format that the first lines have. Raises BadSource when it is none of ours."""
    lines = _first_lines(sample)
    if not lines:
        return "ndjson"
    look = _look(lines)
    if look and look.name in FORMATS and (asked == "auto" or (look.name in LOG_FORMATS and _json(lines))):
        return look.name
    table = read_header(sample) if asked == "auto" and look is None else None
    if table is not None and len(table.names) > 1 and _telling(table):
        return "csv"
    raise _other(path, asked, lines)


def looks_like(data: bytes, format: str) -> bool:
    """Say whether a file that begins so is told to be of this format."""
    look = _look(_first_lines(data[:SAMPLE_BYTES]))
    return look is not None and look.name == format


def _json(lines: Sequence[bytes]) -> bool:
    return any(_is_object(line) for line in lines)


def _is_log(lines: Sequence[bytes]) -> bool:
    """Say whether JSON lines are a web server's: they have its names, and no action's."""
    look = _look(lines)
    return look is not None and look.name in LOG_FORMATS


def _csv_layout(source: Source, sample: bytes, context: FileContext) -> Layout:
    if not sample.strip():
        return Layout(source, ndjson_rows(context))
    table, lines = read_header(sample), _first_lines(sample)
    if table is None:
        look = _look(lines)
        if look and look.name != "csv":
            raise _other(source.name, "csv", lines)
        raise _refused(
            source.name, "csv", "its header row cannot be read", "The first row names the columns"
        )
    if not _telling(table):
        look = _look(lines)
        if look and look.name != "csv":
            raise _other(source.name, "csv", lines)
        raise _refused(
            source.name,
            "csv",
            "no column of its first row says what was done",
            "The first row names the columns; one of them is event, action, element or url",
        )
    delimiter = table.delimiter
    return Layout(source, csv_rows(table, context), lambda data: open_records(data, delimiter))


def _telling(table: Table) -> bool:
    known = [field_of(name) for name in table.names]
    return any(field is not None and field[0] in TELLING for field in known)


def _sample(source: Source, format: str) -> bytes:
    """Return the first whole lines; a first line beyond the limit only in part."""
    with SourceReader(source, format) as reader:
        sample = reader.read(SAMPLE_BYTES)
        whole = len(sample) < SAMPLE_BYTES
        if not whole and b"\n" not in sample:
            sample += reader.read(LINE_BYTES)
            whole = len(sample) < SAMPLE_BYTES + LINE_BYTES
    end = sample.rfind(b"\n") + 1
    return sample[:end] if end and not whole else sample


def _first_lines(sample: bytes) -> list[bytes]:
    return [line for line in sample.split(b"\n") if line.strip()][:SAMPLE_LINES]


def _look(lines: Sequence[bytes]) -> Look | None:
    return guess_format([line.decode("utf-8", "replace") for line in lines])


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf")), dict)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def _other(path: str, format: str, lines: Sequence[bytes]) -> BadSource:
    look = _look(lines)
    cause = f"none of its first {len(lines)} lines is of this format"
    if len(lines) == 1:
        cause = "its first line is not of this format"
    if look is None or look.name == format:
        return _refused(path, format, cause, f"The formats are {', '.join(FORMATS)}")
    cause += f"; it looks like {look.name}"
    hint = (
        f"Try: footfall import {look.name} {path}" if look.ours else f"The formats are {', '.join(FORMATS)}"
    )
    return _refused(path, format, cause, hint)


def _refused(path: str, format: str, cause: str, hint: str) -> BadSource:
    return BadSource(path=path, format=format, cause=cause, hint=hint)
