"""What of theirs is what of ours: a table of fields, and the one function that follows it.

The tables are the documentation: docs/reference is made from them. What no row names goes to the
event's properties under its own name, so that nothing is lost.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from footfall.core.validate import address_of

__all__ = ["DROPPED", "Field", "address", "as_is", "mapped", "number", "seconds", "text"]

DROPPED = ""
"""``ours`` of what only serves the transport: a request's number, an integration switch."""

SPREAD = ("properties", "user")

Reader = Callable[[Any], Any]


def as_is(value: Any) -> Any:
    """Return the value itself."""
    return value


def text(value: Any) -> str | None:
    """Return a text or number as text; None for anything else, and for empty text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).strip() or None


def number(value: Any) -> float | int | None:
    """Return a number, or a text that is one, as a number; None for anything else, "inf" and "nan" too."""
    if isinstance(value, int | float):
        return None if isinstance(value, bool) else value
    if not isinstance(value, str):
        return None
    try:
        found = int(value) if value.strip().lstrip("+-").isdigit() else float(value)
    except ValueError:
        return None
    return found if isinstance(found, int) or math.isfinite(found) else None


def seconds(value: Any) -> float | None:
    """Return milliseconds as seconds; None for what is no number, or below zero."""
    told = number(value)
    return told / 1_000 if told is not None and told >= 0 else None


def address(value: Any) -> str | None:
    """Return the first IP address of a text, without port or brackets; None where there is none."""
    return address_of(value) if isinstance(value, str) else None


class Field(NamedTuple):
    """One row: ``theirs`` (a path with dots) becomes ``ours``.

    ``ours`` is a field of the event, ``properties.NAME`` or ``user.NAME``; ``properties`` or ``user``
    alone takes an object's entries in; DROPPED leaves it out. ``read`` brings the value into shape; None
    from it leaves the value where it was, in the properties. Of several rows for one field the first
    that has a value counts, the others' values go to the properties.
    """

    theirs: str
    ours: str
    read: Reader = as_is
    note: str = ""


class _Node:
    """A step of the paths of a table: the rows that end here, with their rank, and the steps below."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, Field]] = []
        self.below: dict[str, _Node] = {}


@cache
def _tree(fields: tuple[Field, ...]) -> _Node:
    root = _Node()
    for rank, field in enumerate(fields):
        node = root
        for step in field.theirs.split("."):
            node = node.below.setdefault(step, _Node())
        node.rows.append((rank, field))
    return root


@cache
def _spread(fields: tuple[Field, ...]) -> frozenset[tuple[str, ...]]:
    """Return the paths of the objects whose entries go to the properties."""
    return frozenset(tuple(field.theirs.split(".")) for field in fields if field.ours == "properties")


class _Hit(NamedTuple):
    rank: int
    field: Field
    path: tuple[str, ...]
    value: Any


def _walk(item: Mapping[str, Any], node: _Node, path: tuple[str, ...], hits: list[_Hit]) -> dict[str, Any]:
    """Gather what the rows find; return what no row names, in its own shape."""
    rest: dict[str, Any] = {}
    for name, value in item.items():
        below = node.below.get(name)
        if value is None or value == "":
            continue
        if below is None:
            rest[name] = value
            continue
        here = (*path, name)
        if below.below and isinstance(value, Mapping):
            left = _walk(value, below, here, hits)
            if below.rows:
                hits += [_Hit(rank, field, here, left) for rank, field in below.rows]
            elif left:
                rest[name] = left
        elif below.rows:
            hits += [_Hit(rank, field, here, value) for rank, field in below.rows]
        else:
            rest[name] = value
    return rest


def _add(target: dict[str, Any], name: str, value: Any) -> None:
    """Add an entry; beside another of that name it is called ``top_level.NAME``, as at our own door."""
    while target.setdefault(name, value) != value:
        name = f"top_level.{name}"


def mapped(item: Mapping[str, Any], fields: tuple[Field, ...]) -> dict[str, Any]:
    """Return the item as an event of ours, by the table's rows; nothing of it is lost.

    Nulls and empty texts are left out. Two values for one field: the stronger row's is taken, the
    other goes to the properties under its path.
    """
    hits: list[_Hit] = []
    rest = _walk(item, _tree(fields), (), hits)
    event: dict[str, Any] = {}
    objects: dict[str, dict[str, Any]] = {name: {} for name in SPREAD}
    kept = sorted((hit for hit in hits if hit.field.ours != DROPPED), key=lambda hit: hit.rank)
    aside = [hit for hit in kept if not _put(event, objects, hit)]
    for hit in aside:
        _keep(objects["properties"], hit, _spread(fields))
    for name, value in rest.items():
        _add(objects["properties"], name, value)
    return event | {name: values for name, values in objects.items() if values}


def _put(event: dict[str, Any], objects: dict[str, dict[str, Any]], hit: _Hit) -> bool:
    """Put a value where its row says; False when it has to go aside."""
    value = hit.field.read(hit.value)
    if value is None:
        return False
    ours = hit.field.ours
    base, _, name = ours.partition(".")
    if base in objects:
        if name:
            return bool(objects[base].setdefault(name, value) == value)
        if isinstance(value, Mapping):
            for inner, told in value.items():
                if told is not None:
                    _add(objects[base], inner, told)
            return True
        return False
    return bool(event.setdefault(ours, value) == value)


def _keep(properties: dict[str, Any], hit: _Hit, spread: frozenset[tuple[str, ...]]) -> None:
    """Keep a value that found no place under its own path, in the shape that it came in.

    What came out of an object whose entries are properties goes back beside its neighbours.
    """
    *outer, name = hit.path
    for length in range(len(outer), 0, -1):
        if tuple(outer[:length]) in spread:
            outer = outer[length:]
            break
    target: Any = properties
    for step in outer:
        target = target.setdefault(step, {})
        if not isinstance(target, dict):
            _add(properties, ".".join(hit.path), hit.value)
            return
    _add(target, name, hit.value)
