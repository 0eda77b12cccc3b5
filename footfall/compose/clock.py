"""The one clock of an installation; everything below is handed the time."""

from datetime import UTC, datetime

__all__ = ["utc_now"]


def utc_now() -> datetime:
    """Return the time now, UTC, without a zone: as all our times are."""
    return datetime.now(UTC).replace(tzinfo=None)
