"""The secrets of an installation that many function instances share.

The installation's key is a secret of Secrets Manager, for as long as the data lives. The salt of a
day is 32 random bytes in a DynamoDB table, made by whichever instance comes first. It is not
derived from the key: what can be derived can be derived again years later, and a visitor hash could
be led back to an address. Two days later it is deleted by the first instance of a new day; the
table's TTL on ``expires`` deletes it where no instance comes any more. The table must have no
backups and no point-in-time recovery, else a deleted salt is not gone.
"""

import datetime
import hashlib
import secrets
from typing import Any

from footfall.adapters.aws.piecemeal import failure_of
from footfall.errors import SecretFailed

__all__ = ["SaltsTable", "secret_key"]

KEY_BYTES = 32
SALT_DAYS = 2
LOOK_BACK_DAYS = 5
"""How many older days a new day's first instance deletes by name; the TTL does the rest."""


def secret_key(name: str, client: Any) -> bytes:
    """Return the installation's key: the secret's bytes, or a hash of its text. Raises SecretFailed."""
    try:
        value = client.get_secret_value(SecretId=name)
    except Exception as error:
        raise SecretFailed(path=name, cause=failure_of(error).reason) from error
    if "SecretBinary" in value:
        key: bytes = value["SecretBinary"]
        return key
    return hashlib.blake2b(value["SecretString"].encode(), digest_size=KEY_BYTES).digest()


class SaltsTable:
    """The daily salts in one table: key ``day`` (text), ``salt`` (binary), ``expires`` (epoch seconds)."""

    def __init__(self, table: str, client: Any) -> None:
        self._table = table
        self._client = client

    def daily_salt(self, day: datetime.date) -> bytes:
        """Return the salt of a UTC day, the same for whoever asks. Raises SecretFailed."""
        try:
            found = self._read(day)
            if found is None and self._make(day):
                self.expire(day)
            found = found or self._read(day)
        except Exception as error:
            path = f"{self._table}/{day.isoformat()}"
            raise SecretFailed(path=path, cause=failure_of(error).reason) from error
        if found is None:
            raise SecretFailed(path=f"{self._table}/{day.isoformat()}", cause="it was deleted just now")
        return found

    def expire(self, today: datetime.date) -> None:
        """Delete the salts of the day before yesterday and some days before. Raises the SDK's errors."""
        for days in range(SALT_DAYS, SALT_DAYS + LOOK_BACK_DAYS):
            old = today - datetime.timedelta(days=days)
            self._client.delete_item(TableName=self._table, Key={"day": {"S": old.isoformat()}})

    def _read(self, day: datetime.date) -> bytes | None:
        answer = self._client.get_item(
            TableName=self._table, Key={"day": {"S": day.isoformat()}}, ConsistentRead=True
        )
        item = answer.get("Item")
        return bytes(item["salt"]["B"]) if item else None

    def _make(self, day: datetime.date) -> bool:
        """Write a salt unless there is one; return whether it was ours."""
        end = datetime.datetime.combine(day, datetime.time(), datetime.UTC) + datetime.timedelta(
            days=SALT_DAYS
        )
        try:
            self._client.put_item(
                TableName=self._table,
                Item={
                    "day": {"S": day.isoformat()},
                    "salt": {"B": secrets.token_bytes(KEY_BYTES)},
                    "expires": {"N": str(int(end.timestamp()))},
                },
                ConditionExpression="attribute_not_exists(#day)",
                ExpressionAttributeNames={"#day": "day"},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True
