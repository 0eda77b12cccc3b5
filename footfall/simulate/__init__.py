"""People with behaviour, and the exact answers about them.

The entry functions: ``simulate`` makes a world; ``ndjson``, ``access_log`` and ``live`` write what
happens in it; ``truth``, ``log_truth`` and ``gaps_truth`` answer for it. Nothing here touches a disk
or a clock.
"""

from footfall.simulate.accesslogs import LogKind, access_log
from footfall.simulate.encode import ndjson
from footfall.simulate.gaps_truth import gaps_truth
from footfall.simulate.live import live
from footfall.simulate.log_truth import log_truth
from footfall.simulate.truth import truth
from footfall.simulate.unseen import Gaps
from footfall.simulate.world import World, simulate

__all__ = [
    "Gaps",
    "LogKind",
    "World",
    "access_log",
    "gaps_truth",
    "live",
    "log_truth",
    "ndjson",
    "simulate",
    "truth",
]
