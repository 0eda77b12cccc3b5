"""A real Spark cluster on loopback for tests: a standalone master and two workers, each a process."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from conftest import missing

from footfall.apps.spark.session import SETTINGS, open_session

__all__ = ["Cluster", "cluster_in", "needs_spark"]

START_SECONDS = 120.0
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # jobs of seconds never repay the better compiler
WORKER_CORES = 2  # twice what an application takes of it, so that a second one never waits for the first
EXECUTOR = {
    "spark.executor.memory": "640m",
    "spark.executor.cores": "1",
    "spark.cores.max": "2",
    "spark.executor.extraJavaOptions": QUICK,
    "spark.driver.memory": "768m",
    "spark.driver.extraJavaOptions": f"{QUICK} {SETTINGS['spark.driver.extraJavaOptions']}",
}
MASTER = "org.apache.spark.deploy.master.Master"
WORKER = "org.apache.spark.deploy.worker.Worker"


def needs_spark() -> None:
    """Skip where pyspark or Java is not installed."""
    if find_spec("pyspark") is None:
        missing("pyspark is not installed (requirements/spark.txt)")
    if shutil.which("java") is None:
        missing("there is no java")


@dataclass
class Cluster:
    """A running cluster: its address, and its processes."""

    master: str
    environment: dict[str, str]
    folder: Path
    head: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]

    @contextmanager
    def session(self, **conf: str) -> Iterator[Any]:
        """Give a session of this process on the cluster; ``conf`` names settings with __ for a dot."""
        settings = EXECUTOR | {f"spark.{name.replace('__', '.')}": value for name, value in conf.items()}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            with open_session(self.master, settings) as spark:
                yield spark

    def footfall(
        self, *arguments: str, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``footfall spark ...`` on the cluster; ``variables`` are set there and for the executors."""
        variables = variables or {}
        settings = EXECUTOR | {f"spark.executorEnv.{name}": value for name, value in variables.items()}
        flags = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
        return subprocess.run(
            [sys.executable, "-m", "footfall", "spark", *arguments, "--master", self.master, *flags],
            env=self.environment | dict(variables),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def kill_worker(self, worker: int) -> list[int]:
        """Kill a worker and what runs below it, as a lost machine does; return the processes."""
        head = self.workers[worker].pid
        killed = [head, *_below(head)]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        self.workers[worker].wait(10)
        return killed

    def replace_worker(self, number: int) -> None:
        """Start a worker in the place of one that was killed."""
        self.workers[number] = _worker(self.master, self.environment, self.folder, number)


@contextmanager
def cluster_in(folder: Path) -> Iterator[Cluster]:
    """Run a master and two workers for the length of a block."""
    port, ui = _free_port(), _free_port()
    environment = {
        **os.environ,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "scratch"),
        "SPARK_WORKER_DIR": str(folder / "work"),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": QUICK,
        "PYSPARK_PYTHON": sys.executable,
        "COLUMNS": "200",
    }
    address = f"spark://127.0.0.1:{port}"
    options = ["--host", "127.0.0.1", "--port", str(port), "--webui-port", str(ui)]
    head = _process(MASTER, options, environment, folder / "master.log")
    cluster = Cluster(address, environment, folder, head, [])
    try:
        _wait_for(port, head)
        cluster.workers += [_worker(address, environment, folder, number) for number in range(2)]
        yield cluster
    finally:
        processes = [*cluster.workers, head]
        pids = [pid for process in processes if process.poll() is None for pid in _below(process.pid)]
        for process in processes:
            process.kill()
            process.wait(10)
        for pid in pids:
            if Path(f"/proc/{pid}").exists():
                os.kill(pid, signal.SIGKILL)


def _worker(master: str, environment: dict[str, str], folder: Path, number: int) -> subprocess.Popen[bytes]:
    options = ["--host", "127.0.0.1", "--webui-port", str(_free_port())]
    options += ["--cores", str(WORKER_CORES), "--memory", f"{WORKER_CORES}g"]
    return _process(WORKER, [*options, master], environment, folder / f"worker-{number}.log")


def _process(
    kind: str, options: list[str], environment: dict[str, str], log: Path
) -> subprocess.Popen[bytes]:
    import pyspark

    launcher = Path(pyspark.__file__).parent / "bin" / "spark-class"
    with log.open("wb") as file:
        return subprocess.Popen([str(launcher), kind, *options], env=environment, stdout=file, stderr=file)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, "the master ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the master was not ready in time"
            time.sleep(0.1)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _below(pid: int) -> list[int]:
    """Return the processes that one started, and theirs."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            child = int(entry.parent.name)
            found += [child, *_below(child)]
    return found
