"""The one shape of daily numbers, and what is known of each product whose exports are read."""

from collections.abc import Mapping
from datetime import date
from typing import Literal, NamedTuple

from msgspec import Struct

__all__ = ["METRICS", "PRODUCTS", "Daily", "Metric", "Product", "ProductName", "Unreadable"]

Metric = Literal["visitors", "page_views", "visits"]
METRICS: tuple[Metric, ...] = ("visitors", "page_views", "visits")
ProductName = Literal["plausible", "ga4", "umami", "posthog", "matomo"]


class Product(NamedTuple):
    """How a product names things in its exports.

    ``columns`` are in lower case, for each metric the best first; ``about`` are remarks on a column
    whose meaning is not quite ours. ``views`` are the events of ours that it counts as page views.
    """

    title: str
    where: str
    columns: Mapping[Metric, tuple[str, ...]]
    about: Mapping[str, str] = {}
    views: tuple[str, ...] = ("page_view",)
    days: tuple[str, ...] = ("date", "day")
    differs: str = ""


class Daily(Struct, frozen=True, kw_only=True):
    """An export: per day the metrics that it has; ``columns`` names where each was read.

    ``at_utc`` is true when the days were made here, of single events with their times.
    """

    product: ProductName
    days: dict[date, dict[Metric, int]]
    columns: dict[Metric, str]
    notes: tuple[str, ...] = ()
    at_utc: bool = False


class Unreadable(ValueError):
    """What is wrong with a file, and what to do; whoever knows its path makes a BadExport of it."""

    def __init__(self, cause: str, hint: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.hint = hint


PRODUCTS: dict[ProductName, Product] = {
    "plausible": Product(
        title="Plausible",
        where="the dashboard's download icon, by day; take visitors.csv out of the zip file. "
        "imported_visitors_*.csv of a site's whole export (Settings, Imports & exports) does too",
        columns={"visitors": ("visitors",), "page_views": ("pageviews",), "visits": ("visits",)},
        differs="Plausible counts a visitor by the daily hash of address and user agent, and drops bots "
        "without a trace; events that carry a user_id or an anonymous_id are counted by that here.",
    ),
    "ga4": Product(
        title="GA4",
        where="a report's or an exploration's Download CSV, with the day as dimension, in English",
        columns={
            "visitors": ("total users", "totalusers", "users", "active users", "activeusers"),
            "page_views": ("views", "screenpageviews", "screen page views"),
            "visits": ("sessions",),
        },
        about={
            "active users": "Active users had an engaged session or a first visit; footfall counts whoever "
            "sent an event. Total users, where the report offers them, are closer.",
            "activeusers": "Active users had an engaged session or a first visit; footfall counts whoever "
            "sent an event. totalUsers are closer.",
        },
        views=("page_view", "screen_view"),
        days=("date", "nth day", "day"),
        differs="GA4 fills gaps by models where consent is missing, withholds small numbers, estimates "
        "distinct users, and goes on with a session over midnight in its own time zone.",
    ),
    "umami": Product(
        title="Umami",
        where="website_event.csv of Umami Cloud's export (or of your own table website_event), or the "
        "answer of /api/websites/ID/pageviews?unit=day; the download on a website's page has no days",
        columns={
            "visitors": ("visitors", "uniques", "sessions"),
            "page_views": ("pageviews", "views"),
            "visits": ("visits",),
        },
        about={"sessions": "Umami's sessions are its visitors (by the month's hash), so they stand there."},
        days=("date", "day", "created_at", "time", "t"),
        differs="Umami drops bots by their user agent and keeps a visitor's hash for a month.",
    ),
    "posthog": Product(
        title="PostHog",
        where="Export, CSV on a trends insight by day, or on an SQL insight with a column day",
        columns={
            "visitors": ("visitors", "unique visitors", "unique users", "users", "dau", "persons"),
            "page_views": ("pageviews", "page views", "views", "pageview", "$pageview"),
            "visits": ("sessions", "unique sessions", "visits"),
        },
        days=("day", "date", "timestamp"),
        differs="PostHog counts persons after its merges, and filters internal users where the insight "
        "says so.",
    ),
    "matomo": Product(
        title="Matomo",
        where="method=API.get (or VisitsSummary.get) with period=day, date=FIRST,LAST and format=CSV, or "
        "the export of Visits over time",
        columns={
            "visitors": ("nb_uniq_visitors", "unique visitors"),
            "page_views": ("nb_pageviews", "pageviews", "nb_actions", "actions"),
            "visits": ("nb_visits", "visits"),
        },
        about={
            "nb_actions": "Matomo's nb_actions are page views, downloads, outlinks and site searches "
            "together; method=API.get has nb_pageviews alone.",
            "actions": "Matomo's Actions are page views, downloads, outlinks and site searches together; "
            "method=API.get has Pageviews alone.",
        },
        differs="Matomo begins a new visit at midnight and, by its settings, with a new campaign.",
    ),
}
