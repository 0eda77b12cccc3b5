"""The monthly bill, part by part: what flows, times what it costs; nothing is hidden in a factor.

Sizes of payloads are measured on simulated events (a test measures them again); what AWS alone knows,
such as how long a function waits, stands in ``ASSUMED`` with its reason.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from footfall.core.aws.alarms import alarms_of
from footfall.core.aws.endpoints import endpoints_of
from footfall.core.aws.prices import INSTANCES, PRICES
from footfall.core.aws.profiles import Profile
from footfall.errors import BadSettings

__all__ = ["ASSUMED", "MEASURED", "Assumed", "Item", "Payload", "Traffic", "bill", "total"]

HOURS, DAYS = 730, 30
GB, MB = 1e9, 1e6
VCPU_MIB = 1_769  # Lambda's memory that comes with one vCPU
MONTHS_KEPT = 12


class Payload(NamedTuple):
    """Bytes of one event that came alone: in Kinesis, as a JSON row, in Parquet, in the raw archive."""

    record: int = 920
    row: int = 822
    parquet: int = 59
    raw: int = 56


MEASURED = Payload()


class Assumed(NamedTuple):
    """What was not measured on AWS: milliseconds of a function, and how much is asked."""

    collect_wait_ms: float = 10.0  # one PutRecords, answered within the region
    collect_cpu_ms: float = 1.0  # of one vCPU; a request took 0.2 to 0.5 ms on a desktop's core
    batch_wait_ms: float = 300.0  # reading, one PutRecordBatch, some retries
    event_cpu_ms: float = 0.05  # of one vCPU; the loader took 0.02 ms
    queries_per_day: int = 20
    query_share: float = 0.1  # of a month's Parquet that a query reads
    answer_bytes: int = 450
    redshift_hours_per_day: float = 2.0


ASSUMED = Assumed()


class Traffic(NamedTuple):
    """Events a day, and how many come in one request: a browser sends most alone, a server many."""

    events_per_day: int
    events_per_request: float = 1.0
    payload: Payload = MEASURED

    @property
    def events(self) -> float:
        """A month's events."""
        return self.events_per_day * DAYS

    @property
    def requests(self) -> float:
        """A month's requests."""
        return self.events / self.events_per_request


class Item(NamedTuple):
    """One line: ``quantity`` of a price's unit."""

    what: str
    price: str
    quantity: float
    usd: float

    @property
    def service(self) -> str:
        """The service that bills it."""
        return PRICES[self.price].service


def bill(profile: Profile, traffic: Traffic) -> list[Item]:
    """Return a month's lines of a profile. Raises BadSettings for an instance without a price."""
    parts = (_door, _edge, _stream, _firehose, _kept, _asked, _watched, _search, _network, _logs, _people)
    lines = [line for part in parts for line in part(profile, traffic)]
    return [line for line in lines if line.quantity]


def total(lines: list[Item]) -> float:
    """Return the sum in USD."""
    return sum(line.usd for line in lines)


def _item(what: str, price: str, quantity: float, usd: float | None = None) -> Item:
    each = PRICES[price].usd if usd is None else usd
    return Item(what, price, quantity, quantity * each)


def _seconds(mib: int, calls: float, wait_ms: float, cpu_ms: float) -> float:
    """Return the GB-seconds of calls that wait, and then compute with their memory's share of a vCPU."""
    return calls * (wait_ms + cpu_ms * max(1.0, VCPU_MIB / mib)) / 1_000 * mib / 1_024


def _hourly(instance: str) -> float:
    if instance not in INSTANCES:
        known = ", ".join(INSTANCES)
        raise BadSettings(problems=f"no price is known of {instance}; known are {known}")
    return INSTANCES[instance]


def _door(profile: Profile, traffic: Traffic) -> Iterator[Item]:
    calls = traffic.requests
    if profile.door == "http-api":
        yield _item("requests", "http_api", calls)
    yield _item("collect: calls", "lambda_request", calls)
    cpu = ASSUMED.collect_cpu_ms * (0.7 + 0.3 * traffic.events_per_request)
    seconds = _seconds(profile.collect_mib, calls, ASSUMED.collect_wait_ms, cpu)
    yield _item("collect: computing", "lambda_gb_second", seconds)
    out = calls * ASSUMED.answer_bytes / GB
    yield _item("answers", "transfer", max(0.0, out - 100))


def _edge(profile: Profile, traffic: Traffic) -> Iterator[Item]:
    if profile.edge:
        yield _item("requests", "cloudfront", traffic.requests)
        yield _item("the list and its five rules", "waf_fixed", 10)
        yield _item("requests looked at", "waf_request", traffic.requests)


def _stream(profile: Profile, traffic: Traffic) -> Iterator[Item]:
    """Kinesis and its readers: rows, the raw archive, and OpenSearch."""
    if profile.ingest != "stream":
        return
    record = traffic.payload.record * traffic.events_per_request
    readers = 2 + bool(profile.search_nodes)
    if profile.shards:
        yield _item("shards", "kinesis_shard", profile.shards * HOURS)
        yield _item("records", "kinesis_put", traffic.requests * math.ceil(record / 25_000))
        if profile.stream_hours > 24:
            yield _item("records kept longer", "kinesis_extended", profile.shards * HOURS)
    else:
        volume = traffic.requests * math.ceil(record / 1_000) * 1_000 / GB
        yield _item("the stream", "kinesis_stream", HOURS)
        yield _item("records in", "kinesis_in", volume)
        yield _item("records out", "kinesis_out", volume * readers)
        more = volume / DAYS * max(0, profile.stream_hours - 24) / 24
        yield _item("records kept longer", "kinesis_kept", more)
    shards = profile.shards or 4
    for what, window, parallel in (("stream", 20, 2), ("raw", 60, 1), ("stream-search", 5, 2)):
        if what == "stream-search" and not profile.search_nodes:
            continue
        calls = min(traffic.requests, shards * parallel * DAYS * 86_400 / window)
        cpu = ASSUMED.event_cpu_ms * traffic.events / calls if calls else 0.0
        yield _item(f"{what}: calls", "lambda_request", calls)
        seconds = _seconds(profile.stream_mib, calls, ASSUMED.batch_wait_ms, cpu)
        yield _item(f"{what}: computing", "lambda_gb_second", seconds)
    objects = min(traffic.requests, shards * DAYS * 1_440)
    yield _item("raw archive: objects and checksums", "s3_put", 2 * objects)


def _firehose(profile: Profile, traffic: Traffic) -> Iterator[Item]:
    """Rows packed by ``stream``, or records as they come; those are rounded up to 5 KB each."""
    if profile.ingest == "stream":
        volume = traffic.events * traffic.payload.row / GB
    else:
        size = traffic.payload.record * traffic.events_per_request
        volume = traffic.requests * math.ceil(size / 5_000) * 5_000 / GB
        calls = traffic.events * traffic.payload.record / MB
        cpu = ASSUMED.event_cpu_ms * traffic.events / calls if calls else 0.0
        yield _item("transform: calls", "lambda_request", calls)
        seconds = _seconds(profile.stream_mib, calls, ASSUMED.batch_wait_ms, cpu)
        yield _item("transform: computing", "lambda_gb_second", seconds)
    yield _item("rows in", "firehose_in", volume)
    yield _item("rows to Parquet", "firehose_parquet", volume)
    minutes = min(traffic.requests, DAYS * 1_440)
    yield _item("lake: files", "s3_put", minutes)


def _kept(profile: Profile, traffic: Traffic) -> Iterator[Item]:
    """Storage of S3 once a year is full."""
    parquet = traffic.events * traffic.payload.parquet / GB
    raw = traffic.events * traffic.payload.raw / GB
    warm = min(MONTHS_KEPT, profile.glacier_days / DAYS)
    yield _item(f"lake: {MONTHS_KEPT} months", "s3_month", MONTHS_KEPT * parquet)
    yield _item(f"raw: {warm:g} months", "s3_month", warm * raw)
    yield _item(f"raw: {MONTHS_KEPT - warm:g} older months", "s3_glacier", (MONTHS_KEPT - warm) * raw)


def _asked(_profile: Profile, traffic: Traffic) -> Iterator[Item]:
    scanned = traffic.events * traffic.payload.parquet * ASSUMED.query_share
    yield _item("queries", "athena", ASSUMED.queries_per_day * DAYS * scanned / 1e12)


def _watched(profile: Profile, traffic: Traffic) -> Iterator[Item]:
    secrets = 1 + profile.edge + bool(profile.warehouse_rpu)
    yield _item("the key", "kms_key", 1)
    yield _item("secrets", "secret", secrets)
    yield _item("alarms", "alarm", len(alarms_of(profile)))
    if profile.dashboard:
        yield _item("dashboard", "dashboard", 1)
    if traffic.events_per_day:
        yield _item("use of the key", "kms_request", 100_000 + traffic.requests / 1_000)
        yield _item("counts of the readers", "metric", 2 + 2 * bool(profile.search_nodes))
        yield _item("logs", "log_in", 0.2 + traffic.requests / 1e9)


def _search(profile: Profile, _traffic: Traffic) -> Iterator[Item]:
    if profile.search_nodes:
        hours = profile.search_nodes * HOURS
        yield _item("nodes", "search_hour", hours, _hourly(profile.search_instance))
        yield _item("disks", "search_disk", profile.search_nodes * profile.search_gib)


def _network(profile: Profile, _traffic: Traffic) -> Iterator[Item]:
    yield _item("interface endpoints in two zones", "endpoint", len(endpoints_of(profile)) * 2 * HOURS)


def _logs(profile: Profile, _traffic: Traffic) -> Iterator[Item]:
    if profile.logs:
        zones = 2 if profile.protected else 1
        yield _item("MySQL", "mysql_hour", zones * HOURS, _hourly(profile.mysql_instance))
        yield _item("its disk", "mysql_disk", zones * 20)
        yield _item("the weekly job: ten minutes of two workers", "glue", 2 * 4 / 6)


def _people(profile: Profile, _traffic: Traffic) -> Iterator[Item]:
    if profile.warehouse_rpu:
        used = profile.warehouse_rpu * ASSUMED.redshift_hours_per_day * DAYS
        yield _item("Redshift while it is asked", "redshift", used)
    if profile.quicksight:
        yield _item("authors", "quicksight", 1)
    if profile.console:
        yield _item("console", "fargate", HOURS)
        yield _item("its load balancer", "balancer", HOURS)
