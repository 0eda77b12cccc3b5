"""Runs of Glue jobs, started and looked at."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from footfall.adapters.aws.piecemeal import Bounds, Failure, Patience, failure_of, send_piecemeal
from footfall.errors import AwsRefused, JobNotStarted

__all__ = ["JobRun", "job_run", "start_job"]

BUSY = "ConcurrentRunsExceededException"  # as many runs as the job may have are under way
PATIENCE = Patience(seconds=60.0, first_pause=1.0, longest_pause=15.0)


def start_job(name: str, arguments: Mapping[str, str], client: Any, patience: Patience = PATIENCE) -> str:
    """Start a job, with arguments beside its own; return the run's id. Raises JobNotStarted.

    It waits while another run is under way, for what lists its files first would pass over ours.
    """
    runs: list[str] = []

    def start(jobs: Sequence[str]) -> Mapping[int, Failure]:
        try:
            for job in jobs:
                answer = client.start_job_run(JobName=job, Arguments=dict(arguments))
                runs.append(answer["JobRunId"])
        except client.exceptions.ClientError as error:
            failure = failure_of(error)
            return {0: failure._replace(for_now=failure.for_now or failure.reason.startswith(BUSY))}
        return {}

    failed = send_piecemeal([name], start, lambda _: 0, Bounds(1, 1), patience)
    if failed:
        raise JobNotStarted(job=name, cause=failed[0].reason)
    return runs[0]


class JobRun(NamedTuple):
    """A run: its state in Glue's words, how long it has run, and why it failed, if it did."""

    state: str
    seconds: int
    error: str

    @property
    def over(self) -> bool:
        """Whether nothing more will become of it."""
        return self.state not in ("STARTING", "RUNNING", "WAITING", "STOPPING")


def job_run(name: str, run: str, client: Any) -> JobRun:
    """Return how a run is doing. Raises AwsRefused when Glue does not say."""
    pauses = PATIENCE.pauses(PATIENCE.clock())
    while True:
        try:
            told = client.get_job_run(JobName=name, RunId=run)["JobRun"]
        except Exception as error:
            failure = failure_of(error)
            if not failure.for_now or next(pauses, None) is None:
                raise AwsRefused(what=f"the state of the run {run}", cause=failure.reason) from error
        else:
            return JobRun(
                told["JobRunState"], int(told.get("ExecutionTime", 0)), told.get("ErrorMessage", "")
            )
