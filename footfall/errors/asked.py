"""What was asked for cannot be: the settings, a source, a target, a question."""

from footfall.errors.base import FootfallError

__all__ = [
    "BadComparison",
    "BadCorrection",
    "BadExport",
    "BadQuery",
    "BadSchedule",
    "BadSettings",
    "BadSource",
    "BadTarget",
    "JavaMissing",
    "MissingExtra",
    "NotFound",
    "NotReconcilable",
    "SourceUnreadable",
]


class BadSettings(FootfallError):
    """These settings cannot be used: {problems}."""


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


class BadComparison(FootfallError):
    """Nothing can be compared: {cause}. {hint}."""


class BadCorrection(FootfallError):
    """The corrected body cannot be used: {cause}. Name one rejected event, as "footfall rejected list"
    prints it, and give the body that it should have had.
    """


class NotReconcilable(FootfallError):
    """Access logs and events cannot be reconciled: {cause}. {hint}."""


class NotFound(FootfallError):
    """There is no {what} named {name}. {hint}."""


class MissingExtra(FootfallError):
    """{feature} needs an extra that is not installed. Run: pip install "footfall[{extra}]"."""


class JavaMissing(FootfallError):
    """Spark needs Java 17, and none was found ({looked}). Install it (on Debian: apt install
    openjdk-17-jre-headless), or let JAVA_HOME name it.
    """
