"""Puts an installation together: the only package that knows all adapters."""

from footfall.compose.clock import utc_now
from footfall.compose.commands import Here, connect, examine
from footfall.compose.platform import Platform
from footfall.compose.schedule import notifier, open_jobs

__all__ = ["Here", "Platform", "connect", "examine", "notifier", "open_jobs", "utc_now"]
