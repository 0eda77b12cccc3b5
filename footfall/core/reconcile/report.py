"""The report of a reconciliation: counts by day, browser and country become shares and estimates."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from footfall.core.reconcile.estimates import Lists, population, population_interval, wilson

__all__ = [
    "GROUP_COLUMNS",
    "Counted",
    "Group",
    "Loads",
    "PageWithout",
    "Reconciliation",
    "Table",
    "groups_of",
    "loads_of",
    "sentence",
    "table_of",
    "total_of",
]

Part = Literal["day", "browser", "country"]
UNKNOWN = "unknown"
ENOUGH = 7
"""From so many in both lists on, the estimate's bias is below 2 % (Robson and Regier 1964, Trans. Am.
Fish. Soc. 93, 215-226); with fewer, and some in each list alone, none is made."""


class Counted(Struct, frozen=True, kw_only=True):
    """One row of the query: visitors of one side and state, and the log's page loads of them by class.

    ``side`` is log or script, ``part`` says of what ``name`` is the name. A log's visitor is matched,
    unmatched, no_script, unreadable or bot; a script's is matched, unmatched or bot. ``single`` counts
    the visitors with one page load.
    """

    side: str
    part: str
    name: str | None
    state: str
    visitors: int
    single: int = 0
    matched: int = 0
    unmatched: int = 0
    no_script: int = 0
    unreadable: int = 0
    bot: int = 0
    delay_seconds: float | None = None


class Loads(Struct, frozen=True, kw_only=True):
    """The log's page loads: each is in exactly one class below ``all``.

    ``no_script``: the script never reported from that page. ``unreadable``: the line has no address
    or no user agent to go by.
    """

    all: int
    matched: int
    unmatched: int
    no_script: int
    unreadable: int
    bots: int


class Group(Struct, frozen=True, kw_only=True):
    """The people of a day, browser, country, or of all; ``low`` and ``high`` bound 95 % intervals.

    ``in_log`` = ``matched`` + ``blocked``: people whose page loads the log has; the script reported
    the first and never the others. ``script`` counts those whom the script saw, in the log or not.
    ``visitors`` estimates how many came, and is null where too few are in both. Shares are null where
    nobody is in the log. ``bots`` are the log's, and in no other number.
    """

    name: str
    in_log: int
    matched: int
    blocked: int
    blocked_share: float | None
    blocked_low: float | None
    blocked_high: float | None
    script: int
    visitors: float | None
    visitors_low: float | None
    visitors_high: float | None
    bots: int

    @property
    def at_least(self) -> int:
        """How many came at the least: those whom the log or the script saw."""
        return self.script + self.blocked


GROUP_COLUMNS = Group.__struct_fields__


class PageWithout(Struct, frozen=True, kw_only=True):
    """A page that people load and the script never reported from."""

    page: str
    visitors: int
    loads: int


class Table(Struct, frozen=True, kw_only=True):
    """Groups as rows."""

    columns: Sequence[str]
    rows: list[list[Any]]


class Reconciliation(Struct, frozen=True, kw_only=True):
    """The whole report; ``since`` to ``until`` (UTC) is what log and script both cover.

    ``one_load``: of those blocked, who loaded one page only, and may have left before the script ran.
    ``bots_with_script`` ran the script. ``delay_seconds`` is the median of the script's time less the
    log's. ``sql`` gives every count.
    """

    app: str
    since: str
    until: str
    window_seconds: float
    sentence: str
    total: Group
    one_load: int
    bots_with_script: int
    delay_seconds: float | None
    loads: Loads
    tables: Mapping[Part, Table]
    without_script: list[PageWithout]
    notes: list[str]
    sql: str
    rows_read: int
    fresh_to: str | None


def groups_of(counted: Iterable[Counted], part: Part) -> list[Group]:
    """Return a group for each name of a part: days in their order, others by visitors."""
    tallies: dict[str, dict[tuple[str, str], int]] = {}
    for row in counted:
        if row.part == part:
            tally = tallies.setdefault(row.name or UNKNOWN, {})
            tally[row.side, row.state] = tally.get((row.side, row.state), 0) + row.visitors
    groups = [_group(name, tally) for name, tally in tallies.items()]
    if part == "day":
        return sorted(groups, key=lambda group: group.name)
    return sorted(
        groups,
        key=lambda group: (-group.blocked - group.script, -group.bots, group.name == UNKNOWN, group.name),
    )


def total_of(counted: Iterable[Counted]) -> Group:
    """Return the group of all: visitors of each day, added up."""
    tally: dict[tuple[str, str], int] = {}
    for row in counted:
        if row.part == "day":
            tally[row.side, row.state] = tally.get((row.side, row.state), 0) + row.visitors
    return _group("all", tally)


def _group(name: str, tally: Mapping[tuple[str, str], int]) -> Group:
    matched, blocked = tally.get(("script", "matched"), 0), tally.get(("log", "unmatched"), 0)
    lists = Lists(
        first=matched + blocked, second=matched + tally.get(("script", "unmatched"), 0), both=matched
    )
    share = wilson(blocked, lists.first)
    enough = matched >= ENOUGH or lists.both == min(lists.first, lists.second)
    bounds = population_interval(lists) if enough else None
    return Group(
        name=name,
        in_log=lists.first,
        matched=matched,
        blocked=blocked,
        blocked_share=blocked / lists.first if lists.first else None,
        blocked_low=share.low if share else None,
        blocked_high=share.high if share else None,
        script=lists.second,
        visitors=population(lists) if enough else None,
        visitors_low=bounds.low if bounds else None,
        visitors_high=bounds.high if bounds else None,
        bots=tally.get(("log", "bot"), 0),
    )


def loads_of(counted: Iterable[Counted]) -> Loads:
    """Add up the page loads by class."""
    rows = [row for row in counted if row.part == "day" and row.side == "log"]
    classes = {
        "matched": sum(row.matched for row in rows),
        "unmatched": sum(row.unmatched for row in rows),
        "no_script": sum(row.no_script for row in rows),
        "unreadable": sum(row.unreadable for row in rows),
        "bots": sum(row.bot for row in rows),
    }
    return Loads(all=sum(classes.values()), **classes)


def table_of(groups: Iterable[Group]) -> Table:
    """Return groups as rows."""
    return Table(
        columns=GROUP_COLUMNS,
        rows=[[getattr(group, name) for name in GROUP_COLUMNS] for group in groups],
    )


def sentence(total: Group, days: int) -> str:
    """Say it in one sentence; who comes again on another day is counted again."""
    unit = "people came" if days == 1 else f"visitors came in {days} days, counted once a day"
    if total.visitors is None or total.visitors_low is None or total.visitors_high is None:
        came = f"At least {total.at_least:,} {unit}"
    else:
        low, high = round(total.visitors_low), round(total.visitors_high)
        between = f" ({low:,} to {high:,})" if low < high else ""
        came = f"{round(total.visitors):,} {unit}{between}"
    if total.blocked_share is None or total.blocked_low is None or total.blocked_high is None:
        return f"{came}; the script saw {total.script:,}."
    share, least, most = 1 - total.blocked_share, 1 - total.blocked_high, 1 - total.blocked_low
    return f"{came}; the script saw {total.script:,} ({share:.0%}, {least:.0%} to {most:.0%})."
