"""An AWS account as the templates leave it, made of stand-ins: what all paths of an installation share.

Buckets, tables, the queue of dead letters, the installation's key; and the variables that tell functions.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.sqs import LetterQueue
from footfall.testing.aws.function import Bundle
from footfall.testing.aws.servers import environment

__all__ = ["Account", "Bundles", "Servers", "open_account"]

CLIENT_SECONDS = 60.0
TABLES = {"salts": ("day",), "idempotency": ("id",), "events": ("user_id", "event_time")}


@dataclass(frozen=True)
class Servers:
    """Where the stand-ins listen; ``search`` may be empty, and without ``dynamodb`` moto's is used."""

    moto: str
    kinesis: str
    search: str = ""
    dynamodb: str = ""


@dataclass(frozen=True)
class Bundles:
    """What functions are deployed with; without a bundle they run from this environment.

    ``folder`` is where they may write, and without bundles has the ``footfall.toml`` that they read.
    """

    folder: Path
    door: Bundle | None = None
    columns: Bundle | None = None


@dataclass(frozen=True)
class Account:
    """``variables`` are every function's.

    ``through`` names addresses that functions are given for kinesis, dynamodb or search in place of the
    stand-ins' own: those of proxies.
    """

    servers: Servers
    letters: LetterQueue
    variables: Mapping[str, str]
    through: Mapping[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Return a client that speaks to the stand-in itself."""
        places = {"kinesis": self.servers.kinesis, "dynamodb": self.servers.dynamodb}
        return client(service, places.get(service) or self.servers.moto, CLIENT_SECONDS)

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Return the keys of a bucket below a prefix."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def objects(self, bucket: str, prefix: str = "") -> Iterator[bytes]:
        """Yield the objects of a bucket below a prefix."""
        for key in self.keys(bucket, prefix):
            yield self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


def open_account(
    servers: Servers, *, key: bytes = b"", through: Mapping[str, str] | None = None
) -> Account:
    """Make what the templates make; ``key`` is the installation's, made by chance where it is empty."""
    through = through or {}
    sqs = client("sqs", servers.moto, CLIENT_SECONDS)
    queue = sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
    variables = environment(
        aws=servers.moto,
        kinesis=through.get("kinesis", servers.kinesis),
        **({"dynamodb": through.get("dynamodb", servers.dynamodb)} if servers.dynamodb else {}),
    ) | {
        "FOOTFALL_AWS_DEAD_LETTERS": queue,
        "FOOTFALL_AWS_KEY_SECRET": "footfall/key",
        "FOOTFALL_AWS_SALTS_TABLE": "salts",
        "FOOTFALL_AWS_IDEMPOTENCY_TABLE": "idempotency",
        "FOOTFALL_AWS_EVENTS_TABLE": "events",
        "FOOTFALL_AWS_STATE_TABLE": "state",
        "FOOTFALL_AWS_RAW_BUCKET": "raw",
        "FOOTFALL_AWS_LAKE_BUCKET": "lake",
        "FOOTFALL_AWS_RESULTS_BUCKET": "results",
    }
    account = Account(servers, LetterQueue(queue, sqs), variables, through)
    place = {"LocationConstraint": variables["AWS_REGION"]}
    for bucket in ("raw", "lake", "results", "logs"):
        account.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    for name, keys in TABLES.items():
        _make_table(account.client("dynamodb"), name, keys)
    account.client("secretsmanager").create_secret(
        Name="footfall/key", SecretBinary=key or secrets.token_bytes(32)
    )
    return account


def _make_table(dynamodb: Any, name: str, keys: tuple[str, ...]) -> None:
    kinds = dict(zip(keys, ("HASH", "RANGE"), strict=False))
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in kinds.items()],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
    )
