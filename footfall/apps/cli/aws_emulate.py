"""``footfall aws emulate``: the AWS path on this machine, compared row by row with the embedded one."""

import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from footfall.apps.cli.output import Format, console, notes, print_rows
from footfall.errors import BadSettings

if TYPE_CHECKING:
    from footfall.testing.aws.emulation import Deployment, Emulation, Watch

__all__ = ["emulate"]

MEASURED = ("what", "unit", "measured", "limit")
COMPARED = ("store", "what", "embedded", "emulated", "not equal", "verdict")
FLUSH_SECONDS = 2.0
SAID = "Emulated on this machine: no AWS account is asked, and nothing here is a proof of AWS itself."


def emulate(
    *,
    events: int = 20_000,
    port: int = 0,
    serve: Annotated[bool, Parameter(negative="")] = False,
    keep: Path | None = None,
    stand_ins: Path | None = None,
    format_: Annotated[Format, Parameter(name="--format")] = "table",
) -> None:
    """Run the AWS path on this machine, and compare every row with the embedded path; no account is asked.

    Needs a checkout of the project, node, Java 17 and MariaDB; "make emulators" fetches the stand-ins. What
    runs are the bundles that a deployment uploads. The exit code is 1 when a row or a limit is not kept.

    Examples:
      footfall aws emulate
      footfall aws emulate --events 2000 --serve --port 8080

    Parameters
    ----------
    events: int
        How many simulated events are sent.
    port: int
        Port of the API; any free one when not given.
    serve: bool
        Go on until Ctrl-C: send events of your own, and look into the stores.
    keep: Path
        Folder for the run's files (logs of the functions, bundles), which then stay.
    stand_ins: Path
        Folder with the stand-ins, laid out as tests/aws of the checkout.
    format_: str
        table for people, json or csv for the next program.
    """
    _check(events, keep)
    from footfall.testing.aws.parts import find_parts
    from footfall.testing.aws.servers import own_environment

    parts = find_parts(stand_ins)
    for name in (signal.SIGTERM, signal.SIGHUP):  # nothing that was started may stay
        signal.signal(name, signal.default_int_handler)
    began = time.monotonic()
    with _folder(keep) as folder, own_environment():
        from footfall.testing.aws.emulation import emulation
        from footfall.testing.aws.sample import make_sample

        notes.print(SAID)
        sample = make_sample(events)
        with ExitStack() as running:
            with _watching() as watch:
                made = running.enter_context(emulation(parts, folder, sample, watch, port))
            faults = _told(made, format_)
            notes.print(f"Took {time.monotonic() - began:.0f} s. {made.again} batches came again.")
            if serve:
                _serve(made)
    if faults:
        hint = "" if keep else " Run it again with --keep FOLDER to look at the functions' logs."
        notes.print(f"Not as it must be: {'; '.join(faults)}.{hint}", markup=False)
        sys.exit(1)


def _check(events: int, keep: Path | None) -> None:
    if events < 1:
        raise BadSettings(problems="--events is 1 or more")
    if keep and keep.exists() and any(keep.iterdir()):
        raise BadSettings(problems=f"--keep {keep} holds something; name a folder that is not there yet")


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Give the folder to keep, or one that is gone at the block's end."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="footfall-aws-") as name:
            yield Path(name)
        return
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.absolute()


@contextmanager
def _watching() -> Iterator["Watch"]:
    """Give what shows a bar for each stage, one below the other; the last is ended at the block's end."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=notes,
    )
    shown: dict[str, TaskID] = {}

    def end() -> None:
        for task in bar.tasks:
            if not task.finished:
                bar.update(task.id, total=task.completed or 1, completed=task.completed or 1)

    def watch(stage: str, done: int, total: int) -> None:
        if stage not in shown:
            end()
            shown[stage] = bar.add_task(stage, total=None)
        bar.update(shown[stage], completed=done, total=total or None)

    with bar:
        yield watch
        end()


def _told(made: "Emulation", style: Format) -> list[str]:
    """Print what came out; return what is not as it must be."""
    from footfall.testing.aws.bundles import PYTHON

    measured = _measured(made.deployment)
    compared = [
        [
            each.store,
            each.rows,
            each.expected,
            each.found,
            each.unequal,
            "equal" if each.equal else "DIFFERS",
        ]
        for each in made.compared
    ]
    if style == "table":
        title = f"Bundles, made for Python {PYTHON} (Lambda's is 3.12)"
        print_rows(MEASURED, measured, style, title=title)
    whole = {
        "python": PYTHON,
        "measured": [dict(zip(MEASURED, each, strict=True)) for each in measured],
        "compared": [{**msgspec.to_builtins(each), "equal": each.equal} for each in made.compared],
    }
    print_rows(COMPARED, compared, style, title="Row by row, against the embedded path", whole=whole)
    over = [
        f"{what} has {value:.1f} {unit}" for what, unit, value, most in measured if most and value > most
    ]
    unequal = [f"{each.store}, {each.rows}: {each.example}" for each in made.compared if not each.equal]
    return over + unequal


def _measured(deployment: "Deployment") -> list[tuple[str, str, float, int | None]]:
    """Return what was measured of the bundles, each with its unit and limit."""
    from footfall.testing.aws.bundles import IMPORT_LIMIT_MS, LIMITS_MIB

    imported = deployment.imported
    return [
        *(
            (f"bundle {name}", "MiB unpacked", size, LIMITS_MIB[name])
            for name, size in deployment.sizes.items()
        ),
        ("import of collect", "ms of processor time", imported.work, IMPORT_LIMIT_MS),
        ("import of collect", "ms by the clock, fastest", imported.least, None),
        ("import of collect", "ms by the clock, median", imported.median, None),
    ]


def _serve(made: "Emulation") -> None:
    """Tell where everything listens, and go on until Ctrl-C."""
    from footfall.testing.aws.sample import KEY, ORIGIN

    servers = made.account.servers
    told = [
        ["events (HTTP API)", made.events.url],
        ["executions (HTTP API)", made.workflow.url],
        ["S3, SQS, Secrets Manager, Step Functions, Glue (moto)", servers.moto],
        ["Kinesis (kinesis-local)", servers.kinesis],
        ["OpenSearch", servers.search],
        ["DynamoDB (DynamoDB Local)", servers.dynamodb],
        ["MySQL (MariaDB), database footfall", made.mysql.url("footfall")],
    ]
    print_rows(["what", "address"], told, "table")
    body = '{"event": "page_view", "url": "https://shop.example/"}'
    console.print(
        f"curl -sS {made.events.url}/v1/events -H 'X-Write-Key: {KEY}' -H 'Origin: {ORIGIN}' -d '{body}'\n"
        f"curl -sS '{servers.search}/footfall-events/_search?sort=received_at:desc&size=1'\n"
        f"AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_REGION=eu-central-1 "
        f"aws --endpoint-url {servers.moto} s3 ls --recursive s3://lake/events/",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip
    notes.print("Runs until Ctrl-C.")
    try:
        while True:
            time.sleep(FLUSH_SECONDS)
            made.events.delivery.flush()
    except KeyboardInterrupt:
        notes.print("Stopping.")
