"""Every protocol that the collector speaks, one row each: routes, docs and console are made from it."""

from collections.abc import Mapping

from footfall.core.protocols.exchange import Tracker
from footfall.core.protocols.posthog import POSTHOG
from footfall.core.protocols.segment import SEGMENT
from footfall.core.protocols.snowplow import SNOWPLOW

__all__ = ["TRACKERS"]

TRACKERS: Mapping[str, Tracker] = {tracker.name: tracker for tracker in (SEGMENT, SNOWPLOW, POSTHOG)}
