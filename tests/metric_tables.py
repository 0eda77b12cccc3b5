"""Small random event tables for the metrics' tests, and the engines that they are put into."""

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from footfall.core.arrow import EVENTS_SCHEMA
from footfall.metrics import STITCH, metric

# a Thursday, shortly before a month's end
START = datetime.fromisoformat("2026-01-29T23:00:00")

MOMENTS = st.builds(
    lambda days, minutes, micros: START + timedelta(days=days, minutes=minutes, microseconds=micros),
    st.sampled_from([0, 0, 1, 2, 4, 6, 7, 8, 29, 30, 31]),
    st.sampled_from([0, 0, 5, 30, 31, 60, 90, 120]),
    st.sampled_from([0, 0, 0, 1, 999_999]),
)

PAGES = (
    "https://a.example/",
    "https://cdn.a.example/p.png?v=1",
    "https://b.example/p.png",
    "https://b.example/other",
    "https://c.example/other",
)


def host_of(referrer: str | None) -> str | None:
    return referrer.split("/")[2] if referrer else None


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "app_id": st.sampled_from(["shop", "shop", "blog"]),
            "visitor_id": st.sampled_from(["ann", "bob", "cyd", "eve"]),
            "user_id": st.sampled_from([None, "ann", "bob", "cyd", "dee"]),
            "anonymous_id": st.sampled_from([None, "ann", "bob", "cyd", "eve"]),
            "event": st.sampled_from(
                ["page_view", "page_view", "cart", "pay", "click", "identify", "alias"]
            ),
            "created_at": MOMENTS,
            "is_bot": st.sampled_from([False, False, False, True]),
            "path": st.sampled_from([None, "/", "/menu", "/é'\\"]),
            "element": st.sampled_from([None, "entree", "dessert"]),
            "time_spent": st.sampled_from([None, 0.0, 1.0, 67.0, 0.1, 0.2, 12.3456, 1e-4, 31_536_000.0]),
            "device": st.sampled_from([None, "desktop", "mobile"]),
            "browser": st.sampled_from([None, "Firefox"]),
            "country": st.sampled_from([None, "NA", "DE"]),
            "continent": st.sampled_from(["AF", "EU"]),
            "channel": st.sampled_from([None, "Direct", "Email", "Organic Search"]),
            "campaign": st.sampled_from([None, "spring"]),
            "source": st.sampled_from([None, "news"]),
            "properties": st.sampled_from(
                [
                    *(None, "{}", '{"age":40}', '{"source_menu":"soup"}'),
                    *(
                        '{"source_menu":"soup","age":"41"}',
                        '{"previous_id":"ann"}',
                        '{"previous_id":"eve"}',
                        '{"object_size":10}',
                    ),
                ]
            ),
            "user_properties": st.sampled_from(
                [None, "{}", '{"age":30}', '{"age":31.5}', '{"age":0}', '{"age":"old"}', '{"age":null}']
            ),
            "method": st.sampled_from([None, "GET", "GET", "REST.GET.OBJECT", "HEAD", "POST"]),
            "status": st.sampled_from([None, 200, 206, 206, 304, 301, 404]),
            "bytes": st.sampled_from([None, 0, 5, 1_000_000_000_000]),
            "object": st.sampled_from([None, "a.pdf", "a.pdf", "B.pdf", "/p.png", "/p.png"]),
            "host": st.sampled_from([None, None, None, "a.example"]),
            "referrer": st.sampled_from([None, *PAGES]),
            "ip": st.sampled_from([None, "192.0.2.0", "198.51.100.0"]),
            "bot_reason": st.sampled_from([None, "crawler: x"]),
        }
    ).map(lambda row: row | {"referrer_host": host_of(row["referrer"])}),
    max_size=24,
)


def events_table(rows: list[dict[str, Any]]) -> pa.Table:
    """Return the rows in all columns of ``events``; ids are given by place, the last first."""
    for place, row in enumerate(rows):
        row.update({name: None for name in EVENTS_SCHEMA.names if name not in row})
        row["event_id"] = f"e{999 - place}"
        row.update(received_at=row["created_at"], processed_at=row["created_at"], origin="native")
    return pa.Table.from_pylist(rows, EVENTS_SCHEMA)


COMMON = st.fixed_dictionaries(
    {},
    optional={
        "from": st.sampled_from(["2026-01-30", "2026-02-02"]),
        "to": st.sampled_from(["2026-02-05", "2026-02-28"]),
        "app": st.sampled_from(["shop", "nobody"]),
        "bots": st.sampled_from(["true", "false"]),
    },
)

LIMIT = {"limit": st.sampled_from(["1", "2", "100"])}
OBJECT = {"object": st.sampled_from(["a.pdf", "/p.png"])}
SEARCH = {"search": st.sampled_from([".PDF", "b", "%", "_"])}
INTERVAL = {"interval": st.sampled_from(["hour", "day", "week", "month"])}
STEPS = st.lists(st.sampled_from(["page_view", "cart", "pay", "never"]), min_size=1, max_size=5)

OWN: dict[str, st.SearchStrategy[dict[str, str]]] = {
    "retention": st.fixed_dictionaries({}, optional={"period": st.sampled_from(["day", "week"])}),
    "lifecycle": st.fixed_dictionaries({}, optional={"period": st.sampled_from(["day", "week"])}),
    "campaigns": st.fixed_dictionaries({}, optional=LIMIT),
    "paths": st.fixed_dictionaries({}, optional={"path": st.sampled_from(["/", "/é'\\"]), **LIMIT}),
    "log_requests": st.fixed_dictionaries(
        {},
        optional={"status": st.sampled_from(["200", "404"]), "offset": st.sampled_from(["0", "1", "5"])}
        | OBJECT
        | LIMIT,
    ),
    "funnel": st.fixed_dictionaries(
        {"steps": STEPS.map(",".join)}, optional={"window": st.sampled_from(["60s", "30m", "1h", "7d"])}
    ),
    "top_events": st.fixed_dictionaries({}, optional=LIMIT),
    "top_pages": st.fixed_dictionaries({}, optional=LIMIT),
    "top_objects": st.fixed_dictionaries({}, optional=SEARCH | LIMIT),
    "object_outcomes": st.fixed_dictionaries({}, optional=SEARCH | LIMIT),
    "opens_over_time": st.fixed_dictionaries({}, optional=INTERVAL | OBJECT),
    "object_trend": st.fixed_dictionaries({}, optional=INTERVAL | SEARCH | LIMIT),
    "object_readers": st.fixed_dictionaries(
        {},
        optional={"by": st.sampled_from(["country", "referrer_host", "device", "browser", "os", "channel"])}
        | OBJECT
        | LIMIT,
    ),
    "hotlinks": st.fixed_dictionaries({}, optional=OBJECT | LIMIT),
    "scanners": st.fixed_dictionaries({}, optional={"missing": st.sampled_from(["2", "3"])} | LIMIT),
    "status_codes": st.fixed_dictionaries({}, optional=OBJECT),
    "events_over_time": st.fixed_dictionaries(
        {},
        optional={
            "interval": st.sampled_from(["hour", "day", "week", "month"]),
            "event": st.sampled_from(["page_view", "never"]),
        },
    ),
    "time_spent": st.fixed_dictionaries(
        {}, optional={"by": st.sampled_from(["element", "path", "event", "source_menu"]), **LIMIT}
    ),
    "devices": st.fixed_dictionaries({}, optional={"by": st.sampled_from(["device", "browser", "os"])}),
    "average_age": st.fixed_dictionaries({}, optional={"by": st.sampled_from(["country", "device"])}),
}


def values_of(name: str) -> st.SearchStrategy[dict[str, str]]:
    """Return a strategy of values for the metric's parameters, own and common."""
    stitch = st.sampled_from([{}, {"stitch": "true"}]) if STITCH in metric(name).parameters else st.just({})
    return st.builds(
        lambda *given: {key: value for each in given for key, value in each.items()},
        OWN.get(name, st.just({})),
        COMMON,
        stitch,
    )
