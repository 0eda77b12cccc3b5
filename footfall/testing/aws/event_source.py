"""What reads Kinesis for a function: emulated by the rules that Lambda documents for event source mappings.

A shard's records come in order, in batches by size and window. The answer's ``batchItemFailures``
name where to go on; an error, or a name that isn't in the batch, means all of it. A batch that failed
is tried again, halved if ``bisect`` is set, until its tries are used up: then its place (not its
data) goes to the destination on failure, and the shard goes on.
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
"""

import base64
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

from footfall.errors import FootfallError

__all__ = ["EventSource", "kinesis_event"]

MOST_BYTES = 4_000_000  # of data in a batch: Lambda's 6 MB, in Base64
LONGEST_PAUSE = 2.0
IDLE_SECONDS = 0.2
CALM_LOOKS = 2

Records = Sequence[Mapping[str, Any]]
Invoke = Callable[[Mapping[str, Any]], Any]


def kinesis_event(records: Records, shard: str, stream: str) -> dict[str, Any]:
    """Return the event of records as GetRecords gives them."""
    arn = f"arn:aws:kinesis:eu-central-1:000000000000:stream/{stream}"
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record["PartitionKey"],
                    "sequenceNumber": record["SequenceNumber"],
                    "data": base64.b64encode(record["Data"]).decode(),
                    "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"].timestamp(),
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{shard}:{record['SequenceNumber']}",
                "eventName": "aws:kinesis:record",
                "awsRegion": "eu-central-1",
                "eventSourceARN": arn,
            }
            for record in records
        ]
    }


@dataclass
class EventSource:
    """A mapping of one stream to a function; ``tries`` of 0 is without end.

    ``on_failure`` gets the document that SQS or SNS would get.
    """

    client: Any
    stream: str
    invoke: Invoke
    batch_size: int = 100
    window_seconds: float = 0.0
    bisect: bool = True
    tries: int = 0
    on_failure: Callable[[dict[str, Any]], object] | None = None
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _calm: dict[str, int] = field(default_factory=dict)

    def start(self) -> None:
        """Follow every shard from its oldest record on."""
        for shard in self.client.list_shards(StreamName=self.stream)["Shards"]:
            self._calm[shard["ShardId"]] = 0
            thread = threading.Thread(target=self._follow, args=(shard["ShardId"],), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Follow no more; a batch that is being worked on is ended."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def settle(self, seconds: float) -> None:
        """Wait until everything that is in the stream now has been dealt with. Raises TimeoutError.

        Each shard must be found empty some times, by looks that begin after this call.
        """
        deadline = time.monotonic() + seconds
        self._calm = dict.fromkeys(self._calm, 0)
        while min(self._calm.values()) <= CALM_LOOKS:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.stream} did not come to rest: {self.failures[-3:]}")
            time.sleep(IDLE_SECONDS)

    def _follow(self, shard: str) -> None:
        iterator = self.client.get_shard_iterator(
            StreamName=self.stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        waiting: list[Mapping[str, Any]] = []
        since = 0.0
        while iterator and not self._stop.is_set():
            try:
                answer = self.client.get_records(ShardIterator=iterator, Limit=self.batch_size)
            except BotoCoreError:  # a connection that was cut: asked again, as Lambda does
                self._stop.wait(IDLE_SECONDS)
                continue
            iterator = answer.get("NextShardIterator")
            since = since if waiting else time.monotonic()
            waiting += answer["Records"]
            due = time.monotonic() - since >= self.window_seconds
            while waiting and (due or len(waiting) >= self.batch_size) and not self._stop.is_set():
                batch = _cut(waiting, self.batch_size)
                self._process(batch, shard)
                waiting = waiting[len(batch) :]
            if answer["Records"]:
                self._calm[shard] = 0
            else:
                if not waiting and not answer["MillisBehindLatest"]:
                    self._calm[shard] += 1
                self._stop.wait(IDLE_SECONDS)

    def _process(self, batch: Records, shard: str) -> None:
        """Bring a batch to its end: taken, or given up; parts of it each by themselves."""
        attempt = 0
        pause = IDLE_SECONDS
        while batch and not self._stop.is_set():
            attempt += 1
            failed = self._failed_from(batch, shard)
            if failed is None:
                return
            if failed > 0:  # all before it is done with: the rest is a new batch
                batch, attempt, pause = batch[failed:], 0, IDLE_SECONDS
                continue
            if self.tries and attempt > self.tries:
                self._give_up(batch, shard)
                return
            if self.bisect and len(batch) > 1:
                half = len(batch) // 2
                self._process(batch[:half], shard)
                batch, attempt, pause = batch[half:], 0, IDLE_SECONDS
                continue
            self._stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _failed_from(self, batch: Records, shard: str) -> int | None:
        """Call the function; return the place from which on the batch failed, None when it did not."""
        try:
            reply = self.invoke(kinesis_event(batch, shard, self.stream))
        except FootfallError as error:
            self.failures.append(str(error))
            return 0
        named = [each.get("itemIdentifier") for each in (reply or {}).get("batchItemFailures") or []]
        if not named:
            return None
        self.failures.append(f"given back from {min(map(str, named))}")
        numbers = [record["SequenceNumber"] for record in batch]
        places = [numbers.index(name) for name in named if name in numbers]
        return min(places) if len(places) == len(named) else 0

    def _give_up(self, batch: Records, shard: str) -> None:
        if self.on_failure is None:
            return
        arrivals = [record["ApproximateArrivalTimestamp"].isoformat() for record in batch]
        self.on_failure(
            {
                "requestContext": {
                    "condition": "RetryAttemptsExhausted",
                    "approximateInvokeCount": self.tries + 1,
                },
                "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None},
                "version": "1.0",
                "timestamp": datetime.now(UTC).isoformat(),
                "KinesisBatchInfo": {
                    "shardId": shard,
                    "startSequenceNumber": batch[0]["SequenceNumber"],
                    "endSequenceNumber": batch[-1]["SequenceNumber"],
                    "approximateArrivalOfFirstRecord": arrivals[0],
                    "approximateArrivalOfLastRecord": arrivals[-1],
                    "batchSize": len(batch),
                    "streamArn": f"arn:aws:kinesis:eu-central-1:000000000000:stream/{self.stream}",
                },
            }
        )


def _cut(waiting: Records, most: int) -> list[Mapping[str, Any]]:
    batch: list[Mapping[str, Any]] = []
    size = 0
    for record in waiting[:most]:
        size += len(record["Data"])
        if batch and size > MOST_BYTES:
            break
        batch.append(record)
    return batch
