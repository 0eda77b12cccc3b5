"""What Firehose could not deliver, as dead letters: its files below ``errors/`` in the lake's bucket.

A line is JSON: why (``errorMessage`` or ``lastErrorMessage``) and ``rawData``, the record in Base64. What
could not become Parquet holds rows of ours, a line each; what the transform failed on is a raw record.
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html#data-transformation-failure-handling
https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html
"""

import base64
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
import pyarrow as pa

from footfall.core.dead_letter import DeadLetter, row_letter, unreadable_letter
from footfall.core.json_rows import flat_rows_of, json_rows
from footfall.errors import ObjectGone
from footfall.ports import ObjectStore
from footfall.ports.delivery import ReceivedLetter

__all__ = ["DeliveryErrors"]

ROWS = "errors/rows/format-conversion-failed/"
RECORDS = "errors/rows/processing-failed/"
PLACE = "firehose"  # what dead letters call the sink of rows

_read = msgspec.json.Decoder(dict[str, Any]).decode


class DeliveryErrors:
    """The LetterSource port on a bucket's error files.

    A letter is not given again by the same object; others see it all the time, so two who bring letters
    on at once may bring one twice, as Firehose itself may. Raises what the port ObjectStore raises.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._given: set[str] = set()

    def receive(self, most: int, hidden_seconds: int) -> Sequence[ReceivedLetter]:  # noqa: ARG002
        """See the port; a file stays where it is, so there is nothing to hide."""
        found: list[ReceivedLetter] = []
        for prefix in (ROWS, RECORDS):
            for stored in self._store.list(prefix):
                for line in self._lines(stored.key):
                    for piece in _pieces(stored.key, line):
                        receipt = _receipt(stored.key, piece)
                        if receipt in self._given:
                            continue
                        if len(found) == most:
                            return found
                        self._given.add(receipt)
                        found.append(ReceivedLetter(_letter(stored.key, line, piece), receipt))
        return found

    def release(self, letters: Sequence[ReceivedLetter]) -> None:
        """See the port."""
        self._given -= {each.receipt for each in letters}

    def delete(self, letters: Sequence[ReceivedLetter]) -> None:
        """See the port: a file is written without them, and goes with the last of its letters."""
        receipts = {each.receipt for each in letters}
        for key in sorted({receipt.rpartition("#")[0] for receipt in receipts}):
            kept = []
            for line in self._lines(key):
                left = [piece for piece in _pieces(key, line) if _receipt(key, piece) not in receipts]
                if left:
                    kept.append({**line, "rawData": base64.b64encode(b"\n".join(left)).decode()})
            if kept:
                self._store.put(key, b"".join(msgspec.json.encode(line) + b"\n" for line in kept))
            else:
                self._store.delete([key])

    def _lines(self, key: str) -> Iterator[dict[str, Any]]:
        """Yield a file's lines; one that is none of Firehose's stands for itself."""
        try:
            with self._store.open(key) as file:
                content = file.read()
        except ObjectGone:  # it was struck since it was listed
            return
        for line in content.splitlines():
            try:
                read = _read(line)
                base64.b64decode(read["rawData"], validate=True)
            except (msgspec.DecodeError, KeyError, TypeError, ValueError):
                read = {"rawData": base64.b64encode(line).decode(), "errorMessage": "no line of Firehose's"}
            yield read


def _pieces(key: str, line: dict[str, Any]) -> list[bytes]:
    """Return what a failed record holds: rows, or the record as it is."""
    data = base64.b64decode(line["rawData"])
    return [row for row in data.splitlines() if row.strip()] if key.startswith(ROWS) else [data]


def _receipt(key: str, piece: bytes) -> str:
    return f"{key}#{blake2b(piece, digest_size=12).hexdigest()}"


def _letter(key: str, line: dict[str, Any], piece: bytes) -> DeadLetter:
    reason = str(line.get("lastErrorMessage") or line.get("errorMessage") or "Firehose gave no reason")
    if key.startswith(ROWS):
        try:
            rows = flat_rows_of([piece])
            [nested] = json_rows(rows, "iso", nested=True)
        except (msgspec.MsgspecError, pa.ArrowException) as error:
            reason = f"{reason}; it is no row of ours: {error}"
        else:
            app, event = rows["app_id"][0].as_py(), rows["event_id"][0].as_py()
            received = rows["received_at"].cast(pa.int64())[0].as_py()
            return row_letter(PLACE, app, event, nested, reason, received)
    return unreadable_letter(PLACE, key + blake2b(piece, digest_size=12).hexdigest(), piece, reason)
