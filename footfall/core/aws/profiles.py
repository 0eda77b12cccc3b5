"""The sizes of an installation on AWS, in one table; ``infra/`` builds from it and ``aws cost`` adds it up.

A profile is a starting point: ``--set name=value`` changes any row of it.
"""

import difflib
from collections.abc import Mapping
from typing import Annotated, Literal, get_type_hints

import msgspec
from msgspec import Meta, Struct

from footfall.errors import BadSettings

__all__ = ["ARCHITECTURES", "PROFILES", "Architecture", "Profile", "profile", "profile_rows"]


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is built, and how large."""

    ingest: Annotated[
        Literal["firehose", "stream"],
        Meta(description="firehose: collect -> Firehose with a transform; stream: over Kinesis."),
    ]
    door: Annotated[
        Literal["http-api", "function-url"],
        Meta(
            description="http-api counts and throttles by itself; function-url is not paid by the request."
        ),
    ] = "http-api"
    shards: Annotated[int, Meta(ge=0, description="Kinesis shards; 0 is on demand.")] = 0
    stream_hours: Annotated[
        int, Meta(ge=24, le=8760, description="How long Kinesis keeps records; above 24 it costs more.")
    ] = 24
    partitions: Annotated[
        Literal["hour", "datehour"],
        Meta(description="Folders of the lake: year=/month=/day=/hour=, or one key datehour."),
    ] = "hour"
    edge: Annotated[bool, Meta(description="CloudFront with WAF before the API (us-east-1 only).")] = False
    search_nodes: Annotated[int, Meta(ge=0, description="OpenSearch nodes; 0 is no OpenSearch.")] = 0
    search_instance: Annotated[str, Meta(description="OpenSearch instance type.")] = "t3.small.search"
    search_gib: Annotated[int, Meta(gt=0, description="Disk of an OpenSearch node, GiB.")] = 50
    search_days: Annotated[int, Meta(gt=0, description="Days that OpenSearch keeps.")] = 3
    workflow: Annotated[bool, Meta(description="Step Functions: Ingest, Process, Write.")] = True
    batch: Annotated[bool, Meta(description="The batch ETL: Glue job and its step chain.")] = True
    logs: Annotated[bool, Meta(description="Access logs by schedule into RDS MySQL.")] = False
    mysql_instance: Annotated[str, Meta(description="RDS instance class.")] = "t4g.micro"
    warehouse_rpu: Annotated[int, Meta(ge=0, description="Redshift Serverless base RPU; 0 is none.")] = 0
    quicksight: Annotated[bool, Meta(description="QuickSight data source, data set and dashboard.")] = False
    console: Annotated[bool, Meta(description="The console on Fargate behind Cognito.")] = False
    simulator: Annotated[bool, Meta(description="An EC2 instance that simulates, and ends itself.")] = False
    collect_mib: Annotated[int, Meta(ge=128, description="Memory of collect.")] = 512
    stream_mib: Annotated[int, Meta(ge=512, description="Memory of functions that use Arrow.")] = 1024
    requests_per_second: Annotated[
        int, Meta(gt=0, description="Steady rate of the API before it answers 429; bursts take double.")
    ] = 50
    log_days: Annotated[int, Meta(gt=0, description="Retention of the functions' logs.")] = 14
    results_days: Annotated[int, Meta(gt=0, description="Retention of Athena's results.")] = 7
    glacier_days: Annotated[int, Meta(gt=0, description="Age at which raw data moves to Glacier.")] = 90
    scan_gib: Annotated[int, Meta(gt=0, description="Most that one Athena query may scan.")] = 10
    dashboard: Annotated[bool, Meta(description="A CloudWatch dashboard.")] = False
    protected: Annotated[
        bool, Meta(description="Data outlives the stacks; deletion needs a second word.")
    ] = False
    budget_usd: Annotated[int, Meta(gt=0, description="Monthly budget that the alarm watches.")] = 10


PROFILES: Mapping[str, Profile] = {
    "dev": Profile(ingest="firehose"),
    "small": Profile(
        ingest="stream",
        door="function-url",
        shards=2,
        collect_mib=256,
        requests_per_second=1_000,
        log_days=30,
        results_days=14,
        scan_gib=100,
        dashboard=True,
        protected=True,
        budget_usd=150,
    ),
    "large": Profile(
        ingest="stream",
        door="function-url",
        stream_hours=168,
        edge=True,
        search_nodes=2,
        search_instance="r7g.large.search",
        search_gib=500,
        search_days=14,
        logs=True,
        mysql_instance="t4g.medium",
        warehouse_rpu=8,
        quicksight=True,
        collect_mib=1_024,
        stream_mib=2_048,
        requests_per_second=10_000,
        log_days=90,
        results_days=30,
        scan_gib=1_000,
        dashboard=True,
        protected=True,
        budget_usd=3_000,
    ),
}


class Architecture(Struct, frozen=True):
    """A set-up that people build by hand, and the settings that give it."""

    title: str
    settings: Mapping[str, str]
    stacks: tuple[str, ...]


ARCHITECTURES: Mapping[str, Architecture] = {
    "access-logs": Architecture("click analysis of public files", {"logs": "true"}, ("lake", "logs")),
    "real-time": Architecture(
        "real-time analytics, governed",
        {"ingest": "stream", "edge": "true", "search_nodes": "2"},
        ("edge", "ingest", "stream", "lake", "identity", "network"),
    ),
    "firehose": Architecture(
        "buffered delivery", {"ingest": "firehose", "partitions": "datehour"}, ("ingest", "lake")
    ),
    "batch": Architecture("batch BI", {"batch": "true", "quicksight": "true"}, ("lake", "warehouse")),
    "workflow": Architecture("event-driven workflow", {"workflow": "true"}, ("lake", "workflow")),
}


def profile_rows() -> list[tuple[str, str]]:
    """Return each row's name and meaning."""
    hints = get_type_hints(Profile, include_extras=True)
    return [(name, hint.__metadata__[0].description or "") for name, hint in hints.items()]


def profile(name: str, changes: Mapping[str, str] | None = None) -> Profile:
    """Return a profile with rows changed. Raises BadSettings that names every bad name and value."""
    if name not in PROFILES:
        raise BadSettings(problems=f"there is no profile {name!r}; there are {', '.join(PROFILES)}")
    rows = msgspec.structs.asdict(PROFILES[name])
    problems = []
    for key, value in (changes or {}).items():
        if key not in rows:
            near = difflib.get_close_matches(key, rows, n=1)
            hint = f"did you mean {near[0]}" if near else f"there are {', '.join(rows)}"
            problems.append(f"a profile has no setting {key!r}: {hint}")
            continue
        try:
            msgspec.convert({**rows, key: value}, Profile, strict=False)
        except msgspec.ValidationError as error:
            problems.append(f"{key} is {value!r}: {error}")
        rows[key] = value
    if problems:
        raise BadSettings(problems="; ".join(problems))
    return msgspec.convert(rows, Profile, strict=False)
