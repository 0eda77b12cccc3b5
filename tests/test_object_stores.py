"""The ObjectStore port: a folder, and S3 spoken over HTTP; what S3 can refuse."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aws_emulator import aws_emulator, make_bucket

from footfall.adapters.folder_objects import FolderObjects
from footfall.adapters.s3_objects import S3Objects
from footfall.errors import ObjectsRefused
from footfall.testing.objects import ObjectStoreContract

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with aws_emulator() as url:
        yield url


class TestFolder(ObjectStoreContract):
    @pytest.fixture
    def open_objects(self, tmp_path: Path) -> Callable[[], FolderObjects]:
        return lambda: FolderObjects(tmp_path / "objects")


@pytest.mark.usefixtures("s3")
class TestS3(ObjectStoreContract):
    @pytest.fixture
    def open_objects(self) -> Callable[[], S3Objects]:
        def opened() -> S3Objects:
            name = f"bucket-{next(_numbers)}"
            make_bucket(name)
            return S3Objects(name)

        return opened


@pytest.mark.parametrize("key", ["../x", "a//b", "/a", "a/", ".", "a\0b", "x" * 300])
def test_a_folder_takes_no_key_that_leads_out_of_it(tmp_path: Path, key: str) -> None:
    with pytest.raises(ObjectsRefused):
        FolderObjects(tmp_path).put(key, b"x")
