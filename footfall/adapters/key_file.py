"""The secrets of one installation, each a file of 32 random bytes under ``keys/``.

``installation.key`` lives as long as the data; ``salt-YYYY-MM-DD`` of a day is deleted two days
later, and with it the last way from a visitor hash back to an address.
"""

import contextlib
import datetime
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from footfall.errors import KeysFailed

__all__ = ["daily_salt", "derived_salt", "expire_salts", "installation_key"]

KEY_BYTES = 32
SALT_DAYS = 2


def installation_key(folder: Path) -> bytes:
    """Return the installation's key, made by whichever process comes first.

    Raises KeysFailed when it can't be read or made; never makes a second one.
    """
    return _key(folder / "installation.key")


def daily_salt(folder: Path, day: datetime.date) -> bytes:
    """Return the salt of a UTC day, made by whichever process comes first. Raises KeysFailed."""
    return _key(folder / f"salt-{day.isoformat()}")


def derived_salt(key: bytes, day: datetime.date) -> bytes:
    """Return the salt of a day of imported history: the same for every import of the same day."""
    return hmac.digest(key, f"salt {day.isoformat()}".encode(), hashlib.sha256)


def expire_salts(folder: Path, today: datetime.date) -> int:
    """Delete the salts of the day before yesterday and older; return how many went."""
    last = (today - datetime.timedelta(days=SALT_DAYS)).isoformat()
    gone = 0
    for path in folder.glob("salt-*"):
        if path.name.removeprefix("salt-") <= last:
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def _key(path: Path) -> bytes:
    try:
        if not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise KeysFailed(path=path, cause=error) from error
    if len(key) != KEY_BYTES:
        raise KeysFailed(path=path, cause=f"it has {len(key)} bytes where {KEY_BYTES} belong")
    return key


def _make(path: Path) -> None:
    """Write a draft, then link it: the name appears only with all bytes on disk, and only once."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, secrets.token_bytes(KEY_BYTES))
        os.fsync(handle)
    finally:
        os.close(handle)
    # Another process was first: its key is the one.
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
