"""The exact answers about a world's access log, from the requests' columns; bots are left out."""

from collections import Counter, defaultdict
from datetime import timedelta

from footfall.simulate.accesslogs import LogKind, logged
from footfall.simulate.columns import DAY, SECOND
from footfall.simulate.requests import BOTS_FROM, TARGETS, addresses
from footfall.simulate.truth import Answer, answer
from footfall.simulate.world import World

__all__ = ["log_truth"]

PAUSE = 30 * 60
Visitor = tuple[str, int, int]  # address, agent, day: who is counted in a log without ids


def log_truth(world: World, kind: LogKind = "combined", *, files_only: bool = False) -> dict[str, Answer]:
    """Return the exact answers about ``access_log`` with the same arguments, in the form of ``truth``.

    A visitor is an address with a user agent, for a day. An open of an object is an answer 200 to a
    GET, or 206 when the visitor got nothing of the object in the 30 minutes before it.
    """
    asked: Counter[int] = Counter()
    sent: Counter[int] = Counter()
    days: dict[int, set[Visitor]] = defaultdict(set)
    objects: dict[int, Counter[str]] = defaultdict(Counter)
    served: dict[tuple[int, Visitor], list[tuple[int, int]]] = defaultdict(list)
    for part in logged(world, kind, files_only):
        columns = (
            ((part.time - world.origin) // SECOND).tolist(),
            addresses(world, part.host),
            part.method.tolist(),
            part.target.tolist(),
            part.status.tolist(),
            part.size.tolist(),
            part.agent.tolist(),
        )
        for second, ip, method, target, status, size, agent in zip(*columns, strict=True):
            if agent >= BOTS_FROM:
                continue
            day = second * SECOND // DAY
            visitor = (ip, agent, day)
            asked[status] += 1
            sent[status] += size
            days[day].add(visitor)
            objects[target].update(requests=1, bytes=size)
            if method == 0 and status in (200, 206):
                served[target, visitor].append((second, status))
    for (target, _), answers in served.items():
        opened = _opens(answers)
        objects[target].update(opens=opened, visitors=opened > 0)
    total = sum(asked.values())
    statuses = [[status, n, n / total, sent[status]] for status, n in asked.items()]
    names = ("opens", "requests", "bytes", "visitors")
    opens = [[TARGETS[target], *(counts[name] for name in names)] for target, counts in objects.items()]
    return {
        "status_codes": answer(
            "status_codes",
            "status requests share bytes",
            sorted(statuses, key=lambda row: (-row[1], row[0])),
        ),
        "top_objects": answer(
            "top_objects",
            "object opens requests bytes visitors",
            sorted(opens, key=lambda row: (-row[1], -row[2], row[0])),
            limit="10000",
        ),
        "daily_active_users": answer(
            "daily_active_users",
            "day visitors",
            [
                [(world.start + timedelta(days=day)).isoformat(), len(who)]
                for day, who in sorted(days.items())
            ],
        ),
    }


def _opens(answers: list[tuple[int, int]]) -> int:
    """Count the opens among one visitor's (second, status) answers for one object."""
    opened, before = 0, -PAUSE - 1
    for second, status in sorted(answers):
        opened += status == 200 or second > before + PAUSE
        before = second
    return opened
