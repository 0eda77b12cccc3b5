"""Errors of ours on their way from an executor to the command: Spark carries only their text."""

import errno
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from footfall import errors
from footfall.errors import FootfallError, SparkFailed, StoreFailed

__all__ = ["carried", "told"]

Given = ParamSpec("Given")
Item = TypeVar("Item")

MARK = re.compile(r"footfall-error (\{.*?\}) end-of-error")
TELLING = re.compile(r"(?:Caused by: |: )?((?:\w+\.)*\w*(?:Error|Exception|Killed)\b.*)")
CODED = re.compile(r"\[[A-Z_.]+\]")
LONGEST_CAUSE = 500


class Carried(RuntimeError):
    """An error of ours, as text that the driver reads again."""


def carried(work: Callable[Given, Iterator[Item]]) -> Callable[Given, Iterator[Item]]:
    """Let an executor's work tell its errors so that ``told`` can raise them again."""

    @wraps(work)
    def carrying(*args: Given.args, **kwargs: Given.kwargs) -> Iterator[Item]:
        try:
            yield from work(*args, **kwargs)
        except FootfallError as error:
            raise _packed(error) from error
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
                raise
            raise _packed(StoreFailed(store="The lake", cause=error.strerror)) from error

    return carrying


def _packed(error: FootfallError) -> Carried:
    values = {name: str(value) for name, value in error.values.items()}
    text = json.dumps({"error": type(error).__name__, "values": values})
    return Carried(f"footfall-error {text} end-of-error")


@contextmanager
def told() -> Iterator[None]:
    """Raise what failed in a job as the error that it was on the executor; else as SparkFailed."""
    from py4j.protocol import Py4JError  # needs the extra
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        found = MARK.search(str(error))
        if found:
            packed = json.loads(found[1])
            raise getattr(errors, packed["error"])(**packed["values"]) from error
        raise SparkFailed(cause=_last_line(str(error))) from error


def _last_line(text: str) -> str:
    """Return the line of a Java or Python trace that says most."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [found[1] for found in map(TELLING.match, lines) if found]
    if lines and CODED.match(lines[0]):  # what Spark found wrong with a query; the query's plan follows
        return lines[0][:LONGEST_CAUSE]
    return (telling or lines or ["it ended without a word"])[-1][:LONGEST_CAUSE]
