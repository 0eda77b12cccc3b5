"""What the services are promised by the stores, whichever adapter stands behind.

One file per kind of store; one contract suite per port (``footfall.testing``) runs over every adapter.
"""

from footfall.ports.country import CountryLookup
from footfall.ports.event_log import EventLog, RawArchive
from footfall.ports.imports import ImportState, SourceRecord
from footfall.ports.mart import Mart, MartChange
from footfall.ports.objects import ObjectStore, StoredObject
from footfall.ports.schedule import JobRunner, Notifier, RunningJob, ScheduleStore
from footfall.ports.warehouse import (
    Answer,
    Batch,
    Books,
    Kept,
    Lake,
    RejectedEvent,
    Sighting,
    Stored,
    Warehouse,
)

__all__ = [
    "Answer",
    "Batch",
    "Books",
    "CountryLookup",
    "EventLog",
    "ImportState",
    "JobRunner",
    "Kept",
    "Lake",
    "Mart",
    "MartChange",
    "Notifier",
    "ObjectStore",
    "RawArchive",
    "RejectedEvent",
    "RunningJob",
    "ScheduleStore",
    "Sighting",
    "SourceRecord",
    "Stored",
    "StoredObject",
    "Warehouse",
]
