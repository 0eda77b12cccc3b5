"""AWS on one machine, whole: started, given the sample beside the embedded path, and compared row by row.

On the way things fail as they do on AWS: records are throttled, documents and items are left out of
batches, instances die at work, a record is poison. Nothing may be lost by it, and nothing doubled.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from footfall.testing.aws.account import Account, Bundles, Servers, open_account
from footfall.testing.aws.altering_proxy import altering_proxy
from footfall.testing.aws.bundles import Building, Import, library, measure_import
from footfall.testing.aws.comparison import Compared
from footfall.testing.aws.embedded import embedded
from footfall.testing.aws.faults import at_the_next, busy_documents, throttled_records, unprocessed_items
from footfall.testing.aws.installation import CLICKS, Emulated, emulated
from footfall.testing.aws.log_path import LogPath, emulated_logs
from footfall.testing.aws.parts import Parts
from footfall.testing.aws.sample import APPS, Sample, send
from footfall.testing.aws.servers import (
    dynamodb_local,
    free_port,
    kinesis_local,
    moto_server,
    opensearch_node,
)
from footfall.testing.aws.stores import POISON, Stores, compare_all
from footfall.testing.aws.workflow import Workflow, emulated_workflow
from footfall.testing.mariadb import MariaDB, mariadb_server

__all__ = ["Deployment", "Emulation", "Watch", "emulation"]

POSTED = 400  # events of an execution that the API starts: an input has at most 256 KB
ARRIVED = 4_000  # of one that a file starts
AT_ONCE = 3

Watch = Callable[[str, int, int], None]
"""Is told a stage, how far it is, and how far it has to go (0: nobody knows)."""


@dataclass(frozen=True)
class Deployment:
    """The bundles in use: ``sizes`` are in MiB unpacked, ``imported`` is what *collect* takes to import."""

    bundles: Bundles
    sizes: Mapping[str, float]
    imported: Import


@dataclass(frozen=True)
class Emulation:
    """A running emulation; ``again`` counts the batches that came again on the way."""

    deployment: Deployment
    account: Account
    events: Emulated
    workflow: Workflow
    mysql: MariaDB
    compared: Sequence[Compared]
    again: int


@contextmanager
def emulation(
    parts: Parts, folder: Path, sample: Sample, watch: Watch, port: int = 0
) -> Iterator[Emulation]:
    """Run everything on a sample; what is given goes on running until the block's end.

    ``folder`` is for the run's files; functions write their logs there. The API listens on ``port``, on
    any where it is 0. Raises what a part raises that fails.
    """
    settings = folder / "footfall.toml"
    settings.write_text(APPS)
    with ExitStack() as stack:
        building = Building(parts.checkout, folder, settings)
        stack.callback(building.stop)
        watch("Starting MariaDB, while the bundles are made", 0, 0)
        mysql = stack.enter_context(mariadb_server(tls=True))
        sent = _counter(watch, "Embedded path: events by HTTP, imports, export", len(sample.lines))
        wanted = embedded(folder / "embedded", sample, mysql.url("embedded"), sent)
        watch("Making the bundles", 0, 0)
        bundles, sizes = building.ready()
        watch("Measuring the import of collect", 0, 0)
        deployment = Deployment(bundles, sizes, measure_import(bundles))

        watch("Starting moto, kinesis-local, OpenSearch, DynamoDB Local", 0, 0)
        back = free_port()
        servers = _servers(stack, parts, folder, back)
        proxies = {
            "kinesis": stack.enter_context(altering_proxy(servers.kinesis)),
            "search": stack.enter_context(altering_proxy(servers.search)),
            "dynamodb": stack.enter_context(altering_proxy(servers.dynamodb)),
        }
        through = {name: proxy.url for name, proxy in proxies.items()}
        account = open_account(servers, key=wanted.key, through=through)
        proxies["kinesis"].alterations += [at_the_next("PutRecords", throttled_records({0, 1}))] * 3
        proxies["search"].alterations += [
            at_the_next("_bulk", busy_documents(429, {0, 7, 131})),
            at_the_next("_bulk", busy_documents(503, {1})),
        ]
        proxies["dynamodb"].alterations += [at_the_next("BatchWriteItem", unprocessed_items({0, 24}))] * 2

        events = stack.enter_context(emulated(account, bundles, port=port))
        _send_events(account, events, sample, watch)
        workflow = stack.enter_context(emulated_workflow(account, bundles, parts.checkout, back))
        _run_workflow(workflow, sample, watch)
        path = library(parts.checkout, bundles)
        with emulated_logs(account, bundles, parts.checkout, path, mysql) as logs:
            _bring_logs(logs, sample, watch)
        watch("Comparing row by row", 0, 0)
        untouched = [name for name, proxy in proxies.items() if proxy.alterations]
        assert not untouched, f"nothing failed at {untouched}, though it should have"
        compared = compare_all(sample, wanted, Stores(account, events, workflow, mysql))
        yield Emulation(deployment, account, events, workflow, mysql, compared, again=len(events.failures))


def _servers(stack: ExitStack, parts: Parts, folder: Path, back: int) -> Servers:
    """Start the stand-ins, all at the same time: most of it is waiting."""
    starting: list[AbstractContextManager[str]] = [
        moto_server(back),
        kinesis_local(parts.kinesis),
        opensearch_node(parts.opensearch, folder / "search"),
        dynamodb_local(parts.dynamodb),
    ]
    with ThreadPoolExecutor(len(starting)) as pool:
        begun = [pool.submit(stack.enter_context, server) for server in starting]
    return Servers(*(each.result() for each in begun))


def _send_events(account: Account, events: Emulated, sample: Sample, watch: Watch) -> None:
    """Send all; half-way the instances of one reader die, and a record is put that nobody can read."""
    stage = _counter(watch, "Events by HTTP: API, Kinesis, Firehose, OpenSearch", len(sample.lines))
    half = len(sample.lines) // 2
    sent = 0

    def on_sent(more: int) -> None:
        nonlocal sent
        if sent < half <= sent + more:
            account.client("kinesis").put_record(StreamName=CLICKS, Data=POISON, PartitionKey="poison")
            for instance in list(events.readers["stream-search"].function.instances):
                instance.kill()
        sent += more
        stage(more)

    send(events.url, sample, on_sent)
    events.drain()


def _run_workflow(workflow: Workflow, sample: Sample, watch: Watch) -> None:
    """Start executions: a fifth of the events by POST, the others as files that arrive."""
    lines = sample.lines
    stage = _counter(watch, "Executions: Ingest, Process, Write", len(lines))
    by_post = len(lines) // 5

    def post(at: int) -> int:
        some = lines[at : min(at + POSTED, by_post)]
        workflow.post(b'{"events":[%b]}' % b",".join(some))
        return len(some)

    def arrive(at: int) -> int:
        some = lines[at : at + ARRIVED]
        workflow.arrive(f"{at}.ndjson", b"\n".join(some))
        return len(some)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        begun = [pool.submit(post, at) for at in range(0, by_post, POSTED)]
        begun += [pool.submit(arrive, at) for at in range(by_post, len(lines), ARRIVED)]
        for each in begun:
            stage(each.result())


def _bring_logs(logs: LogPath, sample: Sample, watch: Watch) -> None:
    """Call the schedule's function twice: with most of the day's objects, and with one more."""
    stage = _counter(watch, "Access logs: S3, the Glue job, MySQL", len(sample.logs))
    *most, last = sample.logs
    for keys in (most, [last]):
        for key in keys:
            logs.put(key, sample.logs[key])
        taken = logs.call()
        assert taken["objects"] == len(keys), taken
        stage(len(keys))


def _counter(watch: Watch, stage: str, total: int) -> Callable[[int], None]:
    """Return what is told of more, and tells how far a stage is."""
    done = 0

    def more(count: int) -> None:
        nonlocal done
        done += count
        watch(stage, done, total)

    more(0)
    return more
