"""A block of bytes read as columns: windows, slices, digits and times for many lines at once.

Nothing here knows a format. A place is a byte's index in the block; all arrays are one value a line.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

__all__ = [
    "PADDING",
    "Bytes",
    "Flags",
    "Ints",
    "clf_times",
    "lines_of",
    "numbers",
    "slices",
    "texts_at",
    "utf8",
    "windows",
]

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

PADDING = 128  # zero bytes to append to a block, so that a window may reach beyond the last line

_INLINE = 12  # Arrow's string views keep so short a value in the view itself
_MONTHS = {
    name: number
    for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1)
}


def lines_of(block: bytes) -> tuple[Ints, Ints]:
    """Return where each line starts and ends, without its LF or CR LF; blank lines included."""
    buffer = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(buffer == 10)
    if len(block) and block[-1] != 10:
        ends = np.append(ends, len(block))
    starts = np.concatenate([np.zeros(min(1, len(ends)), np.int64), ends[:-1] + 1])
    returns = (ends > starts) & (buffer[np.maximum(ends - 1, 0)] == 13) if len(ends) else ends > starts
    return starts, ends - returns


def utf8(block: bytes) -> bool:
    """Say whether all of it is UTF-8."""
    if block.isascii():  # without the copy that decoding makes
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def windows(buffer: Bytes, places: Ints, width: int) -> Bytes:
    """Return the ``width`` bytes from each place on; ``buffer`` must be padded by as much."""
    found: Bytes = sliding_window_view(buffer, width)[places]
    return found


def slices(padded: bytes, starts: Ints, ends: Ints, empty: bytes = b"-") -> pa.DictionaryArray:
    """Return the text from ``starts`` to ``ends`` as a dictionary; ``empty`` or nothing is null.

    The bytes are not copied but once per distinct value (string views, as in the Arrow format).
    ``padded`` must be UTF-8 within the slices.
    """
    buffer = np.frombuffer(padded, np.uint8)
    count = len(starts)
    lengths = ends - starts
    views = np.zeros((count, 4), np.int32)
    views[:, 0] = lengths
    head = windows(buffer, starts, _INLINE).copy()
    null = (lengths == 0) | ((lengths == len(empty)) & (head[:, 0] == empty[0]) & (len(empty) == 1))
    head[np.arange(_INLINE) >= lengths[:, None]] = 0
    views.view(np.uint8).reshape(count, 16)[:, 4:] = head
    outside = lengths > _INLINE
    views[outside, 2] = 0
    views[outside, 3] = starts[outside]
    valid = pa.py_buffer(np.packbits(~null, bitorder="little"))
    array = pa.Array.from_buffers(
        pa.string_view(), count, [valid, pa.py_buffer(views), pa.py_buffer(padded)]
    )
    encoded = array.dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices, encoded.dictionary.cast(pa.string()))


def texts_at(block: pa.Buffer, starts: Ints, ends: Ints) -> pa.DictionaryArray:
    """Return the text of one place per line, in order, as a dictionary; ``-`` or nothing is null.

    Arrow sees the block itself as texts and the gaps between them by turns, and takes every other.
    The texts must be UTF-8.
    """
    count = len(starts)
    offsets = np.empty(2 * count, np.int32)
    offsets[::2], offsets[1::2] = starts, ends
    both = pa.StringArray.from_buffers(max(0, 2 * count - 1), pa.py_buffer(offsets), block)
    encoded = both.take(pa.array(np.arange(0, 2 * count, 2, dtype=np.int32))).dictionary_encode()
    indices = encoded.indices
    for nothing in ("-", ""):
        if (place := pc.index(encoded.dictionary, nothing).as_py()) >= 0:
            indices = pc.if_else(pc.equal(indices, place), pa.scalar(None, pa.int32()), indices)
    return pa.DictionaryArray.from_arrays(indices, encoded.dictionary)


def numbers(buffer: Bytes, starts: Ints, ends: Ints) -> tuple[Ints, Flags]:
    """Return the whole numbers written there, and whether each is one (1 to 18 digits)."""
    lengths = ends - starts
    width = int(min(max(lengths.max(initial=1), 1), 18))
    digits = windows(buffer, starts, width) - np.uint8(48)
    inside = np.arange(width) < lengths[:, None]
    fine = (lengths > 0) & (lengths <= 18) & ((digits <= 9) | ~inside).all(axis=1)
    values = np.zeros(len(starts), np.int64)
    for place in range(width):
        values = np.where(inside[:, place], values * 10 + digits[:, place], values)
    return np.where(fine, values, 0), fine


def clf_times(buffer: Bytes, starts: Ints) -> tuple[Ints, Flags]:
    """Read ``17/May/2015:10:05:03 +0000`` at each place: UTC microseconds, and whether it is a time.

    The layout is Apache's ``%t``; a leap second (60) counts as the second after.
    """
    text = np.ascontiguousarray(windows(buffer, starts, 26).T)  # a row a place: NumPy likes long rows
    digits = text - np.uint8(48)  # below 0 becomes above 9
    fine = (digits[[0, 1, 7, 8, 9, 10, 12, 13, 15, 16, 18, 19, 22, 23, 24, 25]] <= 9).all(axis=0)
    for place, sign in ((2, 47), (6, 47), (11, 58), (14, 58), (17, 58), (20, 32)):
        fine &= text[place] == sign
    east = text[21] == 43
    fine &= east | (text[21] == 45)

    def number(*places: int) -> NDArray[np.int32]:
        value = np.zeros(len(starts), np.int32)
        for place in places:
            value = value * 10 + digits[place]
        return value

    letters = (text[3].astype(np.int32) << 16) | (text[4].astype(np.int32) << 8) | text[5]
    month = np.zeros(len(starts), np.int32)
    for name, value in _MONTHS.items():
        month[letters == int.from_bytes(name, "big")] = value
    day, year, hour, minute, second = (
        number(0, 1), number(7, 8, 9, 10), number(12, 13), number(15, 16), number(18, 19)
    )  # fmt: skip
    zone = number(22, 23) * 60 + number(24, 25)
    zone = np.where(east, zone, -zone)
    fine &= (month > 0) & (day > 0) & (hour < 24) & (minute < 60) & (second <= 60)
    fine &= abs(zone) < 24 * 60
    months = np.where(fine, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (np.where(fine, day, 1) - 1)
    fine &= days.astype("datetime64[M]") == months
    seconds = days.astype(np.int64) * 86_400 + (hour * 3_600 + (minute - zone) * 60 + second)
    return np.where(fine, seconds * 1_000_000, 0), fine
