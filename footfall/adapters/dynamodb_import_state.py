"""The ImportState port in a DynamoDB table, which several installations may share.

An item is a record, its key the app and the source. Each change is one conditional write, so that of
two who claim a source one gets it.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from footfall.adapters.aws_session import aws_client, fault_of
from footfall.core.record import AppId
from footfall.errors import FootfallError, ObjectsRefused, StateFailed
from footfall.ports import SourceRecord

__all__ = ["DynamoDBImportState"]

THREADS = 16
GOT_AT_ONCE = 100  # the most of one BatchGetItem
PAUSE_SECONDS = 0.1  # before what the table had no time for is asked again
TIMES = ("at", "leased_until")
NUMBERS = ("size", "claim", "offset", "line", "lines", "rejected")

CLAIM = (
    "attribute_not_exists(#source) or (#claim = :seen and "
    "(#state <> :begun or #owner = :owner or #leased_until <= :at))"
)
OURS = "#claim = :claim and #state = :begun"


class DynamoDBImportState:
    """What is known of sources, in a table that is made (on demand) when it isn't there.

    Raises MissingExtra without boto3, StateFailed for whatever AWS refuses.
    """

    def __init__(self, table: str) -> None:
        self._table = table
        with self._faults():
            self._client = aws_client("dynamodb")
            self._make()
        self._pool = ThreadPoolExecutor(THREADS, "import-state")

    def look(self, app_id: AppId, keys: Sequence[str]) -> Mapping[str, SourceRecord]:
        """See the port; reads are consistent."""
        groups = [keys[place : place + GOT_AT_ONCE] for place in range(0, len(keys), GOT_AT_ONCE)]
        with self._faults():
            found = list(self._pool.map(lambda some: self._get(app_id, some), groups))
        return {record.key: record for records in found for record in records}

    def claim(self, records: Sequence[SourceRecord], until: datetime) -> Sequence[SourceRecord]:
        """See the port."""

        def one(record: SourceRecord) -> SourceRecord | None:
            begun = replace(record, state="begun", claim=record.claim + 1, leased_until=until)
            values = {"seen": record.claim, "begun": "begun", "owner": record.owner, "at": _text(record.at)}
            return self._put(begun, CLAIM, ("source", "claim", "state", "owner", "leased_until"), values)

        return self._each(one, records)

    def renew(self, records: Sequence[SourceRecord], until: datetime) -> Sequence[SourceRecord]:
        """See the port."""
        return self._each(self._put_ours, [replace(record, leased_until=until) for record in records])

    def settle(self, records: Sequence[SourceRecord]) -> Sequence[SourceRecord]:
        """See the port."""
        return self._each(self._put_ours, records)

    def entries(self, limit: int = 100, app_id: AppId | None = None) -> Sequence[SourceRecord]:
        """See the port; reads the whole table."""
        with self._faults():
            pages = self._client.get_paginator("scan").paginate(TableName=self._table)
            records = [_record(item) for page in pages for item in page["Items"]]
        chosen = [record for record in records if app_id is None or record.app_id == app_id]
        chosen.sort(key=lambda record: record.key)
        chosen.sort(key=lambda record: record.at, reverse=True)
        return chosen[:limit]

    def close(self) -> None:
        """See the port."""
        self._pool.shutdown()
        self._client.close()

    def _make(self) -> None:
        client = self._client
        try:
            client.describe_table(TableName=self._table)
        except client.exceptions.ResourceNotFoundException:
            with suppress(client.exceptions.ResourceInUseException):  # another makes it just now
                client.create_table(
                    TableName=self._table,
                    AttributeDefinitions=[{"AttributeName": "source", "AttributeType": "S"}],
                    KeySchema=[{"AttributeName": "source", "KeyType": "HASH"}],
                    BillingMode="PAY_PER_REQUEST",
                )
        client.get_waiter("table_exists").wait(
            TableName=self._table, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )

    def _get(self, app_id: AppId, keys: Sequence[str]) -> list[SourceRecord]:
        wanted: dict[str, Any] = {
            self._table: {
                "Keys": [{"source": {"S": _name(app_id, key)}} for key in keys],
                "ConsistentRead": True,
            }
        }
        found: list[SourceRecord] = []
        while wanted:
            answer = self._client.batch_get_item(RequestItems=wanted)
            found += [_record(item) for item in answer["Responses"].get(self._table, ())]
            wanted = answer.get("UnprocessedKeys") or {}
            if wanted:
                time.sleep(PAUSE_SECONDS)
        return found

    def _put_ours(self, record: SourceRecord) -> SourceRecord | None:
        return self._put(record, OURS, ("claim", "state"), {"claim": record.claim, "begun": "begun"})

    def _put(
        self, record: SourceRecord, condition: str, names: Sequence[str], values: Mapping[str, Any]
    ) -> SourceRecord | None:
        """Write a record on a condition; None when it did not hold."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=_item(record),
                ConditionExpression=condition,
                ExpressionAttributeNames={f"#{name}": name for name in names},
                ExpressionAttributeValues={f":{name}": _value(value) for name, value in values.items()},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return record

    def _each(
        self, work: Callable[[SourceRecord], SourceRecord | None], records: Sequence[SourceRecord]
    ) -> Sequence[SourceRecord]:
        with self._faults():
            return [record for record in self._pool.map(work, records) if record is not None]

    @contextmanager
    def _faults(self) -> Iterator[None]:
        place = f"the DynamoDB table {self._table}"
        try:
            yield
        except ObjectsRefused as error:
            raise StateFailed(
                place=place, **{name: error.values[name] for name in ("cause", "hint")}
            ) from error
        except FootfallError:
            raise
        except Exception as error:
            if not type(error).__module__.startswith("botocore"):
                raise
            hint = "Check AWS_REGION, the credentials and that their policy allows dynamodb:* on the table"
            fault = fault_of(error, place, "dynamodb")
            raise StateFailed(place=place, cause=fault.values["cause"], hint=hint) from error


def _name(app_id: str, key: str) -> str:
    return f"{app_id} {key}"


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")  # of one length: compared as text


def _value(value: object) -> dict[str, str]:
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


def _item(record: SourceRecord) -> dict[str, dict[str, str]]:
    values = asdict(record)
    values |= {name: _text(values[name]) for name in TIMES if values[name] is not None}
    kept = {name: value for name, value in values.items() if value is not None}
    return {"source": {"S": _name(record.app_id, record.key)}} | {
        name: _value(value) for name, value in kept.items()
    }


def _record(item: Mapping[str, Mapping[str, str]]) -> SourceRecord:
    values: dict[str, Any] = {
        name: int(value["N"]) if name in NUMBERS else value["S"]
        for name, value in item.items()
        if name != "source"
    }
    return SourceRecord(
        **values | {name: datetime.fromisoformat(values[name]) for name in TIMES if name in values}
    )
