"""How a custom resource answers CloudFormation, which waits an hour for an answer that does not come."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any

__all__ = ["answered"]


def answered(event: dict[str, Any], set_up: Callable[[dict[str, Any]], None]) -> None:
    """Run ``set_up`` with the properties, but for a Delete, and tell how it went. Raises what it raises."""
    try:
        if event["RequestType"] != "Delete":
            set_up(event["ResourceProperties"])
    except Exception as error:
        _tell(event, "FAILED", f"{type(error).__name__}: {error}"[:1_000])
        raise
    _tell(event, "SUCCESS", "")


def _tell(event: dict[str, Any], status: str, reason: str) -> None:
    body = json.dumps(
        {
            "Status": status,
            "Reason": reason,
            "PhysicalResourceId": event.get("PhysicalResourceId", event["LogicalResourceId"]),
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
        }
    ).encode()
    put = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")  # noqa: S310
    urllib.request.urlopen(put, timeout=30).close()  # noqa: S310 - CloudFormation's own address
