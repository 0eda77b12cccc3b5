"""Why an event or a request is refused, said once: code, and the text that tells what to do next.

The HTTP answer and ``Rejected.reasons`` carry the rendered text.
"""

from typing import NamedTuple

__all__ = ["REASONS", "Reason", "reason"]


class Reason(NamedTuple):
    """One row: ``scope`` is what is refused by it."""

    code: str
    scope: str
    template: str


REASONS: dict[str, Reason] = {
    row.code: row
    for row in (
        Reason("empty_body", "request", "the body is empty; send one event object or an array of them"),
        Reason(
            "not_utf8", "request", "the body is not UTF-8 (byte {position}); send JSON in UTF-8 (RFC 8259)"
        ),
        Reason("not_json", "request", "the body is not JSON: {cause}; send JSON by RFC 8259"),
        Reason(
            "not_events",
            "request",
            "the body is {kind}, not an event; send one event object or an array of them",
        ),
        Reason("empty_array", "request", "the array is empty; send at least one event"),
        Reason("too_deep", "event", "it nests deeper than {limit} levels; send flatter properties"),
        Reason(
            "lone_surrogate",
            "event",
            "it has half a UTF-16 pair (such as \\ud83d) in a string; don't cut strings inside a character",
        ),
        Reason(
            "number_range",
            "event",
            "it has a number beyond the range of a 64-bit float (1e308); send it as a string (RFC 8259, 6)",
        ),
        Reason("not_an_object", "event", "it is {kind}, not an object; send events as JSON objects"),
        Reason("event_missing", "event", 'event is missing; name the action, such as "page_view"'),
        Reason("wrong_type", "event", "{field} is {kind}: {value}; send {wanted}"),
        Reason(
            "too_long", "event", "{field} has {length} characters, the limit is {limit}; send it shorter"
        ),
        Reason("not_a_time", "event", "{field} is not a time: {value}; send ISO 8601 or epoch"),
        Reason(
            "time_range",
            "event",
            "{field} is outside the years {first} to {last}: {value}; send ISO 8601 or epoch s, ms or us",
        ),
        Reason("not_a_number", "event", "{field} is not a number: {value}; send a JSON number"),
        Reason("out_of_range", "event", "{field} is {value}, outside {low} to {high}; check its unit"),
        Reason("other_app", "event", "app_id is {value}, but the write key is of {app}; leave app_id out"),
        Reason(
            "not_an_address", "event", "ip is not an address: {value}; send IPv4 or IPv6, or leave it out"
        ),
    )
}


def reason(code: str, **values: object) -> str:
    """Return the rendered text of a row of REASONS; KeyError when a value is missing."""
    return REASONS[code].template.format(**values)
