"""The raw archive's blocks in a store of objects, as ``core.raw_block`` lays them out: listed, and read."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from footfall.core.raw_block import CHECKSUM, day_of, decode_block, lost_block, parse_name
from footfall.core.record import Logged
from footfall.errors import ObjectGone
from footfall.ports import ObjectStore

__all__ = ["RawObject", "list_raw", "read_raw"]


class RawObject(NamedTuple):
    """A block: its key, the day of its receipt, which offsets of which log it holds, and its bytes."""

    key: str
    day: date
    log: str
    first: int
    last: int
    size: int


def list_raw(store: ObjectStore, prefix: str = "raw/") -> list[RawObject]:
    """Return the blocks below a prefix, by day, then log and offset."""
    found = []
    for each in store.list(prefix):
        folder, _, name = each.key.rpartition("/")
        parsed, day = parse_name(name), day_of(folder)
        if parsed and day:
            found.append(RawObject(each.key, day, *parsed, each.size))
    return sorted(found, key=lambda block: (block.day, block.log, block.first))


def read_raw(store: ObjectStore, key: str) -> Iterator[Logged]:
    """Yield a block's records once its checksum is verified. Raises BadSource."""
    with store.open(key) as file:
        block = file.read()
    try:
        with store.open(key + CHECKSUM) as file:
            check = file.read().decode(errors="replace")
    except ObjectGone as error:
        raise lost_block(f"{store.name}/{key}", "it has no checksum") from error
    yield from decode_block(block, check, f"{store.name}/{key}")
