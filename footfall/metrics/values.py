"""What a caller wrote for a metric's parameters, checked and typed; every problem at once."""

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from footfall.errors import BadQuery
from footfall.metrics.catalogue import Metric, Parameter, ParameterKind

__all__ = ["Value", "checked"]

Value = str | int | bool | date | timedelta | tuple[str, ...] | None

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhdw])", re.ASCII)
_LONGEST = timedelta(days=3_660)
LONGEST_TEXT = 20_000  # the paths of requests, which servers take up to 8 or 16 KB of
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _date(text: str, _: Parameter) -> date:
    if not _DAY.fullmatch(text):
        raise ValueError("is not a day such as 2026-01-31")
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("is not a day of the calendar") from error
    if not 1970 <= day.year <= 2200:
        raise ValueError("is not between 1970 and 2200")
    return day


def _text(text: str, _: Parameter) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"is longer than {LONGEST_TEXT} characters")
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds a character that SQL text cannot hold")
    return text


def _flag(text: str, _: Parameter) -> bool:
    if text not in ("true", "false"):
        raise ValueError("is neither true nor false")
    return text == "true"


def _integer(text: str, parameter: Parameter) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or not parameter.low <= int(text) <= parameter.high:
        raise ValueError(f"is not a whole number from {parameter.low} to {parameter.high}")
    return int(text)


def _choice(text: str, parameter: Parameter) -> str:
    if text not in parameter.choices:
        raise ValueError(f"is none of {', '.join(parameter.choices)}")
    return text


def _list(text: str, parameter: Parameter) -> tuple[str, ...]:
    items = tuple(_text(item.strip(), parameter) for item in text.split(","))
    if not all(items):
        raise ValueError("has an empty item; items are separated by commas")
    if not parameter.low <= len(items) <= parameter.high:
        raise ValueError(f"has {len(items)} items; {parameter.low} to {parameter.high} are taken")
    return items


def _duration(text: str, _: Parameter) -> timedelta:
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError("is not a length of time such as 30m, 12h, 1d or 2w")
    length = timedelta(seconds=int(found[1]) * _UNITS[found[2]])
    if length > _LONGEST:
        raise ValueError("is longer than ten years")
    return length


_READERS: dict[ParameterKind, Callable[[str, Parameter], Value]] = {
    "date": _date,
    "text": _text,
    "flag": _flag,
    "integer": _integer,
    "choice": _choice,
    "column": _choice,
    "list": _list,
    "duration": _duration,
}


def checked(metric: Metric, values: Mapping[str, str]) -> dict[str, Value]:
    """Return every parameter of ``metric`` with its typed value; an empty text is "not given".

    Raises BadQuery that names every unknown parameter and every bad value.
    """
    known = {parameter.name: parameter for parameter in metric.parameters}
    problems: list[str] = []
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}" if near else f"it takes {', '.join(known)}"
            problems.append(f"{metric.name} has no parameter {name!r}; {hint}")
    typed: dict[str, Value] = {}
    for name, parameter in known.items():
        text = values.get(name) or parameter.default
        if text is None:
            typed[name] = None
            if parameter.required:
                problems.append(f"{metric.name} needs {name}: {parameter.doc}")
            continue
        try:
            typed[name] = _READERS[parameter.kind](text, parameter)
        except ValueError as error:
            problems.append(f"{name}={text[:100]!r} {error}")
    first, last = typed.get("from"), typed.get("to")
    if isinstance(first, date) and isinstance(last, date) and first > last:
        problems.append(f"from={first} lies behind to={last}")
    if problems:
        raise BadQuery(cause="; ".join(problems))
    return typed
