"""From what arrived to the table of events: each concern's columns, put together."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.arrow import EVENTS_SCHEMA
from footfall.core.enrich.agent import Agent, read_agent
from footfall.core.enrich.bots import bot_reason
from footfall.core.enrich.channel import Landing, Traffic, read_traffic
from footfall.core.enrich.clock import created_column
from footfall.core.enrich.distinct import Spread, distinct, pairs, plain
from footfall.core.enrich.names import action_name
from footfall.core.enrich.place import place_columns
from footfall.core.enrich.scanners import scan_column
from footfall.core.enrich.url import Campaign, read_address
from footfall.core.enrich.visitor import visitor_column

__all__ = ["enrich"]

Columns = dict[str, pa.Array]
TEXT = pa.string()


class CampaignProperties(msgspec.Struct):
    """The utm parameters as trackers put them into an event's properties; any JSON is taken."""

    utm_source: Any = None
    utm_medium: Any = None
    utm_campaign: Any = None
    utm_term: Any = None
    utm_content: Any = None


read_properties = msgspec.json.Decoder(CampaignProperties).decode


def _given_campaign(properties: str) -> Campaign | None:
    values = msgspec.structs.astuple(read_properties(properties))
    texts = [value.strip() or None if isinstance(value, str) else None for value in values]
    return Campaign(*texts) if any(texts) else None


def _page_columns(url: Spread, referrer: Spread, properties: pa.Array) -> Columns:
    addresses = [read_address(value) for value in url.values]
    landings = url.then([Landing(page.host, page.campaign, page.click) for page in addresses])
    hosts = referrer.then([read_address(value).host for value in referrer.values])
    return {
        "host": url.of([address.host for address in addresses], TEXT),
        "path": url.of([address.path for address in addresses], TEXT),
        **_traffic_columns(landings, hosts, properties),
    }


def _traffic_columns(landings: Spread, hosts: Spread, properties: pa.Array) -> Columns:
    told = pc.fill_null(pc.match_substring(properties, '"utm_'), False)
    visits = pairs(landings, hosts)
    if pc.any(told).as_py():
        texts = distinct(pc.if_else(told, properties, pa.scalar(None, TEXT)))
        campaigns = texts.then([_given_campaign(text) for text in texts.values])
        visits = pairs(visits, campaigns)
        traffic = [read_traffic(page or Landing(), host, given) for (page, host), given in visits.values]
    else:
        traffic = [read_traffic(page or Landing(), host) for page, host in visits.values]
    columns = zip(*traffic, strict=True) if traffic else [()] * len(Traffic._fields)
    return {name: visits.of(values, TEXT) for name, values in zip(Traffic._fields, columns, strict=True)}


def _sender_columns(agents: Spread, origin: pa.Array, scan: pa.Array) -> Columns:
    read = [read_agent(value) for value in agents.values]
    columns = zip(*read, strict=True) if read else [()] * len(Agent._fields)
    told = {name: agents.of(values, TEXT) for name, values in zip(Agent._fields, columns, strict=True)}
    senders = pairs(agents, distinct(origin))
    reason = pc.coalesce(scan, senders.map(lambda sender: bot_reason(*sender), TEXT))
    is_bot = reason.is_valid()
    told["device"] = pc.if_else(is_bot, "bot", told["device"])
    return {**told, "bot_reason": reason, "is_bot": is_bot}


def enrich(arrived: pa.Table, processed_at: datetime) -> pa.Table:
    """Return ``arrived`` (``ARRIVED_SCHEMA``) as rows of ``EVENTS_SCHEMA``, in the same order.

    Each row's result depends on the row alone and on the events of its own request, never on the
    batch, so that a replay gives the same rows. ``session_id`` is the sender's or null: sessions
    are the warehouse's. ``processed_at`` without a zone is taken for UTC.
    """
    columns = {name: plain(arrived[name]) for name in arrived.column_names}
    if processed_at.tzinfo is not None:
        processed_at = processed_at.astimezone(UTC).replace(tzinfo=None)
    urls, agents = distinct(columns["url"]), distinct(columns["user_agent"])
    scan = scan_column(urls, agents, columns["status"])
    found: Columns = {
        **_page_columns(urls, distinct(columns["referrer"]), columns["properties"]),
        **_sender_columns(agents, columns["origin"], scan),
        **place_columns(columns["country"], columns["ip_country"]),
        "event": distinct(columns["event"]).map(action_name, TEXT),
        "visitor_id": visitor_column(columns),
        "created_at": created_column(columns),
        "processed_at": pa.repeat(pa.scalar(processed_at, pa.timestamp("us")), len(arrived)),
    }
    return pa.Table.from_arrays(
        [found.get(name, columns.get(name)) for name in EVENTS_SCHEMA.names], schema=EVENTS_SCHEMA
    )
