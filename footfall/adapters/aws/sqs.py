"""Dead letters in an SQS queue: one message each, in ASCII JSON.

SQS gives at least once, and keeps a message 14 days at most; the queue's alarm is there to be
answered sooner. Whoever works on letters knows them by their ``letter_id``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from footfall.adapters.aws.piecemeal import Bounds, Failure, Patience, failure_of, send_piecemeal
from footfall.core.dead_letter import DeadLetter, read_letter, unreadable_letter, write_letter
from footfall.errors import QueueFailed
from footfall.ports.delivery import ReceivedLetter

__all__ = ["LetterQueue"]

MESSAGE_BYTES = 1_000_000  # SQS takes 1 MiB for all messages of a request
REQUEST = Bounds(things=10, size=MESSAGE_BYTES)
CUT_BYTES = 100_000  # what a letter that is too long keeps of its body; in ASCII a byte may take six
GONE = {"ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"}
"""What SQS says of a letter that was struck already, or whose time was over: it is back by itself."""


class LetterQueue:
    """The DeadLetters port on one queue, by its URL."""

    def __init__(self, url: str, client: Any, patience: Patience | None = None) -> None:
        self._url = url
        self._client = client
        self._patience = patience or Patience()

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """See the port. A letter that no message can hold keeps the beginning of its body."""

        def put(group: Sequence[str]) -> Mapping[int, Failure]:
            entries = [{"Id": str(place), "MessageBody": text} for place, text in enumerate(group)]
            return _failures(self._client.send_message_batch(QueueUrl=self._url, Entries=entries))

        self._send_all([_text(letter) for letter in letters], put, len)

    def receive(self, most: int, hidden_seconds: int) -> Sequence[ReceivedLetter]:
        """See the port; asks until the queue gives nothing."""
        found: list[ReceivedLetter] = []
        while len(found) < most:
            try:
                answer = self._client.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=min(10, most - len(found)),
                    VisibilityTimeout=hidden_seconds,
                    WaitTimeSeconds=1,
                )
            except Exception as error:
                raise QueueFailed(queue=self._url, cause=failure_of(error).reason) from error
            messages = answer.get("Messages", [])
            if not messages:
                break
            found += [ReceivedLetter(_letter(each), each["ReceiptHandle"]) for each in messages]
        return found

    def release(self, letters: Sequence[ReceivedLetter]) -> None:
        """See the port."""

        def give_back(group: Sequence[ReceivedLetter]) -> Mapping[int, Failure]:
            entries = [
                {"Id": str(place), "ReceiptHandle": each.receipt, "VisibilityTimeout": 0}
                for place, each in enumerate(group)
            ]
            return _failures(
                self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)
            )

        self._send_all(letters, give_back, lambda _: 0)

    def delete(self, letters: Sequence[ReceivedLetter]) -> None:
        """See the port."""

        def forget(group: Sequence[ReceivedLetter]) -> Mapping[int, Failure]:
            entries = [
                {"Id": str(place), "ReceiptHandle": each.receipt} for place, each in enumerate(group)
            ]
            return _failures(self._client.delete_message_batch(QueueUrl=self._url, Entries=entries))

        self._send_all(letters, forget, lambda _: 0)

    def count(self) -> tuple[int, int]:
        """Return about how many letters wait, and how many somebody has in hand. Raises QueueFailed."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        try:
            answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
        except Exception as error:
            raise QueueFailed(queue=self._url, cause=failure_of(error).reason) from error
        waiting, held = (int(answer["Attributes"][name]) for name in names)
        return waiting, held

    def _send_all(
        self,
        items: Sequence[Any],
        send: Callable[[Sequence[Any]], Mapping[int, Failure]],
        size_of: Callable[[Any], int],
    ) -> None:
        failed = send_piecemeal(items, send, size_of, REQUEST, self._patience)
        if failed:
            reasons = "; ".join(sorted({failure.reason for failure in failed.values()}))
            raise QueueFailed(queue=self._url, cause=f"{len(failed)} of {len(items)} letters: {reasons}")


def _failures(answer: Mapping[str, Any]) -> Mapping[int, Failure]:
    return {
        int(entry["Id"]): Failure(
            f"{entry['Code']}: {entry.get('Message', '')}", for_now=not entry["SenderFault"]
        )
        for entry in answer.get("Failed", [])
        if entry["Code"].rpartition(".")[2] not in GONE
    }


def _text(letter: DeadLetter) -> str:
    text = write_letter(letter)
    if len(text) <= MESSAGE_BYTES:
        return text
    note = f"only the first {CUT_BYTES} of its {len(letter.body)} characters are kept here"
    return write_letter(
        msgspec.structs.replace(letter, body=letter.body[:CUT_BYTES], reasons=(*letter.reasons, note))
    )


def _letter(message: Mapping[str, Any]) -> DeadLetter:
    """Return the letter in a message; one that others put there is a letter too, of its text."""
    try:
        return read_letter(message["Body"])
    except msgspec.DecodeError as error:
        data = message["Body"].encode()
        return unreadable_letter(
            "queue", message["MessageId"], data, f"it is no dead letter of ours: {error}"
        )
