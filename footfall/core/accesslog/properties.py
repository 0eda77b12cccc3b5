"""What log lines tell beside the columns, as one JSON object a line; each distinct value masked once."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.accesslog.fields import Extra
from footfall.core.accesslog.meaning import combinations

__all__ = ["property_objects"]

FEW = 256  # columns of so few values are written together, once per combination
LONGEST = 2_000  # characters of one value

_CODE = r"^[A-Za-z0-9_+/=.:-]{1,256}$"
_ESCAPED = r'["\\\x00-\x1f\x7f]|[^\x00-\x7f]'
_TRACE = r"^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$"  # X-Amzn-Trace-Id as AWS makes it
_NUMBER = r"^(-?(0|[1-9]\d{0,17})(\.\d{1,18})?([eE][+-]?\d{1,3})?|true|false)$"

Masks = Callable[[str, Sequence[str]], Sequence[str | None]]
"""Masks the values of a name, in order."""


def property_objects(
    extra: Mapping[str, Extra], masks: Masks, count: int, longest: int = LONGEST
) -> pa.Array:
    """Return a JSON object for each of ``count`` lines; null for one that tells nothing.

    Values above ``longest`` characters are cut before they are masked.
    """
    if not extra or not count:
        return pa.nulls(count, pa.string())
    few: list[pa.DictionaryArray] = []
    parts: list[pa.Array] = []
    for name, column in extra.items():
        members = _members(name, column, masks, longest)
        if len(members.dictionary) <= FEW:
            few.append(members)
        else:
            parts.append(_or_nothing(members))
    if few:
        rows, index = combinations(few)
        some = [_or_nothing(column.take(pa.array(rows))) for column in few]
        parts.insert(0, pc.binary_join_element_wise(*some, "").take(index))
    whole = pc.binary_join_element_wise(*parts, "}", "")
    objects = pc.binary_replace_slice(whole, 0, 1, "{")
    return pc.if_else(pc.equal(whole, "}"), pa.scalar(None, pa.string()), objects)


def _or_nothing(members: pa.DictionaryArray) -> pa.Array:
    return pc.fill_null(members.cast(pa.string()), "")


def _members(name: str, extra: Extra, masks: Masks, longest: int) -> pa.DictionaryArray:
    """Return ``,"name":value`` of each line."""
    values = extra.values.dictionary
    texts = _masked(name, values, extra, masks, longest)
    quoted = pc.binary_join_element_wise('"', texts, '"', "")
    # What passed unmasked has the look of a code, in which nothing needs an escape.
    if texts is not values and pc.any(pc.match_substring_regex(texts, _ESCAPED)).as_py():
        quoted = pa.array(
            [None if text is None else json.dumps(text, ensure_ascii=False) for text in texts.to_pylist()],
            pa.string(),
        )
    if extra.kind == "number":
        quoted = pc.if_else(pc.match_substring_regex(texts, _NUMBER), texts, quoted)
    label = "," + json.dumps(name[:256], ensure_ascii=False) + ":"
    members = pc.binary_join_element_wise(label, quoted, "")
    return pa.DictionaryArray.from_arrays(extra.values.indices, members)


def _masked(name: str, values: pa.Array, extra: Extra, masks: Masks, longest: int) -> Any:
    safe = {"code": _CODE, "number": _NUMBER, "text": _TRACE}[extra.kind]
    passing = pc.match_substring_regex(values, safe)
    asked = np.flatnonzero(~np.asarray(passing))
    if not len(asked):
        return values
    shown = [text[:longest] for text in values.take(pa.array(asked)).to_pylist()]
    masked = pa.array(masks(name, shown), pa.string())
    return pc.replace_with_mask(values, pc.invert(passing), masked)
