"""Personal data stops here: rules as rows in one table, and their work on strings and JSON values."""

from footfall.core.scrub.numbers import cut_address
from footfall.core.scrub.plan import ScrubPlan, plan_for
from footfall.core.scrub.rules import RULES, Rule, unknown_rules
from footfall.core.scrub.suspects import suspect_body, suspect_places
from footfall.core.scrub.text import scrub_text, scrub_values
from footfall.core.scrub.traces import Action, Kind, hashed
from footfall.core.scrub.tree import scrub_tree

__all__ = [
    "RULES",
    "Action",
    "Kind",
    "Rule",
    "ScrubPlan",
    "cut_address",
    "hashed",
    "plan_for",
    "scrub_text",
    "scrub_tree",
    "scrub_values",
    "suspect_body",
    "suspect_places",
    "unknown_rules",
]
