"""A real MariaDB server in a folder of its own, on a free port, gone after."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footfall.errors import NotFound

if TYPE_CHECKING:
    import pymysql  # type: ignore[import-untyped]

__all__ = ["PASSWORD", "USER", "MariaDB", "mariadb_program", "mariadb_server", "room"]

USER, PASSWORD = "tester", "secret"
READY_SECONDS = 120.0
FIRST_RIGHTS = f"""use mysql;
flush privileges;
create user {USER}@'%' identified by '{PASSWORD}';
grant all on *.* to {USER}@'%';
"""


class MariaDB:
    """A server; ``stop`` kills it, ``start`` brings it back on the same data.

    With ``tls`` it takes encrypted connections only, as RDS does where it is told to.
    """

    def __init__(self, folder: Path, *, tls: bool = False) -> None:
        self.folder = folder
        self._tls = _certificate(folder) if tls else []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """Return the address of a database, made when it isn't there."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"create database if not exists {database}")
        return f"mysql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str | None = None) -> "pymysql.Connection[Any]":
        """Open a connection of the caller's own."""
        import pymysql

        return pymysql.connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, database=database
        )

    def start(self) -> None:
        """Start the server and wait until it takes connections. Raises NotFound when it never does."""
        from pymysql.err import OperationalError  # type: ignore[import-untyped]

        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [
                *(str(mariadb_program()), "--no-defaults", f"--datadir={self.folder}"),
                *(f"--port={self.port}", "--bind-address=127.0.0.1", f"--socket={self.folder}/s"),
                *(*_user(), "--innodb-flush-log-at-trx-commit=2", "--skip-name-resolve", *self._tls),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                self.connect().close()
            except OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    hint = f"It ended with {self._process.poll()}; run mariadbd by hand to see why"
                    raise NotFound(what="server", name="MariaDB", hint=hint) from None
                time.sleep(0.1)
            else:
                return

    def stop(self) -> None:
        """Kill the server."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def mariadb_program() -> Path:
    """Return the server's program. Raises NotFound."""
    for place in (shutil.which("mariadbd"), "/usr/sbin/mariadbd"):
        if place and Path(place).exists():
            return Path(place)
    raise NotFound(
        what="program", name="mariadbd", hint="Install MariaDB (Debian: apt install mariadb-server)"
    )


@contextmanager
def mariadb_server(*, tls: bool = False) -> Iterator[MariaDB]:
    """Run a fresh server whose user may do everything. Raises NotFound where MariaDB is not installed."""
    mariadb_program()
    with room("".join(_user()).partition("=")[2] or None) as folder:
        server = _fresh(folder, tls)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _fresh(folder: Path, tls: bool) -> MariaDB:
    _done(
        [
            *("mariadb-install-db", "--no-defaults", f"--datadir={folder}", "--skip-test-db"),
            *("--auth-root-authentication-method=normal", *_user()),
        ]
    )
    boot = [str(mariadb_program()), "--no-defaults", f"--datadir={folder}", "--bootstrap", *_user()]
    _done(boot, FIRST_RIGHTS)
    return MariaDB(folder, tls=tls)


def _done(command: list[str], told: str = "") -> None:
    done = subprocess.run(command, input=told, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        hint = f"It ended with {done.returncode}: {(done.stdout + done.stderr).strip()[-500:]}"
        raise NotFound(what="server", name=command[0], hint=hint)


def _certificate(folder: Path) -> list[str]:
    """Make a certificate that signs itself; return the flags that name it. Needs cryptography."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "emulated")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "server.key").write_bytes(private)
    flags = [f"--ssl-cert={folder}/server.pem", f"--ssl-key={folder}/server.key"]
    return [*flags, "--require-secure-transport=ON"]


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
def room(user: str | None) -> Iterator[Path]:
    """Give a folder that another user may own: most folders of tests are closed to all but one."""
    with tempfile.TemporaryDirectory(prefix="footfall-") as name:
        outer = Path(name)
        outer.chmod(0o755)
        folder = outer / "data"
        folder.mkdir()
        if user:
            shutil.chown(folder, user)
        yield folder
