"""What a scrub does with a finding: the four actions, chosen per rule and app, and their traces.

Which findings there are is said in ``rules``; this module only replaces them.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

__all__ = ["Action", "Kind", "ScrubPlan", "hashed", "is_scrubbed", "plan_for"]

Action = Literal["mask", "hash", "drop", "keep"]
"""``mask`` writes the rule's label, ``hash`` a keyed hash that keeps people distinct, ``drop`` cuts
the finding out, ``keep`` leaves it."""

Kind = Literal["text", "url", "id", "code", "agent"]
"""Where a string stands: free text, an address, an identity field (``user_id``, ...), the value of a
key that names a code (``order_id``, ``sku``), where rules that go by digit shapes alone rest, or a user
agent, where four numbers with dots are mostly a version."""

_SCRUBBED = re.compile(r"\[[a-z]{2,20}\](?: \d+)?|[a-z]{2,20}:[0-9a-f]{24}|\*\*\*")
_LONG_NUMBER = re.compile(r"\d{7}")


@dataclass(frozen=True, slots=True)
class ScrubPlan:
    """The actions in force, and the installation's key for hashes (1 to 64 bytes).

    ``text`` and ``identity`` map every rule's name to its action.
    """

    text: Mapping[str, Action]
    identity: Mapping[str, Action]
    key: bytes

    def action(self, rule: str, kind: Kind) -> Action:
        """Return what happens to a finding of ``rule`` in a string of ``kind``."""
        return (self.identity if kind == "id" else self.text)[rule]


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


@lru_cache(maxsize=1024)
def _plan(actions: tuple[tuple[str, Action], ...], key: bytes) -> ScrubPlan:
    from footfall.core.scrub.rules import RULES  # rules name their kinds from here

    chosen = dict(actions)
    if not 1 <= len(key) <= 64:
        raise ValueError("the scrub key has 1 to 64 bytes")
    names = [rule.name for rule in RULES]
    if unknown := sorted(set(chosen) - set(names)):
        raise ValueError(f"there is no scrub rule {', '.join(unknown)}; the rules are {', '.join(names)}")
    return ScrubPlan(
        text={name: chosen.get(name, "mask") for name in names},
        identity={name: chosen.get(name, "hash") for name in names},
        key=key,
    )


def plan_for(actions: Mapping[str, Action], key: bytes) -> ScrubPlan:
    """Return the plan of an app's overrides; the same one for the same arguments.

    Without an override a finding is masked, in identity fields hashed. Raises ValueError for a rule
    that does not exist (ask ``unknown_rules`` first) or a key of the wrong length.
    """
    return _plan(tuple(sorted(actions.items())), key)
