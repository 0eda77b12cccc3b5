"""An event in a query string, as ``GET /pixel.gif`` sends it, as the JSON body that ``take`` reads."""

from typing import Any
from urllib.parse import parse_qsl

import msgspec

__all__ = ["from_query"]

_OBJECTS = ("properties", "user")
_NOT_OF_THE_EVENT = ("write_key",)


def from_query(query_string: str) -> bytes:
    """Return the event of a query string as a JSON object; ``take`` judges it.

    Fields stand under their names; ``properties.NAME``, ``properties[NAME]`` and ``user.NAME`` fill
    the objects, and so does a JSON object in ``properties`` or ``user``; all else goes to the
    properties. A name given twice keeps its first value. ``event`` is page_view when left out.
    """
    event: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {name: {} for name in _OBJECTS}
    for name, value in parse_qsl(
        query_string, keep_blank_values=True, errors="replace", max_num_fields=None
    ):
        base, _, rest = name.replace("[", ".", 1).partition(".")
        if base in inner:
            if rest:
                inner[base].setdefault(rest.removesuffix("]"), value)
            else:
                inner[base] = _object(value) | inner[base]
        elif name not in _NOT_OF_THE_EVENT:
            event.setdefault(name, value)
    event.setdefault("event", "page_view")
    return msgspec.json.encode(event | {name: values for name, values in inner.items() if values})


def _object(text: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        found = None
    if isinstance(found, dict):
        return found
    return {"text": text} if text else {}
