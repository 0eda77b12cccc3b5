"""Hours as people write them, for commands that work on a range of them."""

from datetime import UTC, datetime

from footfall.core.moments import moment
from footfall.errors import BadSettings

__all__ = ["hour_of"]


def hour_of(text: str | None, option: str) -> datetime | None:
    """Return an hour as naive UTC, None where none is given. Raises BadSettings, which names the option."""
    if text is None:
        return None
    try:
        found = moment(text)
    except ValueError:
        found = None
    if found is None or found.minute or found.second or found.microsecond:
        raise BadSettings(problems=f"{option} {text} is no hour; write YYYY-MM-DD or YYYY-MM-DDTHH:00")
    return found.astimezone(UTC).replace(tzinfo=None)
