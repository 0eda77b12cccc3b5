"""A custom resource: runs SQL statements in Redshift, each of which may run again."""

import time
from typing import Any

import boto3  # type: ignore[import-untyped]

from .answer import answered

PAUSE_SECONDS = 1.0


def handler(event: dict[str, Any], _context: object) -> None:
    """Answer CloudFormation's Create, Update and Delete; what it made goes with the workgroup."""
    answered(event, set_up)


def set_up(wanted: dict[str, Any]) -> None:
    """Run the statements in order; raises RuntimeError with Redshift's words at the first that fails."""
    data = boto3.client("redshift-data")
    for sql in wanted["Statements"]:
        began = data.execute_statement(
            WorkgroupName=wanted["Workgroup"], Database="footfall", SecretArn=wanted["Secret"], Sql=sql
        )
        state = data.describe_statement(Id=began["Id"])
        while state["Status"] in ("SUBMITTED", "PICKED", "STARTED"):
            time.sleep(PAUSE_SECONDS)
            state = data.describe_statement(Id=began["Id"])
        if state["Status"] != "FINISHED":
            raise RuntimeError(f"{state.get('Error', state['Status'])} in: {sql[:200]}")
