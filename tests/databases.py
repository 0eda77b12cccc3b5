"""Real database servers for tests; a test is skipped with the reason where one can't be had."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import missing
from running_collector import free_port

from footfall.errors import NotFound
from footfall.testing.mariadb import MariaDB, mariadb_program, mariadb_server, room

__all__ = ["MariaDB", "mariadb", "postgres"]

READY_SECONDS = 120.0


@contextmanager
def mariadb() -> Iterator[MariaDB]:
    """Run a fresh MariaDB server; skip where it is not installed."""
    try:
        mariadb_program()
    except NotFound as error:
        missing(str(error))
    with mariadb_server() as server:
        yield server


@contextmanager
def postgres() -> Iterator[str]:
    """Run a fresh PostgreSQL server and give its address; skip where it is not installed."""
    places = [shutil.which("initdb"), *map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    initdb = next((Path(place) for place in places if place), None)
    if initdb is None:
        missing("PostgreSQL is not installed (Debian: postgresql)")
    binaries = initdb.resolve().parent
    user = "postgres" if os.getuid() == 0 else None
    with room(user) as folder:
        subprocess.run(
            [binaries / "initdb", "-D", folder, "-U", "tester", "--auth=trust", "-E", "UTF8", "--no-sync"],
            check=True,
            capture_output=True,
            user=user,
        )
        port = free_port()
        process = subprocess.Popen(
            [
                *(binaries / "postgres", "-D", folder, "-p", str(port), "-h", "127.0.0.1"),
                *("-k", str(folder), "-c", "fsync=off"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=user,
        )
        try:
            deadline = time.monotonic() + READY_SECONDS
            ready = [binaries / "pg_isready", "-h", "127.0.0.1", "-p", str(port)]
            while subprocess.run(ready, capture_output=True, check=False).returncode:
                assert time.monotonic() < deadline, "PostgreSQL was not ready in time"
                time.sleep(0.1)
            yield f"postgresql://tester@127.0.0.1:{port}/postgres"
        finally:
            process.kill()
            process.wait()
