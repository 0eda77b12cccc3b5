"""The events in OpenSearch: index names, document ids, the index template and the policy of age.

A day of ``created_at`` is an index, behind one alias to be searched by. So the index and the id
of an event follow from the event alone, and whoever sends it again finds it there. (Rollover by
size, or a data stream, would put a retry into the next index, beside the first copy.)
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from footfall.core.schema import EVENTS, Column

__all__ = ["ALIAS", "age_policy", "document_ids", "index_names", "index_template"]

ALIAS = "footfall-events"
PATTERN = f"{ALIAS}-*"
LONGEST_KEYWORD = 8_191  # characters; Lucene takes 32,766 bytes, of which one character may need four

TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "keyword", "ignore_above": LONGEST_KEYWORD},
    "time": {"type": "date_nanos", "format": "strict_date_optional_time_nanos"},
    "number": {"type": "double"},
    "integer": {"type": "long"},
    "flag": {"type": "boolean"},
    "json": {"type": "flat_object"},
}
"""Of a column's kind. ``flat_object`` keeps what senders invent from growing the mapping."""

NAMED: dict[str, dict[str, Any]] = {
    "ip": {"type": "ip", "ignore_malformed": True},
    "title": {**TYPES["text"], "fields": {"words": {"type": "text"}}},
}


def index_names(created: Sequence[str]) -> list[str]:
    """Return each event's index from its ``created_at``, an ISO 8601 text."""
    return [f"{ALIAS}-{time[:4]}.{time[5:7]}.{time[8:10]}" for time in created]


def document_ids(apps: Sequence[str], events: Sequence[str]) -> list[str]:
    """Return each event's document id: of app and event id, in 40 hex digits.

    Hashed, since an id may have 512 bytes there, and ours may have 1,600.
    """
    return [_document_id(app.encode(), event.encode()) for app, event in zip(apps, events, strict=True)]


def _document_id(app: bytes, event: bytes) -> str:
    return blake2b(len(app).to_bytes(4) + app + event, digest_size=20).hexdigest()


def index_template(shards: int = 1, replicas: int = 1) -> dict[str, Any]:
    """Return the body of ``PUT _index_template/footfall-events``."""
    return {
        "index_patterns": [PATTERN],
        "priority": 100,
        "template": {
            "settings": {
                "index": {
                    "number_of_shards": shards,
                    "number_of_replicas": replicas,
                    "refresh_interval": "5s",
                    "codec": "best_compression",
                    # A store full of history makes more than a term for each; a wrong field is an error.
                    "mapping": {"total_fields": {"limit": 200}},
                }
            },
            "mappings": {
                "dynamic": "strict",
                "properties": {column.name: _mapping(column) for column in EVENTS},
            },
            "aliases": {ALIAS: {}},
        },
    }


def _mapping(column: Column) -> dict[str, Any]:
    return NAMED.get(column.name, TYPES[column.kind])


def age_policy(merge_days: int = 2, keep_days: int = 30) -> dict[str, Any]:
    """Return the body of ``PUT _plugins/_ism/policies/footfall-events``.

    A day's index is merged and closed to writes' cost once the day is over, and deleted in the end.
    """
    return {
        "policy": {
            "description": "footfall: a day's index is merged, then deleted",
            "default_state": "written",
            "states": [
                _state("written", [], "merged", merge_days),
                _state("merged", [{"force_merge": {"max_num_segments": 1}}], "deleted", keep_days),
                _state("deleted", [{"delete": {}}]),
            ],
            "ism_template": [{"index_patterns": [PATTERN], "priority": 100}],
        }
    }


def _state(name: str, actions: list[Any], then: str = "", days: int = 0) -> dict[str, Any]:
    transitions = [{"state_name": then, "conditions": {"min_index_age": f"{days}d"}}] if then else []
    retry = {"retry": {"count": 3, "backoff": "exponential", "delay": "10m"}}
    return {
        "name": name,
        "actions": [{**action, **retry} for action in actions],
        "transitions": transitions,
    }
