"""``footfall schedule``: jobs by the clock. The jobs' file is read and written here, running or not."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import structlog
from cyclopts import CycloptsError, Parameter

from footfall.apps.cli import app as every_command
from footfall.apps.cli.output import Folder, Format, Output, console, notes, print_json, print_rows
from footfall.compose import open_jobs
from footfall.core.schedule import EVERY
from footfall.core.secrets import masked_command
from footfall.errors import BadSchedule

__all__ = [
    "add_job",
    "list_jobs",
    "pause_job",
    "remove_job",
    "resume_job",
    "run_job",
    "show_history",
    "show_job",
]

NEVER_ENDING = ("up", "demo", "schedule")
JOBS = ("name", "command", "when", "next (UTC)", "last", "seconds")
RUNS = ("due (UTC)", "cause", "state", "seconds", "said")  # fits in 80 columns

Word = Annotated[str, Parameter(allow_leading_hyphen=True)]


def add_job(
    name: str,
    /,
    *command: Word,
    cron: str | None = None,
    every: Literal["hourly", "daily", "weekly", "monthly"] | None = None,
    timezone: str = "UTC",
    time_limit: float | None = None,
    folder: Folder | None = None,
) -> None:
    """Add a job: any footfall command, by cron or by a short name for it.

    Relative paths in the command begin at the folder that this is called in.

    Examples:
      footfall schedule add weekly import s3 s3://bucket/logs --cron "0 6 * * 1"
      footfall schedule add mart export mysql --url mysql://user:pass@db/x --every hourly

    Parameters
    ----------
    name: str
        What the job is called from now on.
    command: str
        The command line without "footfall"; its own options are passed on as they stand.
    cron: str
        Minute, hour, day, month, weekday.
    every: str
        Instead of --cron: on the hour, at midnight, at midnight before Sunday or the first.
    timezone: str
        Whose clock --cron means, such as Europe/Berlin; summer time is minded.
    time_limit: float
        Seconds after which a run is stopped; schedule.time_limit_seconds when not given.
    """
    if (cron is None) == (every is None):
        raise BadSchedule(cause="it is not said when", hint="Give either --cron or --every")
    _check(command)
    when = cron if cron is not None else EVERY[str(every)]
    with open_jobs(folder.data if folder else None, create=True) as jobs:
        job = jobs.add(name, command, when, timezone, str(Path.cwd()), time_limit)
    notes.print(f"{name}: {job['when']} ({timezone}), next {_moment(job['next_at'])} UTC", markup=False)


def list_jobs(*, output: Output | None = None) -> None:
    """List the jobs with when they come next and what became of the last run.

    Example: footfall schedule list
    """
    output = output or Output()
    with open_jobs(output.data) as jobs:
        found = jobs.all()
    if output.format == "table":
        print_rows(JOBS, [_job_row(job) for job in found], "table")
    else:
        _print_all(found, output.format)


def show_job(name: str, /, *, output: Output | None = None) -> None:
    """Show one job, and what its last run printed.

    Example: footfall schedule show weekly

    Parameters
    ----------
    name: str
        As "footfall schedule list" prints it.
    """
    output = output or Output()
    with open_jobs(output.data) as jobs:
        job = jobs.show(name)
    if output.format != "table":
        print_rows(list(job), [list(job.values())], output.format, whole=job)
        return
    last = job.pop("last")
    for field, value in job.items():
        shown = f"{_moment(value)} UTC" if field.endswith("_at") and value else value
        console.print(f"{field:<12}{shown}", markup=False)
    if last:
        console.print(f"{'last run':<12}{_moment(last['due_at'])} UTC, {last['state']}", markup=False)
        console.print(last["said"], markup=False)


def show_history(name: str, /, *, limit: int = 20, output: Output | None = None) -> None:
    """Show a job's runs, newest first.

    Example: footfall schedule history weekly --limit 50

    Parameters
    ----------
    name: str
        As "footfall schedule list" prints it.
    limit: int
        Most rows; schedule.keep_runs says how many are kept.
    """
    output = output or Output()
    with open_jobs(output.data) as jobs:
        runs = jobs.history(name, limit)
    if output.format == "table":
        print_rows(RUNS, [_run_row(run) for run in runs], "table")
    else:
        _print_all(runs, output.format)


def run_job(name: str, /, *, output: Output | None = None) -> None:
    """Run a job now and wait for its end; the exit code is 1 when it failed.

    The running platform runs it; when there is none, this command does.

    Example: footfall schedule run weekly

    Parameters
    ----------
    name: str
        As "footfall schedule list" prints it.
    """
    output = output or Output()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with open_jobs(output.data) as jobs:
        run = jobs.run_through(name)
    if output.format == "table":
        seconds = "" if run["seconds"] is None else f" after {run['seconds']:.1f} s"
        console.print(f"{name}: {run['state']}{seconds}", markup=False)
        console.print(run["said"], markup=False)
    else:
        print_rows(list(run), [list(run.values())], output.format, whole=run)
    if run["state"] != "ok":
        sys.exit(1)


def pause_job(name: str, /, *, output: Output | None = None) -> None:
    """Run a job no more until it is resumed; a run under way goes on.

    Example: footfall schedule pause weekly

    Parameters
    ----------
    name: str
        As "footfall schedule list" prints it.
    """
    _switch(name, True, output or Output())


def resume_job(name: str, /, *, output: Output | None = None) -> None:
    """Run a job again, from the next time that it comes.

    Example: footfall schedule resume weekly

    Parameters
    ----------
    name: str
        As "footfall schedule list" prints it.
    """
    _switch(name, False, output or Output())


def remove_job(name: str, /, *, output: Output | None = None) -> None:
    """Forget a job and its history; a run under way is stopped.

    Example: footfall schedule remove weekly

    Parameters
    ----------
    name: str
        As "footfall schedule list" prints it.
    """
    output = output or Output()
    with open_jobs(output.data) as jobs:
        jobs.remove(name)
    if output.format == "json":
        print_json({"removed": name})
    else:
        notes.print(f"{name} is removed", markup=False)


def _check(command: tuple[str, ...]) -> None:
    """Parse the command as the command line will; raise BadSchedule where it would fail."""
    hint = '"footfall --help" lists the commands, each has its own --help'
    if not command or command[0] in NEVER_ENDING:
        cause = f"{command[0]} is no command that ends" if command else "no command is given"
        raise BadSchedule(cause=cause, hint=hint)
    try:
        function, *_ = every_command.parse_args(command, print_error=False, exit_on_error=False)
    except CycloptsError as error:
        line = masked_command(command)
        cause = " ".join(str(error).split()).rstrip(".")
        raise BadSchedule(cause=f"footfall {line}: {cause}", hint=hint) from None
    if not getattr(function, "__module__", "").startswith("footfall.apps.cli."):
        raise BadSchedule(cause=f"footfall {masked_command(command)} does no work", hint=hint)


def _switch(name: str, paused: bool, output: Output) -> None:
    with open_jobs(output.data) as jobs:
        job = jobs.switch(name, paused=paused)
    if output.format == "json":
        print_json(job)
    else:
        next_at = _moment(job["next_at"])
        notes.print(f"{name} is paused" if paused else f"{name}: next {next_at} UTC", markup=False)


def _print_all(found: list[dict[str, Any]], style: Format) -> None:
    columns = list(found[0]) if found else []
    print_rows(columns, [list(each.values()) for each in found], style, whole=found)


def _job_row(job: dict[str, Any]) -> list[Any]:
    last = job["last"] or {}
    next_at = "paused" if job["paused"] else _moment(job["next_at"])
    when = f"{job['when']}, {job['timezone']}"
    return [job["name"], job["command"], when, next_at, last.get("state"), last.get("seconds")]


def _run_row(run: dict[str, Any]) -> list[Any]:
    said = run["said"].rpartition("\n")[2]
    return [_moment(run["due_at"]), run["cause"], run["state"], run["seconds"], said[:100]]


def _moment(value: str | None) -> str:
    return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S}" if value else ""
