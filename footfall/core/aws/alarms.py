"""Every alarm, one row each: what it asks, when it rings, and what to do then. The runbook is made from it."""

from typing import NamedTuple

from footfall.core.aws.profiles import Profile

__all__ = ["ALARMS", "Alarm", "alarms_of"]


class Alarm(NamedTuple):
    """Rings when ``statistic`` of ``metric`` compares with ``threshold`` in ``periods`` of ``minutes`` each.

    ``dimensions`` name parts (``{}`` becomes the installation's prefix). ``wanted`` is the row of the profile
    that the watched part comes with; ``silent`` is what no data means.
    """

    name: str
    question: str
    namespace: str
    metric: str
    dimensions: dict[str, str]
    threshold: float
    then: str
    wanted: str = ""
    statistic: str = "Sum"
    minutes: int = 5
    periods: int = 1
    below: bool = False
    silent: str = "notBreaching"


def _function(part: str, wanted: str = "") -> tuple[Alarm, ...]:
    place = {"FunctionName": f"{{}}-{part}"}
    return (
        Alarm(
            f"{part}-errors", f"Does {part} fail?", "AWS/Lambda", "Errors", place, 0,
            f"Read the errors in the log group /aws/lambda/NAME-{part} (fields level=ERROR). A fault after a "
            "deployment: deploy the version before. Whoever called it tries again by itself, and what fails to the end is in a queue.",
            wanted,
        ),
        Alarm(
            f"{part}-throttles", f"Is {part} refused by Lambda?", "AWS/Lambda", "Throttles", place, 0,
            "The account's concurrency is used up: see the metric ConcurrentExecutions, and ask AWS for a higher "
            "quota, or lower requests_per_second.",
            wanted,
        ),
    )  # fmt: skip


def _queue(part: str, question: str, then: str, wanted: str = "") -> Alarm:
    return Alarm(
        f"{part}-depth", question, "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": f"{{}}-{part}"},
        0, then, wanted, statistic="Maximum",
    )  # fmt: skip


def _door(wanted: str, space: str, metrics: tuple[str, str], place: dict[str, str]) -> tuple[Alarm, ...]:
    failed, counted = metrics
    return (
        Alarm(
            "door-5xx", "Do senders get errors?", space, failed, place, 5,
            "503 is collect saying that it can't store: look at records-throttled and the stream's or Firehose's "
            "limits. Senders keep their events and come again. Other 5xx: collect-errors.",
            wanted,
        ),
        Alarm(
            "silence", "Has nothing arrived for an hour?", space, counted, place, 1,
            "Open the site with the browser's network view: is the script there, does it send, what is answered? Then "
            "DNS and certificate of the domain. At night a small site may really be silent: raise the minutes.",
            wanted, minutes=60, below=True, silent="breaching",
        ),
    )  # fmt: skip


ALARMS: tuple[Alarm, ...] = (
    *_function("collect"),
    *_function("transform", "firehose"),
    *_function("stream", "stream"),
    *_function("stream-search", "search_nodes"),
    *_function("raw", "stream"),
    *_function("ingest", "workflow"),
    *_function("process", "workflow"),
    *_function("write", "workflow"),
    *_function("access-logs", "logs"),
    *_function("integrity", "stream"),
    *_door("http-api", "AWS/ApiGateway", ("5xx", "Count"), {"ApiId": "{api}"}),
    *_door("function-url", "AWS/Lambda", ("Url5xxCount", "UrlRequestCount"), {"FunctionName": "{}-collect"}),
    Alarm(
        "records-throttled", "Is Kinesis full?", "AWS/Kinesis", "WriteProvisionedThroughputExceeded",
        {"StreamName": "{}-records"}, 0,
        "Deploy with more shards (--set shards=N), or on demand (--set shards=0). Senders got 503 and come again.",
        "stream",
    ),
    Alarm(
        "iterator-age", "Is stream behind?", "AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds",
        {"StreamName": "{}-records"}, 600_000,
        "See stream-errors: a failing batch is retried and halved, which holds up its shard. Without errors it is "
        "too slow: raise stream_mib or shards. Kinesis keeps records for stream_hours.",
        "stream", statistic="Maximum",
    ),
    Alarm(
        "lake-freshness", "Are rows late in the lake?", "AWS/Firehose", "DeliveryToS3.DataFreshness",
        {"DeliveryStreamName": "{}-rows"}, 900,
        "Read the log group /aws/kinesisfirehose/NAME-rows: mostly a right that is missing, or the Glue table's "
        "columns that differ from the rows'. Firehose holds what it has for 24 hours.",
        statistic="Maximum",
    ),
    Alarm(
        "lake-refused", "Did Firehose fail to make Parquet of rows?", "AWS/Firehose", "FailedConversion.Records",
        {"DeliveryStreamName": "{}-rows"}, 0,
        "footfall rejected list --aws NAME shows the rows with their reasons. Mend the table or the code, then "
        "footfall rejected retry --aws NAME sends them again.",
    ),
    _queue(
        "dead-letters", "Are there events that nobody could take in?",
        "footfall rejected list --aws NAME shows them with their reasons. Mend the rule or the sender, then run "
        "footfall rejected retry --aws NAME; messages stay for 14 days.",
    ),
    _queue(
        "undelivered", "Did a batch fail to the end?",
        "The message names shard and sequence numbers; the records are still in Kinesis and in the raw bucket. Mend "
        "the cause, then run footfall aws replay for that hour: it adds what the lake lacks.",
        "stream",
    ),
    _queue(
        "workflow-failures", "Did an execution fail?",
        "The message names the execution and the failed state. Mend the cause, open it in Step Functions and choose "
        "Redrive: it goes on at the failed state.",
        "workflow",
    ),
    Alarm(
        "executions-failed", "Do executions of the workflow fail?", "AWS/States", "ExecutionsFailed",
        {"StateMachineArn": "{workflow}"}, 0,
        "As workflow-failures. If that queue is empty, the failure was before the first state: read the execution's "
        "input in Step Functions.",
        "workflow",
    ),
    Alarm(
        "batch-failed", "Did the batch ETL fail?", "AWS/States", "ExecutionsFailed", {"StateMachineArn": "{batch}"}, 0,
        "Open the job's run in Glue and read its error. What was not moved to batch/processed/ is read again by the "
        "next run; results are written anew, never doubled.",
        "batch",
    ),
    Alarm(
        "search-red", "Does OpenSearch miss data?", "AWS/ES", "ClusterStatus.red",
        {"DomainName": "{}", "ClientId": "{account}"}, 0,
        "A node or disk was lost. Everything is in the lake: let AWS mend the domain. Older events are asked of Athena.",
        "search_nodes", statistic="Maximum",
    ),
    Alarm(
        "search-disk", "Is OpenSearch's disk nearly full?", "AWS/ES", "FreeStorageSpace",
        {"DomainName": "{}", "ClientId": "{account}"}, 5_000,
        "Lower search_days or raise search_gib, and deploy. When it is full OpenSearch refuses to write, and stream "
        "puts rows back.",
        "search_nodes", statistic="Minimum", below=True,
    ),
    Alarm(
        "mysql-disk", "Is MySQL's disk nearly full?", "AWS/RDS", "FreeStorageSpace",
        {"DBInstanceIdentifier": "{}-logs"}, 2_000_000_000,
        "The disk grows by itself up to its limit: raise that limit, or delete old rows of log_requests.",
        "logs", statistic="Minimum", below=True,
    ),
)  # fmt: skip


def alarms_of(profile: Profile) -> list[Alarm]:
    """Return the alarms whose parts are built."""
    has = {
        way: way in (profile.ingest, profile.door)
        for way in ("firehose", "stream", "http-api", "function-url")
    }
    return [
        alarm
        for alarm in ALARMS
        if not alarm.wanted or has.get(alarm.wanted, getattr(profile, alarm.wanted, False))
    ]
