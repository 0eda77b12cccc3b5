"""Every protocol that the collector speaks, one row each: routes, docs and console are made from it."""

from collections.abc import Mapping

from footfall.core.protocols.clickstream import CLICKSTREAM
from footfall.core.protocols.exchange import Tracker
from footfall.core.protocols.ga4 import GA4
from footfall.core.protocols.goatcounter import GOATCOUNTER
from footfall.core.protocols.matomo import MATOMO
from footfall.core.protocols.plausible import PLAUSIBLE
from footfall.core.protocols.posthog import POSTHOG
from footfall.core.protocols.segment import SEGMENT
from footfall.core.protocols.snowplow import SNOWPLOW
from footfall.core.protocols.umami import UMAMI

__all__ = ["TRACKERS"]

TRACKERS: Mapping[str, Tracker] = {
    tracker.name: tracker
    for tracker in (SEGMENT, SNOWPLOW, POSTHOG, GA4, MATOMO, CLICKSTREAM, PLAUSIBLE, UMAMI, GOATCOUNTER)
}
