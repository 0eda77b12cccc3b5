"""What a scrub can do with a finding, where the finding may stand, and the traces that it leaves."""

import hashlib
import re
from typing import Literal

__all__ = ["Action", "Kind", "hashed", "is_scrubbed"]

Action = Literal["mask", "hash", "drop", "keep"]
"""``mask`` writes the rule's label, ``hash`` a keyed hash that keeps people distinct, ``drop`` cuts
the finding out, ``keep`` leaves it."""

Kind = Literal["text", "url", "id", "code", "agent"]
"""Where a string stands: free text, an address, an identity field (``user_id``, ...), the value of a
key that names a code (``order_id``, ``sku``), where rules that go by digit shapes alone rest, or a user
agent, where four numbers with dots are mostly a version."""

_SCRUBBED = re.compile(r"\[[a-z]{2,20}\](?: \d+)?|[a-z]{2,20}:[0-9a-f]{24}|\*\*\*")
_LONG_NUMBER = re.compile(r"\d{7}")


def hashed(name: str, canonical: str, key: bytes) -> str:
    """Return ``name:`` and 24 hex digits, the same for every spelling of the same finding.

    Keyed BLAKE2b (RFC 7693). A digest with a long number in it is hashed again, so that no rule
    can take a hash for a card or a phone.
    """
    digest = hashlib.blake2b(f"{name}\0{canonical}".encode("utf-8", "replace"), digest_size=12, key=key)
    while _LONG_NUMBER.search(digest.hexdigest()):
        digest = hashlib.blake2b(digest.digest(), digest_size=12, key=key)
    return f"{name}:{digest.hexdigest()}"


def is_scrubbed(text: str) -> bool:
    """Return whether the whole text is the trace of an earlier scrub."""
    return _SCRUBBED.fullmatch(text) is not None
