"""Which sources of an import are new: what the import state knows, held against the warehouse.

The state is believed where the warehouse agrees: a source that this installation read is known as long
as the warehouse has its position. What another installation did (with a shared state) is its own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

from footfall.core.record import AppId
from footfall.errors import ImportOvertaken
from footfall.ports import ImportState, SourceRecord
from footfall.services.imports.blocks import Start, go_on
from footfall.services.imports.reading import is_packed
from footfall.services.imports.sources import Source

__all__ = ["ImportMemory", "News", "Reached"]

LEASE = timedelta(minutes=10)
AT_ONCE = 500  # sources claimed together; the rest stay free for another installation
STOPPED = "the import was stopped before its end; the next one goes on with it"
_END_BYTES = 64 << 10


class Reached(NamedTuple):
    """Where the reading of a source ended: the warehouse's position, and the next byte and line."""

    position: str = ""
    offset: int = 0
    line: int = 1


@dataclass(frozen=True, slots=True)
class News:
    """Sources to be read, and how many others are being read by another installation."""

    sources: Sequence[Source]
    elsewhere: int = 0


class ImportMemory:
    """What one import knows of its sources, and the leases that it holds; for one thread.

    Without a ``state`` it knows nothing, and contents decide. ``owner`` is this installation's name.
    """

    def __init__(
        self, state: ImportState | None, owner: str, app_id: AppId, clock: Callable[[], datetime]
    ) -> None:
        self._state, self._owner, self._app_id, self._clock = state, owner, app_id, clock
        self._known: Mapping[str, SourceRecord] = {}
        self._held: dict[str, SourceRecord] = {}
        self._ended: list[SourceRecord] = []
        self._renewed = self._now()

    def news(self, sources: Sequence[Source], positions: Mapping[str, int]) -> News:
        """Leave out what was imported in just this version, and what somebody else has begun."""
        if self._state is None:
            return News(sources)
        self._known = self._state.look(self._app_id, [source.key for source in sources])
        now, fresh, elsewhere = self._now(), [], 0
        for source in sources:
            known = self._known.get(source.key)
            if known is None or not self._is_done(known, source, positions):
                leased = known is not None and known.state == "begun" and known.owner != self._owner
                if leased and known is not None and known.leased_until and known.leased_until > now:
                    elsewhere += 1
                else:
                    fresh.append(source)
        return News(fresh, elsewhere)

    def _is_done(self, known: SourceRecord, source: Source, positions: Mapping[str, int]) -> bool:
        same = (known.version, known.size) == (source.version, source.size)
        if known.state != "done" or not same:
            return False
        if known.owner != self._owner:
            return True
        if known.position and known.position not in positions:
            return False  # the warehouse is another one now: younger, restored, or begun anew
        # What followed a log left its unfinished last line; a plain import takes it.
        return not known.tail or known.offset >= source.size or source.growing

    def claimed(self, sources: Sequence[Source]) -> Iterator[Source]:
        """Yield the sources that are ours to read, claimed some hundred at a time."""
        if self._state is None:
            yield from sources
            return
        for place in range(0, len(sources), AT_ONCE):
            some = {source.key: source for source in sources[place : place + AT_ONCE]}
            now = self._now()
            wanted = [self._begun(source, now) for source in some.values()]
            granted = self._state.claim(wanted, now + LEASE)
            self._held.update((record.key, record) for record in granted)
            yield from (some[record.key] for record in granted)

    def _begun(self, source: Source, now: datetime) -> SourceRecord:
        known = self._known.get(source.key)
        begun = SourceRecord(
            self._app_id, source.key, source.name, source.version, source.size, self._owner, now
        )
        if known is None or known.owner != self._owner:
            return replace(begun, claim=known.claim if known else 0)
        places = {name: getattr(known, name) for name in ("position", "offset", "line", "head", "tail")}
        return replace(begun, claim=known.claim, **places)

    def knows(self, source: Source) -> bool:
        """Whether something is known of the source, if only of an earlier version."""
        return source.key in self._known

    def start(self, source: Source, positions: Mapping[str, int]) -> Start | None:
        """Return where a file that has only grown is to be read on from; None when contents must tell.

        It has only grown when it is the same file, not smaller, and has the same bytes at its beginning
        and before the place that was reached, which ends a line.
        """
        known = self._known.get(source.key)
        if known is None or not known.tail or known.owner != self._owner or source.size < known.offset:
            return None
        if known.position not in positions or _ends(source, known.offset) != (known.head, known.tail):
            return None
        return go_on(self._app_id, known.position, known.offset, known.line)

    def done(self, source: Source, reached: Reached, lines: int, rejected: int) -> None:
        """Note that a source was read to its end; told to the state once its rows are committed."""
        head, tail = ("", "") if source.remote else _ends(source, reached.offset)
        counts = {"lines": lines, "rejected": rejected}
        self._note(source, "done", reached._asdict() | counts | {"head": head, "tail": tail})

    def failed(self, source: Source, error: str, lines: int = 0, rejected: int = 0) -> None:
        """Note that a source could not be read, or not to its end."""
        self._note(source, "failed", {"error": error, "lines": lines, "rejected": rejected})

    def _note(
        self,
        source: Source,
        state: Literal["done", "failed"],
        values: Mapping[str, Any],
    ) -> None:
        record = self._held.get(source.key)
        if record is not None:
            ended = replace(record, state=state, at=self._now(), leased_until=None, **values)
            self._ended.append(ended)

    def keep(self) -> None:
        """Make the leases last; call it before each commit. Raises ImportOvertaken when one was lost."""
        now = self._now()
        if self._state is None or now - self._renewed < LEASE / 2:
            return
        ours = self._state.renew(list(self._held.values()), now + LEASE)
        lost = self._held.keys() - {record.key for record in ours}
        self._renewed = now
        if lost:
            raise ImportOvertaken(source=self._held[min(lost)].name)

    def settle(self) -> None:
        """Tell the state what was noted; call it behind each commit."""
        if self._state is not None and self._ended:
            self._state.settle(self._ended)
            for record in self._ended:
                self._held.pop(record.key, None)
            self._ended = []

    def release(self) -> None:
        """Give back what was claimed and not settled, so that nobody waits for it."""
        if self._state is not None and self._held:
            now = self._now()
            self._state.settle(
                [
                    replace(record, state="failed", at=now, leased_until=None, error=STOPPED)
                    for record in self._held.values()
                ]
            )
            self._held = {}

    def _now(self) -> datetime:
        now = self._clock()
        return now.astimezone(UTC).replace(tzinfo=None) if now.tzinfo else now


def _ends(source: Source, offset: int) -> tuple[str, str]:
    """Hash the first bytes, and the last before ``offset``; empty where no line ends there, or packed."""
    try:
        with source.opened() as file:
            head = file.read(min(_END_BYTES, offset))
            file.seek(max(0, offset - _END_BYTES))
            tail = file.read(min(_END_BYTES, offset))
    except OSError:
        return "", ""  # it went, or was closed to us, since it was read: its content will tell
    if is_packed(head) or len(tail) < min(_END_BYTES, offset) or not tail.endswith(b"\n"):
        return "", ""
    return blake2b(head, digest_size=12).hexdigest(), blake2b(tail, digest_size=12).hexdigest()
