"""``footfall spark plan``: what a job will take, before it is paid for."""

from typing import Annotated

from cyclopts import Parameter, validators

from footfall.apps.cli.output import Output, notes, print_rows
from footfall.core.aws.prices import AS_OF, REGION
from footfall.core.spark_plan import ASSUMED, MEASURED, services_of
from footfall.core.spark_plan import plan as planned_for

__all__ = ["plan"]

ABOVE_ZERO = validators.Number(gt=0)


def plan(
    *,
    events: Annotated[int, Parameter(validator=ABOVE_ZERO)],
    hours: Annotated[float, Parameter(validator=ABOVE_ZERO)] = 1.0,
    cores: Annotated[int, Parameter(validator=ABOVE_ZERO)] = 4,
    output: Output | None = None,
) -> None:
    """Say how many executors a replay needs, how long it takes, and what Glue and EMR Serverless bill.

    Examples:
      footfall spark plan --events 1000000000
      footfall spark plan --events 250000000 --hours 0.5 --cores 8

    Parameters
    ----------
    events: int
        How many events the raw archive holds of the time in question.
    hours: float
        Within how long it shall be done, start-up not counted.
    cores: int
        Cores of an executor.
    """
    output = output or Output()
    planned = planned_for(events, within_hours=hours, cores=cores)
    services = services_of(planned)
    whole = {
        "plan": planned._asdict(),
        "services": [each._asdict() for each in services],
        "measured": MEASURED._asdict(),
        "assumed": ASSUMED._asdict(),
        "prices": {"region": REGION, "as_of": AS_OF},
    }
    rows: list[list[object]] = [[name, value] for name, value in planned._asdict().items()]
    rows += [[f"{each.name}: {each.workers} workers, USD", each.usd] for each in services]
    rows += [[f"{each.name}: USD per million events", each.usd_per_million] for each in services]
    print_rows(["what", "value"], rows, output.format, whole=whole)
    if output.format == "table":
        notes.print(
            f"Measured: {MEASURED.events_per_core_second:,.0f} events a core-second, "
            f"{MEASURED.python_mib} MB a Python worker ({MEASURED.on}).\n"
            f"Assumed: {ASSUMED.efficiency:.0%} of the cores' time used, {ASSUMED.start_seconds:.0f} s to "
            f"start, {ASSUMED.heap_mib} MB of heap, {ASSUMED.shuffled_bytes} bytes an event shuffled.\n"
            f"List prices of {REGION}, {AS_OF}: check them.",
            style="dim",
        )
