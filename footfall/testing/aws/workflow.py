"""The workflow on AWS, emulated: Ingest -> Process -> Write as a real state machine, into DynamoDB.

Started as an installation's is: by POST /executions, and by a file that arrives in the raw bucket.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from boto3.dynamodb.types import TypeDeserializer  # type: ignore[import-untyped]

from footfall.testing.aws.account import Account, Bundles
from footfall.testing.aws.function import lambda_function
from footfall.testing.aws.http_api import http_api
from footfall.testing.aws.invocations import FUNCTION_ARN, invocations
from footfall.testing.aws.state_machine import StateMachine, state_machine

__all__ = ["Workflow", "emulated_workflow"]

STEPS = ("ingest", "process", "write")
DEFINITION = Path("infra/asl/workflow.asl.json")
INPUT_BYTES = 262_144


@dataclass
class Workflow:
    """A running workflow; ``url`` is the address that executions are posted to."""

    url: str
    account: Account
    machine: StateMachine

    def post(self, given: bytes) -> Any:
        """Start an execution by the API with this input; return what it gave. Raises ExecutionFailed."""
        request = Request(self.url, given, {"content-type": "application/json"})  # noqa: S310 - loopback
        with urlopen(request, timeout=60) as answer:  # noqa: S310
            return self.machine.wait(json.load(answer)["executionArn"])

    def arrive(self, name: str, lines: bytes) -> Any:
        """Put a file of events into the raw bucket, and start what EventBridge would start then."""
        key = f"incoming/{name}"
        self.account.client("s3").put_object(Bucket="raw", Key=key, Body=lines)
        told = {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "detail": {"bucket": {"name": "raw"}, "object": {"key": key, "size": len(lines)}},
        }
        return self.machine.wait(self.machine.start(json.dumps(told)))

    def items(self) -> Iterator[dict[str, Any]]:
        """Yield the table's items; numbers are Decimals."""
        read = TypeDeserializer().deserialize
        pages = self.account.client("dynamodb").get_paginator("scan").paginate(TableName="events")
        for page in pages:
            for item in page["Items"]:
                yield {name: read(value) for name, value in item.items()}


@contextmanager
def emulated_workflow(
    account: Account, bundles: Bundles, checkout: Path, back: int, *, instances: int = 1
) -> Iterator[Workflow]:
    """Run the workflow; ``back`` is the port that moto calls functions on (``moto_server``)."""
    moto = account.servers.moto
    config = json.dumps({"stepfunctions": {"execute_state_machine": True}}).encode()
    urlopen(Request(f"{moto}/moto-api/config", config)).close()  # noqa: S310 - loopback
    with ExitStack() as stack:
        functions = {
            step: stack.enter_context(
                lambda_function(
                    f"footfall.apps.lambdas.{step}.handler",
                    account.variables,
                    bundles.folder,
                    instances=instances,
                    bundle=bundles.columns,
                )
            )
            for step in STEPS
        }
        stack.enter_context(invocations(back, functions, moto))
        values = {f"{step.title()}Function": FUNCTION_ARN + step for step in STEPS}
        values["DeadLetters"] = account.variables["FOOTFALL_AWS_DEAD_LETTERS"]
        machine = state_machine(checkout / DEFINITION, values, moto)
        url = stack.enter_context(http_api(machine.answer))
        yield Workflow(f"{url}/executions", account, machine)
