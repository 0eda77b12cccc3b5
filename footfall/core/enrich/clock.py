"""When it happened: the client's clock corrected by what the collector's clock says.

The formula is Segment's ``timestamp = originalTimestamp + (receivedAt - sentAt)``, which is also
Snowplow's ``derived_tstamp = collector_tstamp - (dvce_sent_tstamp - dvce_created_tstamp)``, with
two changes: a difference within ``TOLERANCE`` is the network's and corrects nothing, and one
request has one correction, the smallest of its events'. Both keep a device's events in the order
in which they happened, which folding each event's network delay into its time does not.
"""

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["FUTURE", "TOLERANCE", "created_column"]

TOLERANCE = 30_000_000
"""Microseconds of ``received_at - sent_at`` that pass for network delay."""

FUTURE = 60_000_000
"""Microseconds that an event may lie after its receipt; later ones are put at the receipt."""


def _request_skew(columns: dict[str, pa.Array], difference: pa.Array) -> pa.Array:
    """Return each row's smallest difference within its request, null where none was told.

    A request is told by app, sender and microsecond of receipt, not by its neighbours in the
    batch: the same event gets the same time however it is batched, live, replayed or on Spark.
    """
    sender = pc.coalesce(columns["visitor_hash"], columns["anonymous_id"], columns["user_id"])
    keys = pa.table(
        {
            "app_id": columns["app_id"],
            "received_at": columns["received_at"],
            "sender": pc.fill_null(sender, ""),
            "row": pa.array(range(len(sender)), pa.int64()),
            "difference": difference,
        }
    )
    names = ["app_id", "received_at", "sender"]
    smallest = keys.group_by(names).aggregate([("difference", "min")])
    joined = keys.select([*names, "row"]).join(smallest, names).sort_by("row")
    return joined["difference_min"].combine_chunks()


def created_column(columns: dict[str, pa.Array]) -> pa.Array:
    """Return ``created_at`` corrected; never null.

    Without ``sent_at`` a past time stays as it is, however old (imports, events kept offline);
    a missing time is that of the receipt, and so is one more than a minute after it.
    """
    received = columns["received_at"].cast(pa.int64())
    created = columns["created_at"].cast(pa.int64())
    sent = columns["sent_at"].cast(pa.int64())
    if sent.null_count < len(sent):
        difference = pc.subtract(received, sent)
        wrong = pc.fill_null(pc.greater(pc.abs(difference), TOLERANCE), False)
        if pc.any(wrong).as_py():
            skew = _request_skew(columns, difference)
            skew = pc.if_else(pc.greater(pc.abs(skew), TOLERANCE), skew, 0)
            created = pc.add(created, pc.fill_null(skew, 0))
    ahead = pc.greater(created, pc.add(received, FUTURE))
    settled = pc.if_else(pc.fill_null(ahead, True), received, created)
    return settled.cast(pa.timestamp("us"))
