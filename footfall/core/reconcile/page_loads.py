"""Which lines of an access log are page loads: the one set of rules, as data and as a function.

The query is filled from the data; the function says the same of one line, for tests and readers.
"""

import re

from footfall.core.accesslog.arrived import PAGES
from footfall.core.accesslog.formats import LOG_FORMATS

__all__ = [
    "CONTENT_TYPES",
    "ENDINGS",
    "EXTENSION",
    "INDEX",
    "METHODS",
    "ORIGINS",
    "STATUSES",
    "is_page_load",
    "page_of",
]

ORIGINS = tuple(LOG_FORMATS)
"""The ``origin`` of rows that came from an access log."""
METHODS = ("GET",)
STATUSES = (200, 304)
"""Sent, or shown again from the browser's copy (RFC 9110, 15.4.5): a script runs after either."""
ENDINGS = tuple(sorted(PAGES))
"""File endings of pages; a path without any is one too."""
EXTENSION = r"[^/.][^/]*\.([A-Za-z0-9]{1,10})$"
INDEX = r"/(index\.[A-Za-z]{2,5})?$"
CONTENT_TYPES = (
    "/sc-content-type",  # CloudFront
    "/sent_http_content_type",  # nginx
    "/resp_headers.Content-Type",  # Caddy
    "/downstream_Content-Type",  # Traefik
)
"""Where a log's ``properties`` hold the answer's content type, as JSON pointers."""
HTML = "html"
"""In text/html and application/xhtml+xml, and in no other type that browsers show."""


def is_page_load(
    method: str | None, status: int | None, path: str | None, content_type: str | None = None
) -> bool:
    """Whether a line of a log is a page load, a bot's included.

    A GET that was answered with 200 or 304; the content type decides where the log has it, else the
    path's ending: none, or that of a page.
    """
    if method not in METHODS or status not in STATUSES or path is None:
        return False
    if content_type:
        return HTML in content_type.lower()
    ending = re.search(EXTENSION, path)
    return ending is None or ending[1].lower() in PAGES


def page_of(path: str) -> str:
    """Return the path under which log and script meet: ``/a/``, ``/a/index.html`` and ``/a`` are one."""
    return re.sub(INDEX, "", path)
