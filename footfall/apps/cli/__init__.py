"""The command line: one file per command, loaded only when it is called."""

import sys
from collections.abc import Callable

from cyclopts import App

import footfall
from footfall.errors import FootfallError

__all__ = ["app", "main", "run"]

COMMANDS = {
    "up": "up:up",
    "demo": "demo:demo",
    "simulate": "simulate:simulate",
    "import": "import_files:import_files",
    "imports": "imports:list_imports",
    "metrics": "metrics:metrics",
    "metric": "metrics:metric",
    "sql": "sql:sql",
    "compare": "compare:compare",
    "reconcile": "reconcile:reconcile",
    "ledger": "ledger:ledger",
    "trace": "trace:trace",
    "doctor": "doctor:doctor",
    "settings": "settings:settings",
}
EXPORTS = {"mysql": "export_mysql", "postgres": "export_postgres", "sqlite": "export_sqlite"}
FILES = {"parquet": "export_parquet", "csv": "export_csv"}
SCHEDULE = {
    "add": "add_job",
    "list": "list_jobs",
    "show": "show_job",
    "history": "show_history",
    "run": "run_job",
    "pause": "pause_job",
    "resume": "resume_job",
    "remove": "remove_job",
}
AWS = ("synth", "diff", "deploy", "destroy", "outputs", "cost")
AWS_DATA = {
    "replay": "aws_replay:replay",
    "migrate": "aws_migrate:migrate",
    "emulate": "aws_emulate:emulate",
}
SPARK = {
    "replay": "commands:replay",
    "import": "commands:import_logs",
    "compact": "commands:compact_lake",
    "metric": "outputs:metric",
    "etl": "outputs:etl",
    "mysql": "outputs:mysql",
    "plan": "plan:plan",
}
REJECTED = {"list": "list_rejected", "show": "show_rejected", "retry": "retry_rejected"}

app = App(
    name="footfall",
    help="A clickstream platform: takes in what people do on a site, loses none of it, and answers.",
    version=footfall.__version__,
    help_format="plaintext",
)
for _name, _place in COMMANDS.items():
    app.command(f"{__name__}.{_place}", name=_name)
_aws = App(name="aws", help="The same platform in your AWS account, from code; and what it would cost.")
for _name in AWS:
    _aws.command(f"{__name__}.aws:{_name}", name=_name)
for _name, _place in AWS_DATA.items():
    _aws.command(f"{__name__}.{_place}", name=_name)
app.command(_aws)
_spark = App(name="spark", help="The same pipeline on Spark, when one machine is not enough.")
for _name, _place in SPARK.items():
    _spark.command(f"footfall.apps.spark.{_place}", name=_name)
app.command(_spark)
_rejected = App(name="rejected", help="Rejected events: list them, look at one, take them in again.")
for _name, _function in REJECTED.items():
    _rejected.command(f"{__name__}.rejected:{_function}", name=_name)
app.command(_rejected)
_export = App(
    name="export",
    help="Copies out: tables in MySQL, PostgreSQL, SQLite, kept up to date; Parquet and CSV files.",
)
for _name, _function in EXPORTS.items():
    _export.command(f"{__name__}.export:{_function}", name=_name)
for _name, _function in FILES.items():
    _export.command(f"{__name__}.export_files:{_function}", name=_name)
app.command(_export)
_schedule = App(name="schedule", help="Jobs by the clock: any footfall command, run while footfall is up.")
for _name, _function in SCHEDULE.items():
    _schedule.command(f"{__name__}.schedule:{_function}", name=_name)
app.command(_schedule)
_alerts = App(name="alerts", help="Who is told when a job fails.")
_alerts.command(f"{__name__}.alerts:send_test", name="test")
app.command(_alerts)


def main() -> None:
    """Run the command that this process was called with."""
    run(app)


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
