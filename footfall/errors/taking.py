"""Events that could not be taken in or sent: bodies, the log and what stands for it, keys."""

from typing import ClassVar

from footfall.errors.base import FootfallError

__all__ = [
    "BadEncoding",
    "BodyRefused",
    "BodyTooLarge",
    "KeysFailed",
    "LogDamaged",
    "LogFailed",
    "LogFull",
    "QueueFailed",
    "SecretFailed",
    "SendFailed",
    "StreamFailed",
    "UnknownEncoding",
]


class BodyRefused(FootfallError):
    """The request's body cannot be read: {cause}."""

    status: ClassVar[int] = 400

    @property
    def reason(self) -> str:
        """The message, for the answer."""
        return str(self)


class BodyTooLarge(BodyRefused):
    """The body has more than {limit} bytes {when}. Send fewer events at once."""

    status = 413


class BadEncoding(BodyRefused):
    """The body is not what its Content-Encoding {encoding} says: {cause}. Send it again in full, or
    without the header.
    """


class UnknownEncoding(BodyRefused):
    """The Content-Encoding {encoding} is not known here. Send gzip, deflate or none."""

    status = 415


class LogFull(FootfallError):
    """The event log {log} has reached its limit of {limit_bytes} bytes ({used_bytes} used), so nothing
    was taken. Wait until the loader has read it, or raise the setting log.max_bytes.
    """

    retryable = True


class LogFailed(FootfallError):
    """The event log {log} could not be written ({cause}), so nothing was taken. Check the disk's
    space and permissions; the collector tries again by itself.
    """

    retryable = True


class LogDamaged(FootfallError):
    """{path} is not a usable event log ({cause}). Move it out of the folder (its unread events are
    then missing from the books) or put back a good copy; a worker meanwhile takes the next free log.
    """


class StreamFailed(LogFailed):
    """The stream {log} did not take everything ({cause}); what was asked for was not confirmed. Send the
    same events again: those that are stored already are found by their ids.
    """


class KeysFailed(FootfallError):
    """The key file {path} could not be read or made ({cause}), so nothing was taken: without it no
    address could be hashed. Check the disk's space and the folder's permissions.
    """

    retryable = True


class SecretFailed(KeysFailed):
    """The secret {path} could not be read or made ({cause}), so nothing was taken: without it no
    address could be hashed. Check that it is there and that the function's role may use it.
    """


class QueueFailed(FootfallError):
    """The queue {queue} did not do everything that was asked ({cause}). The same call may be made again:
    a letter that comes twice is known by its id.
    """

    retryable = True


class SendFailed(FootfallError):
    """Sending to {url} stopped after {sent} events: {cause}. {hint}. What was answered is stored;
    sending the same events again counts none of them twice.
    """

    retryable = True
