"""Every setting, declared once. Help, docs and the example file are made from these classes.

A value comes from, weakest first: the default here, ``footfall.toml`` in the data folder or the
working folder, ``FOOTFALL_SECTION_NAME`` in the environment, a flag.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct

from footfall.core.scrub import Action, unknown_rules
from footfall.errors import BadSettings

__all__ = ["App", "SettingRow", "Settings", "load_settings", "setting_rows"]


OWN_PATH = r"^(/[A-Za-z0-9._~-]+)*\Z"


class Collector(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The public door."""

    address: Annotated[str, Meta(description="HOST:PORT to listen on; loopback needs no apps.")] = (
        "127.0.0.1:8000"
    )
    workers: Annotated[int, Meta(gt=0, le=64, description="Worker processes, each with its own log.")] = 1
    max_body_bytes: Annotated[int, Meta(gt=0, description="Largest request body, as sent.")] = 1_048_576
    max_unzipped_bytes: Annotated[int, Meta(gt=0, description="Largest body after gunzip.")] = 4_194_304
    rate_limit: Annotated[
        int, Meta(ge=0, description="Requests per second and sender network before 429; 0 is off.")
    ] = 0
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="Networks whose X-Forwarded-For is believed, e.g. 10.0.0.0/8."),
    ] = ("127.0.0.0/8", "::1/128")
    events_path: Annotated[
        str,
        Meta(pattern=OWN_PATH, description="A second path for POST /v1/events, e.g. /menu; or empty."),
    ] = ""
    script_path: Annotated[
        str,
        Meta(
            pattern=OWN_PATH,
            description="A second path for GET /footfall.js, e.g. /menu.js; or empty.",
        ),
    ] = ""


class Log(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The durable log and the raw archive."""

    max_bytes: Annotated[int, Meta(gt=0, description="Limit of one worker's log; beyond it 503.")] = (
        4_294_967_296
    )
    min_free_bytes: Annotated[int, Meta(ge=0, description="Free disk below which 503 is answered.")] = (
        268_435_456
    )
    archive_after_seconds: Annotated[
        int, Meta(ge=0, description="Age at which loaded records move to the raw archive.")
    ] = 600
    keep_raw_days: Annotated[int, Meta(ge=0, description="How long raw events are kept for replay.")] = 90


class Loader(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From the log to the warehouse."""

    batch_events: Annotated[int, Meta(gt=0, description="Most events of one transaction.")] = 60_000
    interval_seconds: Annotated[float, Meta(gt=0, description="Pause between looks at the log.")] = 0.2
    geo_database: Annotated[
        str, Meta(description="A MaxMind .mmdb of countries; empty uses the shipped table.")
    ] = ""


class WarehouseSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """DuckDB."""

    memory_limit: Annotated[str, Meta(description="DuckDB's memory limit; beyond it it spills.")] = "400MB"
    import_memory: Annotated[
        str, Meta(description="The same for footfall import on its own, which asks little of DuckDB.")
    ] = "96MB"
    query_seconds: Annotated[float, Meta(gt=0, description="Longest query before it is stopped.")] = 30.0
    query_rows: Annotated[int, Meta(gt=0, description="Most rows that a query gives back.")] = 100_000


class LakeSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The Parquet files."""

    enabled: Annotated[bool, Meta(description="Whether the lake is written at all.")] = True
    flush_bytes: Annotated[int, Meta(gt=0, description="Size at which a file is closed.")] = 67_108_864
    flush_seconds: Annotated[float, Meta(gt=0, description="Longest wait of a row for its file.")] = 60.0


class Console(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The private pages and API."""

    address: Annotated[str, Meta(description="HOST:PORT to listen on.")] = "127.0.0.1:8001"
    token: Annotated[str, Meta(description="Bearer token; demanded when the address is not loopback.")] = ""


class Schedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Jobs that ``up`` runs by the clock."""

    missed: Annotated[
        Literal["run", "note"],
        Meta(description="What becomes of runs missed while down: one run at start, or a note."),
    ] = "run"
    parallel: Annotated[int, Meta(gt=0, le=16, description="Most jobs at one time.")] = 2
    time_limit_seconds: Annotated[
        float, Meta(gt=0, description="Longest run of a job that has no limit of its own.")
    ] = 21_600.0
    keep_runs: Annotated[int, Meta(gt=0, description="Runs of each job that its history keeps.")] = 200


class Alerts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is told when a job fails."""

    urls: Annotated[
        tuple[str, ...],
        Meta(description="Apprise addresses, e.g. mailto://..., slack://..., json://host/path."),
    ] = ()
    min_interval_seconds: Annotated[
        float, Meta(ge=0, description="Shortest time between two alerts of one job's failures.")
    ] = 3_600.0


class Aws(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parts on AWS by their names there; the templates set them for each function."""

    stream: Annotated[str, Meta(description="Kinesis data stream that collect writes to.")] = ""
    firehose: Annotated[
        str, Meta(description="Firehose stream of the lake; without a stream, of collect.")
    ] = ""
    search: Annotated[str, Meta(description="OpenSearch endpoint (https://...); empty is none.")] = ""
    dead_letters: Annotated[str, Meta(description="URL of the SQS queue of what could not go on.")] = ""
    raw_bucket: Annotated[str, Meta(description="Bucket of raw events.")] = ""
    lake_bucket: Annotated[str, Meta(description="Bucket of the lake.")] = ""
    results_bucket: Annotated[str, Meta(description="Bucket of Athena's results.")] = ""
    state_table: Annotated[str, Meta(description="DynamoDB table of what was imported.")] = ""
    events_table: Annotated[str, Meta(description="DynamoDB table of events by person and time.")] = ""
    idempotency_table: Annotated[str, Meta(description="DynamoDB table of runs that are done.")] = ""
    salts_table: Annotated[str, Meta(description="DynamoDB table of the daily salts; no backups.")] = ""
    key_secret: Annotated[str, Meta(description="Secrets Manager's name of the installation's key.")] = ""
    edge_secret: Annotated[
        str,
        Meta(description="What CloudFront sends as X-Footfall-Edge; others are refused. Empty: no CDN."),
    ] = ""
    workgroup: Annotated[str, Meta(description="Athena workgroup.")] = ""
    database: Annotated[str, Meta(description="Glue database.")] = ""
    alerts_topic: Annotated[str, Meta(description="ARN of the SNS topic of alerts.")] = ""
    partitions: Annotated[
        Literal["hour", "datehour"],
        Meta(description="Folders of the lake: year=/month=/day=/hour=, or year/month/day/hour."),
    ] = "hour"
    replay_job: Annotated[str, Meta(description="Glue job that replays raw events.")] = ""


class App(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One app: ``[apps.NAME]``."""

    write_keys: Annotated[
        tuple[str, ...], Meta(description="Keys that senders show (X-Write-Key, Basic or Bearer).")
    ] = ()
    origins: Annotated[
        tuple[str, ...],
        Meta(description="Allowed Origin headers, e.g. https://shop.example; * is any."),
    ] = ()
    scrub: Annotated[
        dict[str, Action], Meta(description="Action per scrub rule: mask, hash, drop or keep.")
    ] = {}


class Watch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source that ``up`` goes on importing: ``[[watch]]``, as often as there are sources."""

    format: Annotated[str, Meta(description="As for footfall import; auto tells it by the first lines.")]
    path: Annotated[str, Meta(min_length=1, description="File, folder, glob or s3://BUCKET/PREFIX.")]
    app: Annotated[str, Meta(description="The app that the rows belong to.")] = "default"
    every_seconds: Annotated[float, Meta(gt=0, description="Pause between two looks at it.")] = 5.0


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them; ``data`` is the folder that everything lives in."""

    data: Annotated[Path, Meta(description="The data folder.")] = Path("footfall-data")
    collector: Collector = Collector()
    log: Log = Log()
    loader: Loader = Loader()
    warehouse: WarehouseSettings = WarehouseSettings()
    lake: LakeSettings = LakeSettings()
    console: Console = Console()
    schedule: Schedule = Schedule()
    alerts: Alerts = Alerts()
    aws: Aws = Aws()
    apps: dict[str, App] = {}
    watch: tuple[Watch, ...] = ()


class SettingRow(NamedTuple):
    """One declared setting, for help and docs."""

    name: str
    variable: str
    type: str
    default: object
    help: str


def _fields(struct: type[Struct]) -> Iterator[tuple[str, Any, str, object]]:
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        hint = hints[field.name]
        metas = [arg for arg in get_args(hint) if isinstance(arg, Meta)]
        text = next((meta.description for meta in metas if meta.description), "")
        default: object = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        elif field.required:
            default = ""
        yield field.name, hint, text, default


def _sections() -> Iterator[tuple[str, type[Struct]]]:
    for name, hint, _, default in _fields(Settings):
        if isinstance(default, Struct):
            yield name, hint


def setting_rows() -> list[SettingRow]:
    """Return every setting in declared order; those of ``[apps.NAME]`` and ``[[watch]]`` last."""

    def row(name: str, hint: Any, text: str, default: object, variable: str) -> SettingRow:
        kind = get_args(hint)[0] if get_args(hint) else hint
        return SettingRow(name, variable, getattr(kind, "__name__", str(kind)), default, text)

    rows = [
        row(name, hint, text, default, f"FOOTFALL_{name.upper()}")
        for name, hint, text, default in _fields(Settings)
        if name == "data"
    ]
    for section, struct in _sections():
        for name, hint, text, default in _fields(struct):
            variable = f"FOOTFALL_{section}_{name}".upper()
            rows.append(row(f"{section}.{name}", hint, text, default, variable))
    rows += [
        row(f"{section}.{name}", hint, text, default, "")
        for section, struct in (("apps.NAME", App), ("watch", Watch))
        for name, hint, text, default in _fields(struct)
    ]
    return rows


def _convert(value: object, hint: Any) -> object:
    if isinstance(value, str) and get_args(get_args(hint)[0]) and hint is not str:
        origin = get_args(hint)[0]
        if getattr(origin, "__origin__", None) is tuple:
            value = [part.strip() for part in value.split(",") if part.strip()]
    return msgspec.convert(value, hint, strict=False)


def _gather(
    file: Mapping[str, Any], environ: Mapping[str, str], flags: Mapping[str, object], where: str
) -> tuple[dict[str, dict[str, object]], list[str]]:
    problems: list[str] = []
    found: dict[str, dict[str, object]] = {}
    known = {section for section, _ in _sections()} | {"apps", "data", "watch"}
    problems += [f"{where}: there is no section [{name}]" for name in file if name not in known]
    for section, struct in _sections():
        values: dict[str, object] = {}
        given = file.get(section, {})
        hints = {name: hint for name, hint, _, _ in _fields(struct)}
        problems += [f"{where}: [{section}] has no setting {name}" for name in given if name not in hints]
        for name, hint in hints.items():
            variable = f"FOOTFALL_{section}_{name}".upper()
            key = f"{section}.{name}"
            for source, holder, index in (
                (where, given, name),
                (variable, environ, variable),
                (f"--{name}", flags, key),
            ):
                if holder.get(index) is None:
                    continue
                try:
                    values[name] = _convert(holder[index], hint)
                except msgspec.ValidationError as error:
                    problems.append(f"{key} from {source} is {holder[index]!r}: {error}")
        found[section] = values
    return found, problems


def load_settings(
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
    working_folder: Path | None = None,
) -> Settings:
    """Read all sources and return the settings in force.

    ``flags`` maps dotted names (``collector.address``, ``data``) to values; None means not given.
    Raises BadSettings that names every bad value and where it came from.
    """
    environ = os.environ if environ is None else environ
    flags = flags or {}
    data = Path(str(flags.get("data") or environ.get("FOOTFALL_DATA") or Settings.__struct_defaults__[0]))
    folder = working_folder or Path()
    path = next((p for p in (data / "footfall.toml", folder / "footfall.toml") if p.is_file()), None)
    file: dict[str, Any] = {}
    problems: list[str] = []
    where = str(path) if path else "footfall.toml"
    if path:
        try:
            file = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BadSettings(problems=f"{path} cannot be read: {error}") from error
    found, more = _gather(file, environ, flags, where)
    problems += more
    apps: dict[str, App] = {}
    for name, value in file.get("apps", {}).items():
        try:
            apps[name] = msgspec.convert(value, App)
            unknown = unknown_rules(apps[name].scrub)
            problems += [
                f"[apps.{name}.scrub] in {where}: there is no scrub rule {rule}" for rule in unknown
            ]
        except msgspec.ValidationError as error:
            problems.append(f"[apps.{name}] in {where}: {error}")
    watch: tuple[Watch, ...] = ()
    try:
        watch = msgspec.convert(file.get("watch", ()), tuple[Watch, ...])
    except msgspec.ValidationError as error:
        problems.append(f"[[watch]] in {where}: {error}")
    if problems:
        raise BadSettings(problems="; ".join(problems))
    sections = {section: struct(**found[section]) for section, struct in _sections()}
    return Settings(data=data, apps=apps, watch=watch, **sections)  # type: ignore[arg-type]
