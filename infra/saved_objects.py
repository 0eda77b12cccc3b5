"""OpenSearch Dashboards, as it imports them: an index pattern, five charts, and the page they stand on."""

import json
from typing import Any

from footfall.core.search_index import ALIAS

__all__ = ["saved_objects"]

PATTERN = {"name": "pattern", "type": "index-pattern", "id": ALIAS}
TOP = 10


def saved_objects() -> str:
    """Return the saved objects as NDJSON."""
    charts = [
        _chart("events-over-time", "Events over time", "line", _time()),
        _chart("top-events", "What is done", "horizontal_bar", _terms("event")),
        _chart("top-pages", "Pages", "table", _terms("path")),
        _chart("countries", "Countries", "horizontal_bar", _terms("country")),
        _chart("bots", "Bots, by reason", "pie", _terms("bot_reason"), bots=True),
    ]
    pattern = {
        "type": "index-pattern",
        "id": ALIAS,
        "attributes": {"title": f"{ALIAS}-*", "timeFieldName": "created_at"},
        "references": [],
    }
    return "\n".join(json.dumps(each) for each in (pattern, *charts, _page(charts)))


def _time() -> dict[str, Any]:
    return {
        "id": "2",
        "enabled": True,
        "type": "date_histogram",
        "schema": "segment",
        "params": {"field": "created_at", "interval": "auto", "min_doc_count": 1},
    }


def _terms(field: str) -> dict[str, Any]:
    return {
        "id": "2",
        "enabled": True,
        "type": "terms",
        "schema": "segment",
        "params": {"field": field, "size": TOP, "order": "desc", "orderBy": "1"},
    }


def _chart(name: str, title: str, kind: str, by: dict[str, Any], *, bots: bool = False) -> dict[str, Any]:
    if kind == "table":
        by = {**by, "schema": "bucket"}
    count = {"id": "1", "enabled": True, "type": "count", "schema": "metric", "params": {}}
    state = {"title": title, "type": kind, "aggs": [count, by], "params": {"addLegend": kind == "pie"}}
    source = {
        "query": {"language": "lucene", "query": f"is_bot:{str(bots).lower()}"},
        "filter": [],
        "indexRefName": "pattern",
    }
    return {
        "type": "visualization",
        "id": f"footfall-{name}",
        "attributes": {
            "title": title,
            "visState": json.dumps(state),
            "uiStateJSON": "{}",
            "description": "",
            "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source)},
        },
        "references": [PATTERN],
    }


def _page(charts: list[dict[str, Any]]) -> dict[str, Any]:
    panels, references = [], []
    for number, chart in enumerate(charts):
        wide = number == 0
        x, y = (0, 0) if wide else ((number - 1) % 2 * 24, 12 + (number - 1) // 2 * 15)
        grid = {"x": x, "y": y, "w": 48 if wide else 24, "h": 12 if wide else 15, "i": str(number)}
        panels.append(
            {
                "panelIndex": str(number),
                "gridData": grid,
                "panelRefName": f"panel_{number}",
                "embeddableConfig": {},
            }
        )
        references.append({"name": f"panel_{number}", "type": "visualization", "id": chart["id"]})
    return {
        "type": "dashboard",
        "id": "footfall",
        "attributes": {
            "title": "footfall",
            "panelsJSON": json.dumps(panels),
            "optionsJSON": "{}",
            "timeRestore": True,
            "timeFrom": "now-24h",
            "timeTo": "now",
            "kibanaSavedObjectMeta": {
                "searchSourceJSON": json.dumps({"query": {"language": "lucene", "query": ""}})
            },
        },
        "references": references,
    }
