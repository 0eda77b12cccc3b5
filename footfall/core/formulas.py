"""Text that a spreadsheet would run, such as a path ``=cmd|...`` in somebody's access log.

An apostrophe in front makes it text again (OWASP, "CSV Injection").
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["FORMULA_STARTS", "harmless", "harmless_column"]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
PATTERN = "^[" + "".join(f"\\x{ord(start):02x}" for start in FORMULA_STARTS) + "]"


def harmless_column(texts: pa.Array) -> pa.Array:
    """Put an apostrophe in front of each text that begins like a formula."""
    marked = pc.binary_join_element_wise("'", texts, "")
    return pc.if_else(pc.match_substring_regex(texts, PATTERN), marked, texts)


def harmless(value: Any) -> Any:
    """Put an apostrophe in front of a text that begins like a formula; all else stays."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
