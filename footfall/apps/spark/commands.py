"""``footfall spark``: the same pipeline on as many machines as there are."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from cyclopts import Parameter

from footfall.adapters.addresses import address_of
from footfall.adapters.key_file import installation_key
from footfall.apps.cli.hours import hour_of
from footfall.apps.cli.output import Output, print_rows
from footfall.apps.spark.compaction import compact
from footfall.apps.spark.imports import Import, RulesOf, import_files
from footfall.apps.spark.lakes import job_lake
from footfall.apps.spark.landing import Hours, Landed, Target
from footfall.apps.spark.replay import Replay
from footfall.apps.spark.replay import replay as run_replay
from footfall.apps.spark.session import open_session
from footfall.errors import BadQuery
from footfall.settings import App, Settings, load_settings

__all__ = ["Cluster", "compact_lake", "hours_of", "import_logs", "replay", "rules_of"]


@Parameter(name="*")
@dataclass(frozen=True)
class Cluster:
    """Where the work is done."""

    master: str | None = None
    """spark://HOST:PORT, local[4], ...; what spark-submit gave, else all cores of this machine."""

    conf: Annotated[list[str] | None, Parameter(negative="")] = None
    """A Spark setting as NAME=VALUE; may be given several times."""

    def settings(self) -> dict[str, str]:
        """Return the Spark settings. Raises BadQuery for one that is none."""
        pairs = [each.partition("=") for each in self.conf or ()]
        for name, equals, _ in pairs:
            if not equals:
                raise BadQuery(cause=f"--conf {name} is not NAME=VALUE")
        return {name: value for name, _, value in pairs}


def replay(
    *,
    lake: str,
    raw: str | None = None,
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    to: str | None = None,
    late_days: int | None = None,
    gaps: Annotated[bool, Parameter(negative="")] = False,
    cluster: Cluster | None = None,
    output: Output | None = None,
) -> None:
    """Put raw events through today's rules into a lake; hours are replaced as a whole.

    Examples:
      footfall spark replay --lake /data/lake --from 2026-10-01 --to 2026-11-01
      footfall spark replay --raw s3://bucket/raw --lake s3://bucket/lake --master spark://head:7077

    Parameters
    ----------
    lake: str
        The lake: a folder that all machines see, or s3://BUCKET/PREFIX.
    raw: str
        The raw archive, a folder or s3://BUCKET/PATH; that of the data folder when not given.
    from_: str
        First hour of what happened, YYYY-MM-DD or YYYY-MM-DDTHH:00 (UTC); the beginning when not given.
    to: str
        The hour behind the last.
    late_days: int
        How many days after --to late events are looked for; to the archive's end when not given.
    gaps: bool
        Days without raw events are expected; else one is an error when --from and --to are given.
    """
    output = output or Output()
    settings = load_settings(flags={"data": output.data})
    wanted = Replay(
        raw=address_of(raw or str(settings.data / "raw")),
        lake=job_lake(lake),
        key=installation_key(settings.data / "keys"),
        scrub=tuple((name, tuple(app.scrub.items())) for name, app in settings.apps.items()),
        start=hour_of(from_, "--from"),
        end=hour_of(to, "--to"),
        late_days=late_days,
        gaps=gaps,
        file_bytes=settings.lake.flush_bytes,
    )
    cluster = cluster or Cluster()
    with open_session(cluster.master, cluster.settings()) as spark:
        landed = run_replay(spark, wanted, datetime.now(UTC).replace(tzinfo=None))
    _print(landed, output)


def import_logs(
    format: str,
    paths: list[str],
    /,
    *,
    lake: str,
    app: str = "default",
    cluster: Cluster | None = None,
    output: Output | None = None,
) -> None:
    """Add files to a lake, each read whole by one task; the same bytes are never read in twice.

    Rows and ids are as "footfall import" has them; personal data is masked with the data folder's key.

    Examples:
      footfall spark import s3 /mnt/logs --lake /mnt/lake --master spark://head:7077
      footfall spark import combined "/var/log/nginx/access*.gz" --lake /data/lake --app shop
      footfall spark import cloudfront s3://my-logs/cdn/2026-10 --lake s3://my-lake/site

    Parameters
    ----------
    format: str
        As of "footfall import".
    paths: list[str]
        Files, folders or globs that all machines see; s3://BUCKET/PREFIX or a glob of keys.
    lake: str
        The lake: a folder that all machines see, or s3://BUCKET/PREFIX.
    app: str
        The app that the rows belong to.
    """
    output = output or Output()
    settings = load_settings(flags={"data": output.data})
    rules = rules_of(settings, app)
    target = Target(job_lake(lake), file_bytes=settings.lake.flush_bytes)
    addresses = tuple(map(address_of, paths))
    wanted = Import(format=format, paths=addresses, rules=rules, target=target)
    cluster = cluster or Cluster()
    with open_session(cluster.master, cluster.settings()) as spark:
        landed = import_files(spark, wanted, datetime.now(UTC).replace(tzinfo=None))
    _print(landed, output)


def compact_lake(
    *,
    lake: str,
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    to: str | None = None,
    cluster: Cluster | None = None,
    output: Output | None = None,
) -> None:
    """Tidy a lake up: repeats over days out, sessions made anew, an hour's many files made one.

    Only hours that need it are written; the lake of a running platform needs it never.

    Example:
      footfall spark compact --lake /mnt/lake --from 2026-10-01 --to 2026-11-01

    Parameters
    ----------
    lake: str
        The lake: a folder that all machines see, or s3://BUCKET/PREFIX.
    from_: str
        First hour that may be written, YYYY-MM-DD or YYYY-MM-DDTHH:00 (UTC); the first when not given.
    to: str
        The hour behind the last.
    """
    output = output or Output()
    settings = load_settings(flags={"data": output.data})
    hours = hours_of(from_, to)
    target = Target(job_lake(lake), hours, file_bytes=settings.lake.flush_bytes)
    cluster = cluster or Cluster()
    with open_session(cluster.master, cluster.settings()) as spark:
        landed = compact(spark, target)
    _print(landed, output)


def rules_of(settings: Settings, app: str) -> RulesOf:
    """Return the rules that files of an app are imported by, with the installation's key."""
    return RulesOf(
        app=app,
        key=installation_key(settings.data / "keys"),
        scrub=tuple(settings.apps.get(app, App()).scrub.items()),
        geo_database=settings.loader.geo_database,
    )


def _print(landed: Landed, output: Output) -> None:
    told = msgspec.structs.asdict(landed)
    print_rows(list(told), [list(told.values())], output.format, whole=told)


def hours_of(from_: str | None, to: str | None) -> Hours:
    """Return the hours that --from and --to tell. Raises BadSettings."""
    return Hours.between(hour_of(from_, "--from"), hour_of(to, "--to"))
