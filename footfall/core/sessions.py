"""The session rule, said once, and its slow and obvious reference.

The warehouse keeps sessions up to date by merging intervals; whatever the order of arrival, what
it holds equals ``sessions_of`` over the same hits.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
from itertools import groupby
from typing import NamedTuple

__all__ = ["SESSION_GAP", "Hit", "Session", "session_id_of", "sessions_of"]

SESSION_GAP = timedelta(minutes=30)
"""A gap longer than this splits; exactly this long does not, as in GA4 and Snowplow's web model."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)


class Hit(NamedTuple):
    """What the rule needs of an event; ``created_at`` is naive UTC."""

    app_id: str
    visitor_id: str
    is_bot: bool
    created_at: datetime
    event: str = "page_view"
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A run of one visitor's events; paths are those of its first and last event that has one.

    Of paths at the same microsecond the first counts as entry and the last as exit, by text.
    """

    app_id: str
    visitor_id: str
    is_bot: bool
    session_id: str
    started_at: datetime
    ended_at: datetime
    events: int
    page_views: int
    entry_path: str | None
    exit_path: str | None


def session_id_of(app_id: str, visitor_id: str, is_bot: bool, started_at: datetime) -> str:
    """Return the id of the session that starts there: the same wherever it is computed.

    The app's length stands before it so that no two (app, visitor) pairs read alike.
    """
    start = (started_at - EPOCH) // timedelta(microseconds=1)
    text = f"{start}:{int(is_bot)}:{len(app_id)}:{app_id}{visitor_id}"
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def sessions_of(hits: Iterable[Hit]) -> list[Session]:
    """Return the sessions of all hits, ordered by app, visitor, bot flag and start."""
    found = []
    for (app_id, visitor_id, is_bot), group in groupby(sorted(hits, key=_sort_key), key=lambda h: h[:3]):
        run: list[Hit] = []
        runs = [run]
        for hit in group:
            if run and hit.created_at - run[-1].created_at > SESSION_GAP:
                run = []
                runs.append(run)
            run.append(hit)
        found += [_session(app_id, visitor_id, is_bot, run) for run in runs]
    return found


def _sort_key(hit: Hit) -> tuple[str, str, bool, datetime]:
    return hit[:4]


def _session(app_id: str, visitor_id: str, is_bot: bool, run: list[Hit]) -> Session:
    pages = sorted((hit.created_at, hit.path) for hit in run if hit.path is not None)
    return Session(
        app_id=app_id,
        visitor_id=visitor_id,
        is_bot=is_bot,
        session_id=session_id_of(app_id, visitor_id, is_bot, run[0].created_at),
        started_at=run[0].created_at,
        ended_at=run[-1].created_at,
        events=len(run),
        page_views=sum(hit.event == "page_view" for hit in run),
        entry_path=pages[0][1] if pages else None,
        exit_path=pages[-1][1] if pages else None,
    )
