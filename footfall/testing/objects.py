"""For tests with an object store: the contract that every one keeps.

To prove an adapter of your own, subclass ``ObjectStoreContract`` and give it a fixture
``open_objects``; each test calls it for an empty store.
"""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from footfall.errors import ObjectChanged, ObjectGone
from footfall.ports import ObjectStore

__all__ = ["ObjectStoreContract", "OpenObjects"]

OpenObjects = Callable[[], ObjectStore]

LARGE = bytes(range(256)) * 70_000  # 17.9 MB: several parts of any store
KEYS = ("a/1.log", "a/2.log", "a-b", "ä ö/+?&=%20.log", "b")


class ObjectStoreContract:
    """What every ObjectStore promises."""

    def test_what_was_put_is_listed_and_read(self, open_objects: OpenObjects) -> None:
        store = open_objects()
        for number, key in enumerate(KEYS):
            put = store.put(key, key.encode() * (number + 1))
            assert (put.key, put.size) == (key, len(key.encode()) * (number + 1))
        found = list(store.list())
        assert [each.key for each in found] == sorted(KEYS, key=str.encode)
        for each in found:
            with store.open(each.key, each.etag) as file:
                data = file.read()
            assert len(data) == each.size
            assert data.startswith(each.key.encode())
        assert [each.key for each in store.list("a/")] == ["a/1.log", "a/2.log"]
        assert [each.key for each in store.list("a")] == ["a-b", "a/1.log", "a/2.log"]
        assert list(store.list("none")) == []
        store.close()

    def test_more_objects_than_a_page(self, open_objects: OpenObjects) -> None:
        store = open_objects()
        keys = [f"many/{number:04}" for number in range(1_050)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: store.put(key, b"x"), keys))
        assert [each.key for each in store.list("many/")] == keys
        store.delete(keys)
        assert list(store.list("many/")) == []
        store.close()

    def test_an_empty_object_is_an_object(self, open_objects: OpenObjects) -> None:
        store = open_objects()
        put = store.put("empty", b"")
        assert put.size == 0
        with store.open("empty", put.etag) as file:
            assert file.read() == b""
        store.close()

    def test_a_large_object_is_read_from_anywhere(self, open_objects: OpenObjects) -> None:
        store = open_objects()
        put = store.put("large", io.BytesIO(LARGE))
        assert put.size == len(LARGE)
        with store.open("large", put.etag) as file:
            assert file.read() == LARGE
            for place in (0, 8 << 20, (8 << 20) - 5, 3, len(LARGE) - 7, len(LARGE)):
                assert file.seek(place) == file.tell() == place
                assert file.read(10) == LARGE[place : place + 10]
            file.seek(-4, io.SEEK_END)
            assert file.read() == LARGE[-4:]
        store.close()

    def test_a_large_object_that_is_replaced_is_never_a_mixture(self, open_objects: OpenObjects) -> None:
        store = open_objects()
        put = store.put("large", LARGE)
        other = LARGE.translate(bytes(reversed(range(256))))
        with store.open("large", put.etag) as file:
            read = file.read(1_000)
            assert store.put("large", other).etag != put.etag
            try:
                read += file.read()
            except ObjectChanged:
                read = LARGE[: len(read)]
            assert LARGE.startswith(read)
        store.close()

    def test_a_version_that_is_gone_is_told(self, open_objects: OpenObjects) -> None:
        store = open_objects()
        old = store.put("key", b"old")
        new = store.put("key", b"newer")
        assert old.etag != new.etag
        with pytest.raises(ObjectChanged, match="key"):
            store.open("key", old.etag)
        with store.open("key") as file:
            assert file.read() == b"newer"
        store.delete(["key"])
        with pytest.raises(ObjectGone, match="key"):
            store.open("key", new.etag)
        with pytest.raises(ObjectGone, match="key"):
            store.copy("key", "other")
        store.close()

    def test_copied_and_deleted(self, open_objects: OpenObjects) -> None:
        store = open_objects()
        store.put("from", b"bytes")
        assert store.copy("from", "deep/to").size == 5
        store.delete(["from", "never there"])
        assert [each.key for each in store.list()] == ["deep/to"]
        with store.open("deep/to") as file:
            assert file.read() == b"bytes"
        store.close()
