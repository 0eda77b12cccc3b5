"""Handlers as Lambda runs them: each instance a process under awslambdaric, one call at a time.

Emulated are the calls, their errors, time limits and payload limits; not memory, cold starts, /tmp,
roles or networks.
"""

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from footfall.errors import AwsNotReady, FootfallError
from footfall.testing.aws.runtime_api import PAYLOAD_BYTES, RuntimeApi, runtime_api
from footfall.testing.aws.runtime_packages import PACKAGES_HINT

__all__ = ["Bundle", "Function", "FunctionFailed", "lambda_function", "only"]


@dataclass(frozen=True)
class Bundle:
    """What is deployed: the asset's folder, and the packages that Lambda brings by itself."""

    asset: Path
    runtime: Path


class FunctionFailed(FootfallError):
    """The function {name} failed: {cause}. Its own output says more."""


@dataclass
class Function:
    """A deployed function; any thread may call it, as many at a time as there are instances."""

    name: str
    command: list[str]
    variables: Mapping[str, str]
    folder: Path
    seconds: float
    api: RuntimeApi
    output: Path
    instances: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start(self, count: int) -> None:
        """Start instances."""
        with self.output.open("ab") as output:
            self.instances += [
                subprocess.Popen(  # noqa: S603 - our own command
                    self.command,
                    cwd=self.folder,
                    env={**os.environ, **self.variables},
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
                for _ in range(count)
            ]

    def stop(self) -> None:
        """Kill all instances, as Lambda does when a call takes too long."""
        for instance in self.instances:
            instance.kill()
            instance.wait()
        self.instances.clear()

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """Call the handler; return what it returns. Raises FunctionFailed."""
        payload = json.dumps(event).encode()
        if len(payload) > PAYLOAD_BYTES:
            raise FunctionFailed(name=self.name, cause=f"a request of {len(payload)} bytes (413)")
        call = self.api.submit(payload, self.seconds)
        while not call.done.wait(0.2):
            if self.api.init_error is not None:
                raise FunctionFailed(name=self.name, cause=self.api.init_error)
            late = call.deadline < time.time()
            if late or all(instance.poll() is not None for instance in self.instances):
                count = len(self.instances)
                self.stop()
                self.start(count)
                self.api.running.pop(call.id, None)
                call.done.set()
                why = f"no answer in {self.seconds} s" if late else "Runtime exited"
                raise FunctionFailed(name=self.name, cause=why)
        if call.error is not None:
            raise FunctionFailed(name=self.name, cause=call.error)
        return json.loads(call.reply or b"null")


@contextlib.contextmanager
def lambda_function(
    handler: str,
    variables: Mapping[str, str],
    folder: Path,
    *,
    instances: int = 1,
    seconds: float = 60.0,
    bundle: Bundle | None = None,
    part: str = "",
) -> Iterator[Function]:
    """Run ``module.function`` with these variables, ``folder`` being its working folder.

    With a ``bundle`` only what lies there can be imported, and its asset is the working folder, as on
    Lambda. What the function prints goes to ``<its name>.log`` in the folder; ``part`` is its name where
    the handler is deployed twice. Raises AwsNotReady without awslambdaric.
    """
    if bundle is None and importlib.util.find_spec("awslambdaric") is None:
        raise AwsNotReady(what="the package awslambdaric", hint=PACKAGES_HINT)
    name = part or handler.split(".")[-2]
    place = bundle.asset if bundle else folder
    with runtime_api(name) as api:
        given = {
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "LAMBDA_TASK_ROOT": str(place),
            "_HANDLER": handler,
            "POWERTOOLS_SERVICE_NAME": name,
            "POWERTOOLS_METRICS_NAMESPACE": "footfall",
            "FOOTFALL_DATA": str(folder),
            **(only(bundle) if bundle else {}),
            **variables,
        }
        command = [sys.executable, *(["-S"] if bundle else []), "-m", "awslambdaric", handler]
        function = Function(name, command, given, place, seconds, api, folder / f"{name}.log")
        function.start(instances)
        try:
            yield function
        finally:
            function.stop()


def only(bundle: Bundle) -> dict[str, str]:
    """Return the variables of a Python that sees the bundle alone, and leaves it as it is."""
    path = f"{bundle.asset}{os.pathsep}{bundle.runtime}"
    return {"PYTHONPATH": path, "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
