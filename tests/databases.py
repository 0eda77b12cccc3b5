"""Real database servers for tests, each in a folder of its own, on a free port, gone after."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
from conftest import missing
from running_collector import free_port

READY_SECONDS = 120.0


class MariaDB:
    """A MariaDB server; ``stop`` kills it, ``start`` brings it back on the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """Return the address of a database, made when it isn't there."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"create database if not exists {database}")
        return f"mysql://tester:secret@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str | None = None) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        """Open a connection of the test's own."""
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user="tester", password="secret", database=database
        )

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        mariadbd = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
        self._process = subprocess.Popen(
            [
                *(mariadbd, "--no-defaults", f"--datadir={self.folder}", f"--port={self.port}"),
                *("--bind-address=127.0.0.1", f"--socket={self.folder}/s", *_user()),
                *("--innodb-flush-log-at-trx-commit=2", "--skip-name-resolve"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                self.connect().close()
            except pymysql.err.OperationalError:
                assert time.monotonic() < deadline, "MariaDB was not ready in time"
                time.sleep(0.1)
            else:
                return

    def stop(self) -> None:
        """Kill the server."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def mariadb() -> Iterator[MariaDB]:
    """Run a fresh MariaDB server; skip where it is not installed."""
    if not (shutil.which("mariadbd") or Path("/usr/sbin/mariadbd").exists()):
        missing("MariaDB is not installed (Debian: mariadb-server)")
    with _room("".join(_user()).partition("=")[2] or None) as folder:
        server = _fresh(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _fresh(folder: Path) -> MariaDB:
    boot = folder.with_suffix(".sql")
    boot.write_text("create user tester@'%' identified by 'secret'; grant all on *.* to tester@'%';")
    made = subprocess.run(
        [
            *("mariadb-install-db", "--no-defaults", f"--datadir={folder}", "--skip-test-db"),
            *("--auth-root-authentication-method=normal", *_user()),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    boot_process = subprocess.run(
        [
            *(shutil.which("mariadbd") or "/usr/sbin/mariadbd", "--no-defaults", f"--datadir={folder}"),
            *("--bootstrap", *_user()),
        ],
        input="use mysql;\nflush privileges;\n" + boot.read_text().replace("; ", ";\n") + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert boot_process.returncode == 0, boot_process.stderr
    return MariaDB(folder)


def _user() -> list[str]:
    """Return the flag that root must give: the server refuses to run as root."""
    if os.getuid() != 0:
        return []
    name = next((n for n in ("mysql", "nobody") if _known(n)), "nobody")
    return [f"--user={name}"]


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


@contextmanager
def _room(user: str | None) -> Iterator[Path]:
    """Give a folder that another user may own: pytest's own are closed to all but one."""
    with tempfile.TemporaryDirectory(prefix="footfall-") as name:
        outer = Path(name)
        outer.chmod(0o755)
        folder = outer / "data"
        folder.mkdir()
        if user:
            shutil.chown(folder, user)
        yield folder


@contextmanager
def postgres() -> Iterator[str]:
    """Run a fresh PostgreSQL server and give its address; skip where it is not installed."""
    places = [shutil.which("initdb"), *map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    initdb = next((Path(place) for place in places if place), None)
    if initdb is None:
        missing("PostgreSQL is not installed (Debian: postgresql)")
    binaries = initdb.resolve().parent
    user = "postgres" if os.getuid() == 0 else None
    with _room(user) as folder:
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
