"""Which action each rule takes: the choices of one app, with the installation's key."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from footfall.core.scrub.rules import RULES
from footfall.core.scrub.traces import Action, Kind

__all__ = ["ScrubPlan", "plan_for"]


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


@lru_cache(maxsize=1024)
def _plan(actions: tuple[tuple[str, Action], ...], key: bytes) -> ScrubPlan:
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
