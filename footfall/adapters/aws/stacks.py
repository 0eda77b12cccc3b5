"""What the deployed stacks of an installation say of themselves."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from footfall.adapters.aws.piecemeal import failure_of
from footfall.core.aws.outputs import settings_in
from footfall.errors import AwsRefused, NotFound

__all__ = ["Output", "outputs_of", "settings_of"]


class Output(NamedTuple):
    """One output of a stack."""

    stack: str
    name: str
    value: str


def outputs_of(name: str, client: Any) -> Iterator[Output]:
    """Yield the outputs of an installation's stacks. Raises AwsRefused.

    A stack is named NAME-PART, its part without a dash: so ``shop`` is told apart from ``shop-test``.
    """
    try:
        for page in client.get_paginator("describe_stacks").paginate():
            for stack in page["Stacks"]:
                if stack["StackName"].rpartition("-")[0] == name:
                    for each in stack.get("Outputs", []):
                        yield Output(stack["StackName"], each["OutputKey"], each["OutputValue"])
    except Exception as error:
        raise AwsRefused(what="the list of stacks", cause=failure_of(error).reason) from error


def settings_of(name: str, client: Any) -> dict[str, str]:
    """Return the settings of ``[aws]`` that the stacks tell. Raises NotFound, AwsRefused."""
    found = settings_in({each.name: each.value for each in outputs_of(name, client)})
    if not found:
        hint = (
            '"footfall aws outputs --name NAME" lists its stacks; check AWS_PROFILE and AWS_REGION, and '
            "deploy once more what an older footfall deployed"
        )
        raise NotFound(what="installation on AWS", name=name, hint=hint)
    return found
