"""DuckDB's exceptions as ours: one table, from the vendor's class to the family's."""

from pathlib import Path

import duckdb

from footfall.errors import BadQuery, FootfallError, StoreFailed

__all__ = ["FAULTS", "query_fault", "reason", "store_fault"]

FAULTS: dict[type[Exception], type[FootfallError]] = {
    duckdb.ProgrammingError: BadQuery,
    duckdb.DataError: BadQuery,
    duckdb.NotSupportedError: BadQuery,
    duckdb.IntegrityError: BadQuery,
    duckdb.InterruptException: BadQuery,
    duckdb.OutOfMemoryException: BadQuery,
    duckdb.PermissionException: BadQuery,
    duckdb.DependencyException: BadQuery,
    duckdb.SequenceException: BadQuery,
    duckdb.SyntaxException: BadQuery,
    duckdb.TypeMismatchException: BadQuery,
    duckdb.TransactionException: BadQuery,
    duckdb.SerializationException: StoreFailed,
    duckdb.FatalException: StoreFailed,
    duckdb.InternalError: StoreFailed,
    duckdb.OperationalError: StoreFailed,
    duckdb.Error: StoreFailed,
    duckdb.Warning: StoreFailed,
}
"""What a failing *query* means; the nearest class in the exception's ancestry decides."""

WORDS: dict[type[Exception], str] = {
    duckdb.InterruptException: "it took longer than warehouse.query_seconds and was stopped",
    duckdb.OutOfMemoryException: "it needs more memory than warehouse.memory_limit allows",
    duckdb.TransactionException: "it would write, and queries are read-only",
    duckdb.PermissionException: "it reaches for files or the network, which queries may not",
}


def reason(error: BaseException, folder: Path) -> str:
    """Return DuckDB's message in one line, without the place where the data lies."""
    text = str(error).split("\n\nLINE ")[0].replace(str(folder), "").strip()
    return " ".join(text.split()) or type(error).__name__


def query_fault(error: Exception, folder: Path) -> FootfallError:
    """Return the error that a reader gets for DuckDB's."""
    kind = next((FAULTS[base] for base in type(error).__mro__ if base in FAULTS), StoreFailed)
    words = WORDS.get(type(error)) or reason(error, folder)
    return BadQuery(cause=words) if kind is BadQuery else store_fault(error, folder)


def store_fault(error: Exception, folder: Path) -> StoreFailed:
    """Return the error that a writer gets for DuckDB's: all of them leave nothing committed."""
    return StoreFailed(store="The warehouse", cause=reason(error, folder))
