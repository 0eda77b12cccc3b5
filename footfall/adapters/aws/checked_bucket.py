"""Files brought to a bucket with their checksum: S3 refuses what arrives otherwise, and tells it again."""

import base64
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from footfall.adapters.aws_session import aws_client, fault_of
from footfall.errors import FootfallError

__all__ = ["CheckedBucket"]

MISSING = ("404", "NoSuchKey", "NotFound")


class CheckedBucket:
    """The CheckedStore port on a bucket; files of up to 5 GB. Any thread may call."""

    def __init__(self, bucket: str) -> None:
        self.name = f"s3://{bucket}"
        self._bucket = bucket
        self._client = aws_client("s3")

    def sizes(self, prefix: str) -> dict[str, int]:
        """See the port."""
        return dict(self._listed(prefix))

    def checksum(self, key: str) -> str | None:
        """See the port."""
        try:
            told = self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] in MISSING:
                return None
            raise self._fault(error, key, "s3:GetObject") from error
        text = told.get("ChecksumSHA256")
        return base64.b64decode(text).hex() if text and "-" not in text else None

    def put(self, key: str, content: bytes, checksum: str) -> None:
        """See the port."""
        told = base64.b64encode(bytes.fromhex(checksum)).decode()
        try:
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=content, ChecksumAlgorithm="SHA256", ChecksumSHA256=told
            )
        except (BotoCoreError, ClientError) as error:
            raise self._fault(error, key, "s3:PutObject") from error

    def delete(self, key: str) -> None:
        """See the port."""
        try:
            self._client.delete_object(Bucket=self._bucket, Key=key)
        except (BotoCoreError, ClientError) as error:
            raise self._fault(error, key, "s3:DeleteObject") from error

    def _listed(self, prefix: str) -> Iterator[tuple[str, int]]:
        try:
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix
            ):
                for found in page.get("Contents", ()):
                    yield found["Key"], found["Size"]
        except (BotoCoreError, ClientError) as error:
            raise self._fault(error, prefix, "s3:ListBucket") from error

    def _fault(self, error: Exception, key: str, action: str) -> FootfallError:
        return fault_of(error, f"{self.name}/{key}", action)
