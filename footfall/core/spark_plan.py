"""How large a Spark job will be: executors, memory, time and cost, from rates that were measured; pure.

What was measured stands in ``MEASURED`` (``python -m bench spark`` measures it again), what was not in
``ASSUMED`` with its reason; prices are ``core.aws.prices``'s.
"""

import math
from typing import NamedTuple

from footfall.core.aws.prices import SPARK_PRICES

__all__ = ["ASSUMED", "MEASURED", "Assumed", "Measured", "Plan", "Service", "plan", "services_of"]

GLUE_CORES = 4  # of a G.1X worker, which is one DPU and has 16 GB
GLUE_LEAST_HOURS = 1 / 60


class Measured(NamedTuple):
    """A replay on one machine, with every rule, repeats and sessions: events a core-second, and memory."""

    events_per_core_second: float = 11_000.0
    python_mib: int = 300  # the largest Python worker; a tenth of the events took 270
    on: str = "2026-11-21, 600,000 events, 2 crowded cores, pyspark 4.3"


class Assumed(NamedTuple):
    """What only your cluster knows."""

    efficiency: float = 0.7  # cores wait for the last task of a stage, and for the network
    start_seconds: float = 90.0  # until the first task runs: machines, Java, Python, lookups
    heap_mib: int = 1_024  # of Java, for each core
    overhead: float = 0.1  # Spark's own share for what is outside the heap
    shuffled_bytes: int = 700  # of an event on the executors' disks: its row and its narrow columns


MEASURED, ASSUMED = Measured(), Assumed()


class Plan(NamedTuple):
    """So many executors of ``cores`` and ``memory_mib`` (heap, Python and overhead), for so long."""

    events: int
    executors: int
    cores: int
    memory_mib: int
    disk_gib: int
    hours: float
    core_hours: float


class Service(NamedTuple):
    """What a service bills for a plan: ``workers`` of its size, the driver among them, for ``usd``."""

    name: str
    workers: int
    usd: float
    usd_per_million: float


def plan(events: int, *, within_hours: float = 1.0, cores: int = 4, measured: Measured = MEASURED) -> Plan:
    """Return what it takes to replay so many events within about so many hours."""
    core_seconds = events / (measured.events_per_core_second * ASSUMED.efficiency)
    executors = max(1, math.ceil(core_seconds / (within_hours * 3_600 * cores)))
    hours = (core_seconds / (executors * cores) + ASSUMED.start_seconds) / 3_600
    memory = math.ceil(cores * (ASSUMED.heap_mib + measured.python_mib) * (1 + ASSUMED.overhead))
    disk = math.ceil(events * ASSUMED.shuffled_bytes / executors / 2**30)
    return Plan(events, executors, cores, memory, disk, hours, core_seconds / 3_600)


def services_of(planned: Plan) -> list[Service]:
    """Return what Glue, Glue that waits for spare machines, and EMR Serverless bill, driver included."""
    glue_workers = 1 + math.ceil(planned.executors * planned.cores / GLUE_CORES)
    glue_hours = max(planned.hours, GLUE_LEAST_HOURS)
    emr_workers = 1 + planned.executors
    emr_hour = (
        planned.cores * SPARK_PRICES["emr_vcpu"].usd
        + planned.memory_mib / 1_024 * SPARK_PRICES["emr_gb"].usd
    )
    bills = [
        ("Glue, G.1X", glue_workers, glue_workers * glue_hours * SPARK_PRICES["glue"].usd),
        ("Glue Flex, G.1X", glue_workers, glue_workers * glue_hours * SPARK_PRICES["glue_flex"].usd),
        ("EMR Serverless", emr_workers, emr_workers * planned.hours * emr_hour),
    ]
    return [Service(name, workers, usd, usd / planned.events * 1e6) for name, workers, usd in bills]
