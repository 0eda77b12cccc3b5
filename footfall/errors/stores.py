"""What a store refused or lost: warehouse, lake, mart, objects, state of imports."""

from footfall.errors.base import FootfallError

__all__ = [
    "BooksWrong",
    "ImportOvertaken",
    "LakeChanged",
    "LakeOwned",
    "MartLost",
    "MartRefused",
    "MartWrong",
    "ObjectChanged",
    "ObjectGone",
    "ObjectsDenied",
    "ObjectsLost",
    "ObjectsRefused",
    "StateFailed",
    "StoreFailed",
]


class StoreFailed(FootfallError):
    """{store} refused the work ({cause}); nothing was committed. It is tried again from the same
    read position; if it goes on, run "footfall doctor".
    """

    retryable = True


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
