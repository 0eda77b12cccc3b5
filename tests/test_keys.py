"""Keys and salts: made once, whole, private, and gone in time."""

import datetime
import multiprocessing
import stat
from pathlib import Path

import pytest

from footfall.adapters.key_file import daily_salt, derived_salt, expire_salts, installation_key
from footfall.errors import KeysFailed

DAY = datetime.date(2026, 3, 1)


def test_a_key_is_made_once_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "keys"
    key = installation_key(folder)
    assert len(key) == 32
    assert installation_key(folder) == key
    assert stat.S_IMODE((folder / "installation.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["installation.key"]


def test_processes_that_race_get_the_same_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        keys = pool.map(installation_key, [tmp_path] * 16, chunksize=1)
    assert len(set(keys)) == 1


def test_salts_differ_by_day_and_expire_after_two(tmp_path: Path) -> None:
    days = [DAY - datetime.timedelta(days=back) for back in range(4)]
    salts = {day: daily_salt(tmp_path, day) for day in days}
    assert len(set(salts.values())) == 4
    installation_key(tmp_path)
    assert expire_salts(tmp_path, DAY) == 2
    assert daily_salt(tmp_path, days[0]) == salts[days[0]]
    assert daily_salt(tmp_path, days[1]) == salts[days[1]]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "installation.key",
        "salt-2026-02-28",
        "salt-2026-03-01",
    ]


def test_a_derived_salt_can_be_made_again(tmp_path: Path) -> None:
    key = installation_key(tmp_path)
    assert derived_salt(key, DAY) == derived_salt(key, DAY)
    assert derived_salt(key, DAY) != derived_salt(key, DAY + datetime.timedelta(days=1))
    assert derived_salt(b"x" * 32, DAY) != derived_salt(key, DAY)


def test_a_damaged_key_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "installation.key"
    path.write_bytes(b"short")
    with pytest.raises(KeysFailed, match="5 bytes where 32 belong"):
        installation_key(tmp_path)
    assert path.read_bytes() == b"short"


def test_a_folder_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(KeysFailed):
        installation_key(tmp_path / "keys")
