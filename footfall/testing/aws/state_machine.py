"""The workflow: a state machine of moto's that runs the deployed definition, and the API before it.

moto runs Amazon's States Language for real, with retries and catches; the functions run under AWS's own
client. Emulated are StartExecution by HTTP and by hand; not EventBridge, quotas, or Express workflows.
"""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from footfall.adapters.aws.clients import client
from footfall.errors import FootfallError

__all__ = ["ExecutionFailed", "StateMachine", "state_machine"]

ROLE = "arn:aws:iam::123456789012:role/machine"
LOOK_SECONDS = 0.02
LONGEST_SECONDS = 300.0


class ExecutionFailed(FootfallError):
    """The execution {name} ended as {status}: {cause}."""


@dataclass(frozen=True)
class StateMachine:
    """A state machine by its ARN; ``moto`` is the address of its service."""

    arn: str
    moto: str

    def start(self, given: str) -> str:
        """Start an execution; return its ARN."""
        started = self._client().start_execution(
            stateMachineArn=self.arn, name=str(uuid.uuid4()), input=given
        )
        return str(started["executionArn"])

    def wait(self, execution: str) -> Any:
        """Return what an execution gave when it has ended. Raises ExecutionFailed."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while True:
            told = self._client().describe_execution(executionArn=execution)
            if told["status"] == "SUCCEEDED":
                return json.loads(told["output"])
            if told["status"] != "RUNNING" or time.monotonic() > deadline:
                cause = f"{told.get('error', '')} {told.get('cause', '')}"
                raise ExecutionFailed(name=execution, status=told["status"], cause=cause)
            time.sleep(LOOK_SECONDS)

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request of the HTTP API (payload format 2.0) as its integration does."""
        told = {"executionArn": self.start(event.get("body") or "{}"), "startDate": time.time()}
        return {
            "statusCode": 200,
            "headers": {"content-type": "application/json"},
            "body": json.dumps(told),
        }

    def _client(self) -> Any:
        return client("stepfunctions", self.moto, 60.0)


def state_machine(definition: Path, values: Mapping[str, str], moto: str) -> StateMachine:
    """Make the machine of a file, with ``${NAME}`` in it replaced as CloudFormation does."""
    text = definition.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    made = client("stepfunctions", moto, 60.0).create_state_machine(
        name="workflow", definition=text, roleArn=ROLE
    )
    return StateMachine(made["stateMachineArn"], moto)
