"""The comparison: a line per day and metric, a verdict per metric in one sentence."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from footfall.core.compare.causes import Cause, Ours, causes_of, likely_of
from footfall.core.compare.daily import METRICS, Daily, Metric

__all__ = ["Comparison", "Line", "Verdict", "lines_of", "verdicts_of"]

UNKNOWN = "no cause found here"


class Line(Struct, frozen=True, kw_only=True):
    """One metric on one day; a side that has no such day is null. ``percent`` is of theirs.

    ``whole`` is false for days that no verdict counts: one side lacks them, or ours begin or end within.
    """

    day: date
    metric: Metric
    theirs: int | None
    ours: int | None
    difference: int | None
    percent: float | None
    likely: str | None
    causes: list[Cause]
    whole: bool


class Verdict(Struct, frozen=True, kw_only=True):
    """A metric over all whole days, and the sentence that says it."""

    metric: Metric
    days: int
    theirs: int
    ours: int
    percent: float | None
    text: str


class Comparison(Struct, frozen=True, kw_only=True):
    """The whole report; ``columns`` says which of their columns was read as which metric."""

    product: str
    timezone: str
    app: str | None
    columns: Mapping[Metric, str]
    days: list[Line]
    verdicts: list[Verdict]
    notes: list[str]
    fits_better: Mapping[str, Any] | None
    fresh_to: str | None


def lines_of(daily: Daily, days: Sequence[date], ours: Mapping[tuple[date, Metric], Ours]) -> list[Line]:
    """Put each day's sides together, for the metrics that the export has."""
    return [
        _line(day, metric, daily.days.get(day, {}).get(metric), ours.get((day, metric), Ours()))
        for day in days
        for metric in METRICS
        if metric in daily.columns
    ]


def _line(day: date, metric: Metric, theirs: int | None, ours: Ours) -> Line:
    if theirs is None:
        absent = Cause(name="missing", text="the export has no number for this day")
        causes = [absent] if ours.counted else []
        return Line(
            day=day,
            metric=metric,
            theirs=None,
            ours=ours.counted,
            difference=None,
            percent=None,
            likely=likely_of(causes),
            causes=causes,
            whole=False,
        )
    causes = causes_of(metric, theirs, ours)
    likely = likely_of(causes)
    return Line(
        day=day,
        metric=metric,
        theirs=theirs,
        ours=ours.counted,
        difference=ours.counted - theirs,
        percent=_percent(theirs, ours.counted),
        likely=likely,
        causes=causes,
        whole=likely != "missing" and not ours.edge,
    )


def verdicts_of(lines: Sequence[Line]) -> list[Verdict]:
    """Sum up each metric over its whole days."""
    found = []
    for metric in METRICS:
        of_metric = [line for line in lines if line.metric == metric]
        if of_metric:
            found.append(_verdict(metric, of_metric))
    return found


def _verdict(metric: Metric, lines: Sequence[Line]) -> Verdict:
    whole = [line for line in lines if line.whole]
    theirs = sum(line.theirs or 0 for line in whole)
    ours = sum(line.ours or 0 for line in whole)
    percent = _percent(theirs, ours)
    return Verdict(
        metric=metric,
        days=len(whole),
        theirs=theirs,
        ours=ours,
        percent=percent,
        text=f"{metric.replace('_', ' ')}: {_sentence(whole, len(lines) - len(whole), percent)}",
    )


def _sentence(whole: Sequence[Line], left_out: int, percent: float | None) -> str:
    out = f" ({left_out} more not counted: incomplete on one side)" if left_out else ""
    over = f"{len(whole)} {'day' if len(whole) == 1 else 'days'}{out}"
    if not whole:
        return f"no day is whole on both sides{out}"
    if not any(line.difference for line in whole):
        return f"equal on {over}"
    how = "nothing in the export" if percent is None else f"within {abs(percent):.1f} %"
    largest = max(whole, key=_size)
    parts = [
        f"{how} over {over}; the largest difference {largest.day}: {_signed(largest)}, {_why(largest)}"
    ]
    counts = Counter(line.likely for line in whole if line.likely)
    if sum(counts.values()) > 1:
        several = ", ".join(f"{name} on {times}" for name, times in counts.most_common())
        parts.append(f"likely causes: {several} of them")
    return "; ".join(parts)


def _why(line: Line) -> str:
    if line.likely:
        return f"likely {line.likely}"
    if line.causes:
        return f"in part {line.causes[0].name}"
    return "too small to look for a cause" if abs(line.percent or 0) <= 1 else UNKNOWN


def _size(line: Line) -> tuple[float, int]:
    share = float("inf") if line.percent is None and line.difference else abs(line.percent or 0)
    return share, abs(line.difference or 0)


def _signed(line: Line) -> str:
    return f"{line.difference:+,}" if line.percent is None else f"{line.percent:+.1f} %"


def _percent(theirs: int, ours: int) -> float | None:
    if not theirs:
        return None if ours else 0.0
    return round(100 * (ours - theirs) / theirs, 2)
