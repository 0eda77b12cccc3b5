"""People with behaviour, and the exact answers about them.

The entry functions: ``simulate`` makes a world; ``ndjson``, ``access_log`` and ``live`` write what
happens in it; ``truth`` and ``log_truth`` answer for it. Nothing here touches a disk or a clock.
"""

from footfall.simulate.accesslogs import LogKind, access_log
from footfall.simulate.encode import ndjson
from footfall.simulate.live import live
from footfall.simulate.log_truth import log_truth
from footfall.simulate.truth import truth
from footfall.simulate.world import World, simulate

__all__ = ["LogKind", "World", "access_log", "live", "log_truth", "ndjson", "simulate", "truth"]
