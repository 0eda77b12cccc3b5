"""The one family of errors, at the ground floor.

A class's docstring is its message: the first paragraph, filled with the values that the raiser
gives by name. Each message says what happened, to what, and what to do next; ``retryable`` says
whether the same call can succeed later without anyone changing anything.
"""

import inspect
from typing import ClassVar

__all__ = [
    "AddressInUse",
    "AwsFailed",
    "AwsNotReady",
    "AwsRefused",
    "BadComparison",
    "BadCorrection",
    "BadEncoding",
    "BadExport",
    "BadQuery",
    "BadSchedule",
    "BadSettings",
    "BadSource",
    "BadTarget",
    "BodyRefused",
    "BodyTooLarge",
    "BooksWrong",
    "ChildFailed",
    "FootfallError",
    "ImportOvertaken",
    "JavaMissing",
    "JobFailed",
    "JobNotStarted",
    "KeysFailed",
    "LakeChanged",
    "LakeOwned",
    "LogDamaged",
    "LogFailed",
    "LogFull",
    "MartLost",
    "MartRefused",
    "MartWrong",
    "MissingExtra",
    "NotFound",
    "NotReconcilable",
    "NotifyFailed",
    "ObjectChanged",
    "ObjectGone",
    "ObjectsDenied",
    "ObjectsLost",
    "ObjectsRefused",
    "PlatformBusy",
    "PlatformRefused",
    "PlatformRefusedForNow",
    "PlatformUnreachable",
    "QuestionFailed",
    "QuestionRefused",
    "QueueFailed",
    "SecretFailed",
    "SendFailed",
    "SourceUnreadable",
    "SparkFailed",
    "StateFailed",
    "StoreFailed",
    "StreamFailed",
    "UnknownEncoding",
]


class FootfallError(Exception):
    """Something in footfall failed: {what}."""

    retryable: ClassVar[bool] = False

    def __init__(self, **values: object) -> None:
        self.values = values
        template = " ".join((inspect.getdoc(type(self)) or "").split("\n\n")[0].split())
        super().__init__(template.format(**values))


class BadSettings(FootfallError):
    """These settings cannot be used: {problems}."""


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


class KeysFailed(FootfallError):
    """The key file {path} could not be read or made ({cause}), so nothing was taken: without it no
    address could be hashed. Check the disk's space and the folder's permissions.
    """

    retryable = True


class StreamFailed(LogFailed):
    """The stream {log} did not take everything ({cause}); what was asked for was not confirmed. Send the
    same events again: those that are stored already are found by their ids.
    """


class SecretFailed(KeysFailed):
    """The secret {path} could not be read or made ({cause}), so nothing was taken: without it no
    address could be hashed. Check that it is there and that the function's role may use it.
    """


class QueueFailed(FootfallError):
    """The queue {queue} did not do everything that was asked ({cause}). The same call may be made again:
    a letter that comes twice is known by its id.
    """

    retryable = True


class LogDamaged(FootfallError):
    """{path} is not a usable event log ({cause}). Move it out of the folder (its unread events are
    then missing from the books) or put back a good copy; a worker meanwhile takes the next free log.
    """


class StoreFailed(FootfallError):
    """{store} refused the work ({cause}); nothing was committed. It is tried again from the same
    read position; if it goes on, run "footfall doctor".
    """

    retryable = True


class BadQuery(FootfallError):
    """This query cannot be answered: {cause}. Only single SELECT statements are taken; "footfall
    metrics" lists the metrics and their parameters.
    """


class BadSource(FootfallError):
    """{path} cannot be imported as {format}: {cause}. {hint}."""


class SourceUnreadable(BadSource):
    """{path} cannot be imported as {format}: {cause}. {hint}."""


class BadExport(FootfallError):
    """{path} cannot be read as daily numbers of {product}: {cause}. {hint}."""


class BadTarget(FootfallError):
    """{path} cannot be written: {cause}. {hint}."""


class BadSchedule(FootfallError):
    """This cannot be scheduled: {cause}. {hint}."""


class NotifyFailed(FootfallError):
    """The alert could not be sent to {place} ({cause}). Check the addresses in alerts.urls; "footfall
    alerts test" sends one.
    """

    retryable = True


class BadComparison(FootfallError):
    """Nothing can be compared: {cause}. {hint}."""


class NotReconcilable(FootfallError):
    """Access logs and events cannot be reconciled: {cause}. {hint}."""


class NotFound(FootfallError):
    """There is no {what} named {name}. {hint}."""


class BadCorrection(FootfallError):
    """The corrected body cannot be used: {cause}. Name one rejected event, as "footfall rejected list"
    prints it, and give the body that it should have had.
    """


class PlatformBusy(FootfallError):
    """The data folder {data} is in use by process {pid}. Stop it, or let it do the work: commands
    find a running platform by themselves.
    """

    retryable = True


class PlatformUnreachable(FootfallError):
    """The platform of {data} is marked as running at {url} but does not answer ({cause}). See its
    output, or run "footfall doctor".
    """

    retryable = True


class SendFailed(FootfallError):
    """Sending to {url} stopped after {sent} events: {cause}. {hint}. What was answered is stored;
    sending the same events again counts none of them twice.
    """

    retryable = True


class MissingExtra(FootfallError):
    """{feature} needs an extra that is not installed. Run: pip install "footfall[{extra}]"."""


class JavaMissing(FootfallError):
    """Spark needs Java 17, and none was found ({looked}). Install it (on Debian: apt install
    openjdk-17-jre-headless), or let JAVA_HOME name it.
    """


class SparkFailed(FootfallError):
    """The Spark job failed ({cause}); nothing of it is to be seen in the lake. The executors' own logs say
    more; when it is mended, run the same command again.
    """


class BooksWrong(FootfallError):
    """The job's books do not balance: {read} events were read and {stood} stood there, but {written}
    written + {duplicate} duplicate + {rejected} rejected + {outside} outside the time asked for is another
    number.
    Nothing of it is to be seen in the lake. Run it again; if it stays so, please report it.
    """


class LakeOwned(FootfallError):
    """{lake} is kept by the platform of {data}, which would write over what a job puts there. Name another
    folder with --lake.
    """


class LakeChanged(FootfallError):
    """{lake} was changed by another program while a job was at work ({place}); nothing of the job is to be
    seen. Run it again when the other has ended: one job at a time writes to a lake.
    """

    retryable = True


class MartLost(FootfallError):
    """The connection to {place} was lost ({cause}); nothing half-written stays there. Run the export
    again: it goes on where it was.
    """

    retryable = True


class MartRefused(FootfallError):
    """{place} refused the work ({cause}); nothing of it stays there. Check the address, the user's
    rights (CREATE, ALTER, SELECT, INSERT, UPDATE, DELETE) and the room on its disk.
    """


class MartWrong(FootfallError):
    """{table} holds {found} rows of {day} where {expected} were written; the day was rolled back. Does
    somebody else write to it? Run the export again with --whole.
    """


class ObjectGone(FootfallError):
    """There is no object {address}, or not any more. Was it moved or deleted while it was read? Lines that
    were read before are kept.
    """


class ObjectChanged(FootfallError):
    """{address} was replaced while it was read. Import it again: what was read before is kept, and what
    both versions begin with is not doubled.
    """

    retryable = True


class ObjectsDenied(FootfallError):
    """{place} may not be used with these credentials ({cause}). Check AWS_PROFILE, AWS_ACCESS_KEY_ID or the
    role, and that its policy allows {action}.
    """


class ObjectsRefused(FootfallError):
    """{place} refused the request: {cause}. {hint}."""


class ObjectsLost(FootfallError):
    """{place} can't be reached or is throttling ({cause}), though it was asked again and again. Try later;
    what was done is kept.
    """

    retryable = True


class StateFailed(FootfallError):
    """What is remembered of imports in {place} can't be used ({cause}). {hint}."""

    retryable = True


class ImportOvertaken(FootfallError):
    """The import was halted for so long that another installation has taken over {source}; its last rows
    were not stored here. Import again: it goes on with what is left.
    """

    retryable = True


class AwsNotReady(FootfallError):
    """For this footfall needs {what}. {hint}."""


class AwsFailed(FootfallError):
    """The call {call} ended with {code}; what it said is above. {hint}."""


class AwsRefused(FootfallError):
    """AWS did not give {what} ({cause}). Check the rights of who asks, AWS_PROFILE and AWS_REGION."""


class JobNotStarted(FootfallError):
    """The Glue job {job} was not started ({cause}). What it was to read lies where it looks, and nothing
    was marked as done: call the function again, and look whether a run of the job hangs.
    """

    retryable = True


class JobFailed(FootfallError):
    """The run {run} of the Glue job {job} ended as {state} ({cause}). Its log is in /aws-glue/jobs; what it
    had begun in the lake, the next run ends. Mend the cause, and run the same command again.
    """


class QuestionFailed(FootfallError):
    """Athena's workgroup {place} gave no answer ({cause}). Ask again later; Athena's page "Recent queries"
    shows the question.
    """

    retryable = True


class QuestionRefused(FootfallError):
    """Athena's workgroup {place} refused the question ({cause}). Check the workgroup's scan limit, the
    database, and the rights of who asks.
    """


class AddressInUse(FootfallError):
    """Nothing can listen on {address}: another program does, or it is not this machine's. Choose
    another with --collector or --console.
    """


class ChildFailed(FootfallError):
    """The {child} {why}, so footfall was stopped. Its own message is above; "footfall doctor"
    looks for the usual causes.
    """


class PlatformRefused(FootfallError):
    """{message}"""


class PlatformRefusedForNow(FootfallError):
    """{message}"""

    retryable = True
