"""Why two counts of one day differ: each cause says what our number would be without it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from footfall.core.compare.daily import Metric

__all__ = ["CAUSES", "Cause", "Ours", "causes_of", "is_small", "likely_of"]

SMALL_SHARE = 0.01
SMALL_COUNT = 1
LISTED = 0.1
"""A cause is listed when it closes a tenth of the gap."""
LIKELY = 0.5

CAUSES: Mapping[str, str] = {
    "missing": "One side has nothing of this day.",
    "partial": "Our data begin or end within this day.",
    "bots": "Events that a rule labels as a bot's are left out here; the other product counts them.",
    "late": "Events of this day that were received after its end, or of earlier days received on it: the "
    "other product may count by the day of receipt.",
    "duplicates": "Events that were sent again are counted once here.",
    "rejected": "Events that were rejected here; see footfall rejected list.",
    "time zone": "The export's days begin at another hour; see --timezone.",
    "other apps": "Several apps are counted together here; see --app.",
}


class Ours(NamedTuple):
    """Our side of one metric on one day.

    ``counted`` is without bots, ``with_bots`` with them. ``late`` of what was counted was received after
    the day's end; ``arrived`` was received on this day but happened before. ``shifted`` is the count by
    the days that fit the export better, where there are such. ``edge`` says why the day is not whole.
    """

    counted: int = 0
    with_bots: int = 0
    late: int = 0
    arrived: int = 0
    duplicates: int = 0
    rejected: int = 0
    shifted: int | None = None
    apps: Mapping[str, int] = {}
    edge: str = ""


class Cause(Struct, frozen=True, kw_only=True):
    """``would_be`` is our number without the cause; ``closes`` is the share of the gap that it closes."""

    name: str
    text: str
    would_be: int | None = None
    closes: float = 1.0


class _Guess(NamedTuple):
    name: str
    would_be: int
    text: str


def is_small(theirs: int, ours: int) -> bool:
    """Tell whether a difference needs no cause: one, or a hundredth."""
    return abs(ours - theirs) <= max(SMALL_COUNT, SMALL_SHARE * theirs)


def causes_of(metric: Metric, theirs: int, ours: Ours) -> list[Cause]:
    """Return what may explain the difference, the cause that closes most of the gap first."""
    if is_small(theirs, ours.counted):
        return []
    gap = abs(ours.counted - theirs)
    found: list[Cause] = []
    if not ours.with_bots and not ours.apps:
        found.append(Cause(name="missing", text="nothing of this day is stored here"))
    elif ours.edge:
        found.append(Cause(name="partial", text=ours.edge))
    for guess in _guesses(metric, ours, theirs):
        closes = 1 - abs(guess.would_be - theirs) / gap
        if closes >= LISTED:
            found.append(
                Cause(name=guess.name, text=guess.text, would_be=guess.would_be, closes=round(closes, 4))
            )
    return sorted(found, key=lambda cause: -cause.closes)


def likely_of(causes: list[Cause]) -> str | None:
    """Return the name of the cause that closes at least half of the gap; None when none does."""
    return causes[0].name if causes and causes[0].closes >= LIKELY else None


def _guesses(metric: Metric, ours: Ours, theirs: int) -> Iterator[_Guess]:
    noun = metric.replace("_", " ")
    bots = ours.with_bots - ours.counted
    if bots:
        yield _Guess("bots", ours.with_bots, f"{bots:,} {noun} of bots are left out here")
    if ours.late or ours.arrived:
        text = f"{ours.late:,} {noun} were received after the day, {ours.arrived:,} of earlier days on it"
        yield _Guess("late", ours.counted - ours.late + ours.arrived, text)
    if ours.duplicates:
        text = f"{ours.duplicates:,} {noun} were sent again and counted once here"
        yield _Guess("duplicates", ours.counted + ours.duplicates, text)
    if ours.rejected:
        text = f"{ours.rejected:,} events were rejected here"
        yield _Guess("rejected", ours.counted + ours.rejected, text)
    if ours.shifted is not None and ours.shifted != ours.counted:
        text = f"by the days that fit better it would be {ours.shifted:,}"
        yield _Guess("time zone", ours.shifted, text)
    if len(ours.apps) > 1:
        app = min(ours.apps, key=lambda each: (abs(ours.apps[each] - theirs), each))
        yield _Guess("other apps", ours.apps[app], f"the app {app} alone has {ours.apps[app]:,}")
