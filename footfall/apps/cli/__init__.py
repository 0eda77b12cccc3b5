"""The command line: one file per command, loaded only when it is called."""

import ast
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cyclopts import App

import footfall
from footfall.errors import FootfallError

__all__ = ["COMMANDS", "GROUPS", "app", "main", "run"]


class Group(NamedTuple):
    """Commands with a word before them; each by its module, below ``apps``, and its function."""

    help: str
    commands: Mapping[str, str]


COMMANDS = {
    "up": "cli.up:up",
    "demo": "cli.demo:demo",
    "simulate": "cli.simulate:simulate",
    "import": "cli.import_files:import_files",
    "imports": "cli.imports:list_imports",
    "metrics": "cli.metrics:metrics",
    "metric": "cli.metrics:metric",
    "sql": "cli.sql:sql",
    "compare": "cli.compare:compare",
    "reconcile": "cli.reconcile:reconcile",
    "ledger": "cli.ledger:ledger",
    "trace": "cli.trace:trace",
    "doctor": "cli.doctor:doctor",
    "settings": "cli.settings:settings",
}
GROUPS = {
    "rejected": Group(
        "Rejected events: list them, look at one, take them in again.",
        {
            "list": "cli.rejected:list_rejected",
            "show": "cli.rejected:show_rejected",
            "retry": "cli.rejected:retry_rejected",
        },
    ),
    "export": Group(
        "Copies out: tables in MySQL, PostgreSQL, SQLite, kept up to date; Parquet and CSV files.",
        {
            "mysql": "cli.export:export_mysql",
            "postgres": "cli.export:export_postgres",
            "sqlite": "cli.export:export_sqlite",
            "parquet": "cli.export_files:export_parquet",
            "csv": "cli.export_files:export_csv",
        },
    ),
    "aws": Group(
        "The same platform in your AWS account, from code; and what it would cost.",
        {
            "synth": "cli.aws:synth",
            "diff": "cli.aws:diff",
            "deploy": "cli.aws:deploy",
            "destroy": "cli.aws:destroy",
            "outputs": "cli.aws:outputs",
            "cost": "cli.aws:cost",
            "replay": "cli.aws_replay:replay",
            "migrate": "cli.aws_migrate:migrate",
            "emulate": "cli.aws_emulate:emulate",
        },
    ),
    "schedule": Group(
        "Jobs by the clock: any footfall command, run while footfall is up.",
        {
            "add": "cli.schedule:add_job",
            "list": "cli.schedule:list_jobs",
            "show": "cli.schedule:show_job",
            "history": "cli.schedule:show_history",
            "run": "cli.schedule:run_job",
            "pause": "cli.schedule:pause_job",
            "resume": "cli.schedule:resume_job",
            "remove": "cli.schedule:remove_job",
        },
    ),
    "alerts": Group("Who is told when a job fails.", {"test": "cli.alerts:send_test"}),
    "spark": Group(
        "The same pipeline on Spark, when one machine is not enough.",
        {
            "replay": "spark.commands:replay",
            "import": "spark.commands:import_logs",
            "compact": "spark.commands:compact_lake",
            "metric": "spark.outputs:metric",
            "etl": "spark.outputs:etl",
            "mysql": "spark.outputs:mysql",
            "plan": "spark.plan:plan",
        },
    ),
}


def _command_line(listed: Sequence[str] | None = None) -> App:
    """Return all commands; ``listed`` are the words before those that are shown with what they do."""
    made = App(
        name="footfall",
        help="A clickstream platform: takes in what people do on a site, loses none of it, and answers.",
        version=footfall.__version__,
        help_format="plaintext",
    )
    _fill(made, COMMANDS, listed == [])
    for name, (text, commands) in GROUPS.items():
        group = App(name=name, help=text)
        _fill(group, commands, listed == [name])
        made.command(group)
    return made


def _fill(group: App, commands: Mapping[str, str], listed: bool) -> None:
    for name, place in commands.items():
        help = _summary(place) if listed else None  # else a command's own help says all of it
        group.command(f"footfall.apps.{place}", name=name, help=help)


def _summary(place: str) -> str:
    """Return the first line of what a command says of itself; importing them all would take a second."""
    module, _, name = place.partition(":")
    path = Path(__file__).parents[1].joinpath(*module.split(".")).with_suffix(".py")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    raise LookupError(place)


app = _command_line()


def main() -> None:
    """Run the command that this process was called with."""
    words = [word for word in sys.argv[1:] if word not in app.help_flags]
    run(_command_line(words))


def run(command: Callable[[], object]) -> None:
    """Run one command; an error of ours is a message on stderr and exit code 1, never a trace."""
    try:
        command()
    except FootfallError as error:
        print(f"footfall: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(75 if error.retryable else 1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
