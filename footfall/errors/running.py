"""What runs elsewhere and could not be reached, started or ended well: processes, Spark, AWS."""

from footfall.errors.base import FootfallError

__all__ = [
    "AddressInUse",
    "AwsFailed",
    "AwsNotReady",
    "AwsRefused",
    "ChildFailed",
    "JobFailed",
    "JobNotStarted",
    "NotifyFailed",
    "PlatformBusy",
    "PlatformRefused",
    "PlatformRefusedForNow",
    "PlatformUnreachable",
    "QuestionFailed",
    "QuestionRefused",
    "SparkFailed",
]


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


class PlatformRefused(FootfallError):
    """{message}"""


class PlatformRefusedForNow(FootfallError):
    """{message}"""

    retryable = True


class AddressInUse(FootfallError):
    """Nothing can listen on {address}: another program does, or it is not this machine's. Choose
    another with --collector or --console.
    """


class ChildFailed(FootfallError):
    """The {child} {why}, so footfall was stopped. Its own message is above; "footfall doctor"
    looks for the usual causes.
    """


class NotifyFailed(FootfallError):
    """The alert could not be sent to {place} ({cause}). Check the addresses in alerts.urls; "footfall
    alerts test" sends one.
    """

    retryable = True


class SparkFailed(FootfallError):
    """The Spark job failed ({cause}); nothing of it is to be seen in the lake. The executors' own logs say
    more; when it is mended, run the same command again.
    """


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
