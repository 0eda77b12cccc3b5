"""The columns, said once: Arrow, DuckDB, docs and every other DDL are made from these rows.

``EVENTS`` is the table that SQL sees. ``ARRIVED`` is the narrow waist before it: whatever way an
event came (collector, import, Spark), it is brought into these columns first, and enrichment
turns ``ARRIVED`` into ``EVENTS``.
"""

from typing import Literal, NamedTuple

__all__ = ["ARRIVED", "EVENTS", "Column", "Kind", "column_names", "duckdb_ddl"]

Kind = Literal["text", "time", "number", "integer", "flag", "json"]

DUCKDB_TYPES: dict[Kind, str] = {
    "text": "VARCHAR",
    "time": "TIMESTAMP",
    "number": "DOUBLE",
    "integer": "BIGINT",
    "flag": "BOOLEAN",
    "json": "VARCHAR",
}


class Column(NamedTuple):
    """One column: its name, its kind (not any engine's type), and what it means.

    ``time`` is UTC microseconds without a zone; ``json`` is an object as JSON text.
    """

    name: str
    kind: Kind
    doc: str
    required: bool = False


EVENTS: tuple[Column, ...] = (
    Column("event_id", "text", "The sender's id of the event; made from its place in the log when the sender gave none. Counted once per app within 7 days.", True),
    Column("app_id", "text", "The app (site, product) that the event belongs to.", True),
    Column("event", "text", "What was done: page_view, click, purchase, ...; lower snake case.", True),
    Column("user_id", "text", "The person, as the app knows them; an e-mail address here is stored as a keyed hash."),
    Column("anonymous_id", "text", "The browser or device, as the sender knows it."),
    Column("visitor_id", "text", "Who is counted: user_id, else anonymous_id, else a daily-salted hash of app, IP and user agent.", True),
    Column("session_id", "text", "The sender's session; else the session of 30 minutes that the event falls in."),
    Column("created_at", "time", "When it happened, with the client's clock corrected by sent_at.", True),
    Column("sent_at", "time", "When the sender says that it sent the event, by its own clock."),
    Column("received_at", "time", "When the collector took it.", True),
    Column("processed_at", "time", "When the loader stored it.", True),
    Column("url", "text", "The page's address, with personal data masked."),
    Column("host", "text", "The address's host, in lower case, without www."),
    Column("path", "text", "The address's path, percent-decoded where that is safe."),
    Column("title", "text", "The page's title."),
    Column("referrer", "text", "The address of the page before."),
    Column("referrer_host", "text", "The referrer's host; null when it is the site itself."),
    Column("channel", "text", "GA4's default channel group: Direct, Organic Search, Paid Social, ..."),
    Column("source", "text", "utm_source, or the referrer's search engine or site."),
    Column("medium", "text", "utm_medium, or organic / referral."),
    Column("campaign", "text", "utm_campaign."),
    Column("term", "text", "utm_term."),
    Column("content", "text", "utm_content."),
    Column("element", "text", "The part of the page that was acted on."),
    Column("time_spent", "number", "Seconds."),
    Column("value", "number", "Money or another amount, in currency."),
    Column("currency", "text", "ISO 4217."),
    Column("screen", "text", "Screen size, WIDTHxHEIGHT."),
    Column("language", "text", "BCP 47 tag."),
    Column("timezone", "text", "IANA name."),
    Column("browser", "text", "Family, from the user agent."),
    Column("browser_version", "text", "Major version."),
    Column("os", "text", "Family, from the user agent."),
    Column("os_version", "text", "Version."),
    Column("device", "text", "desktop, mobile, tablet, tv, bot or other."),
    Column("ip", "text", "The network only: /24 of IPv4, /48 of IPv6."),
    Column("country", "text", "ISO 3166-1 alpha-2, from the client's field or the full IP before it was cut."),
    Column("continent", "text", "AF, AN, AS, EU, NA, OC or SA."),
    Column("is_bot", "flag", "Whether a rule took the sender for a program. Labelled, never dropped.", True),
    Column("bot_reason", "text", "Which rule said so."),
    Column("origin", "text", "How it came: native, pixel, segment, ..., ndjson, csv, s3, cloudfront, combined.", True),
    Column("properties", "json", "What else the sender told of the event."),
    Column("user_properties", "json", "What the sender told of the person."),
    Column("method", "text", "Access logs: the HTTP method or the S3 operation."),
    Column("status", "integer", "Access logs: the HTTP status."),
    Column("bytes", "integer", "Access logs: bytes sent."),
    Column("object", "text", "Access logs: the file that was asked for, without its query."),
)  # fmt: skip

ARRIVED: tuple[Column, ...] = (
    Column("event_id", "text", "As in events.", True),
    Column("app_id", "text", "As in events.", True),
    Column("origin", "text", "As in events.", True),
    Column("event", "text", "The action's name as the sender wrote it.", True),
    Column("user_id", "text", "As in events."),
    Column("anonymous_id", "text", "As in events."),
    Column("session_id", "text", "The sender's session, if it has one."),
    Column("created_at", "time", "By the client's clock, uncorrected; null when the sender gave none."),
    Column("sent_at", "time", "By the client's clock."),
    Column("received_at", "time", "As in events.", True),
    Column("url", "text", "As in events, scrubbed."),
    Column("title", "text", "Scrubbed."),
    Column("referrer", "text", "Scrubbed."),
    Column("element", "text", "As in events."),
    Column("time_spent", "number", "Seconds."),
    Column("value", "number", "As in events."),
    Column("currency", "text", "As in events."),
    Column("screen", "text", "As in events."),
    Column("language", "text", "From the event, else the request's Accept-Language."),
    Column("timezone", "text", "As in events."),
    Column("country", "text", "The client's own word: alpha-2, alpha-3, UN M49 number or English name."),
    Column("user_agent", "text", "From the event, else the request's header; scrubbed."),
    Column("ip", "text", "Cut already."),
    Column("ip_country", "text", "Alpha-2, looked up from the full IP before it was cut."),
    Column("visitor_hash", "text", "The daily-salted hash of app, full IP and user agent."),
    Column("properties", "json", "Scrubbed JSON object, or null."),
    Column("user_properties", "json", "Scrubbed JSON object, or null."),
    Column("method", "text", "As in events."),
    Column("status", "integer", "As in events."),
    Column("bytes", "integer", "As in events."),
    Column("object", "text", "As in events."),
)  # fmt: skip


def column_names(columns: tuple[Column, ...] = EVENTS) -> tuple[str, ...]:
    """Names in declared order."""
    return tuple(column.name for column in columns)


def duckdb_ddl(table: str, columns: tuple[Column, ...] = EVENTS) -> str:
    """Return ``CREATE TABLE IF NOT EXISTS`` for DuckDB; ``table`` must be one of our own names."""
    lines = ",\n".join(
        f'    "{column.name}" {DUCKDB_TYPES[column.kind]}{" NOT NULL" if column.required else ""}'
        for column in columns
    )
    return f"CREATE TABLE IF NOT EXISTS {table} (\n{lines}\n)"
