"""Hours of a lake in S3 are replaced as a whole, whoever reads them and whatever is killed."""

import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from aws_emulator import aws_emulator, make_bucket

from footfall.adapters.addresses import listed, reading, writing
from footfall.adapters.lake_bucket import BucketLake
from footfall.adapters.s3_objects import S3Objects
from footfall.errors import LakeChanged, ObjectChanged, ObjectGone

HOUR = "events/year=2026/month=03/day=01/hour=07"
OTHER = "events/year=2026/month=03/day=01/hour=08"


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    with aws_emulator() as url:
        yield url


@pytest.fixture
def lake(aws: str) -> BucketLake:
    assert aws
    name = f"lake-{uuid4().hex}"
    make_bucket(name)
    return BucketLake(f"s3://{name}/site/lake")


def put(lake: BucketLake, value: int, *parts: int, gone: tuple[str, ...] = ()) -> None:
    """Give HOUR so many files, and OTHER; each says the value and how many there are."""
    swap = lake.swap(uuid4().hex)
    read = lake.files("events")
    staged: dict[str, list[str]] = {}
    for hour, count in zip((HOUR, OTHER), parts, strict=False):
        for part in range(count):
            staged.setdefault(hour, []).append(f"{swap.staging}/{hour[-2:]}-{part}")
            with writing(staged[hour][-1]) as file:
                file.write(f"{value} {count}".encode())
    try:
        swap.commit(staged, gone, read)
    finally:
        swap.close()


def seen(places: Iterator[tuple[str, str]], hour: str = HOUR) -> set[int]:
    """Return the value of an hour's files; fail when they are not all of one value, and all there."""
    texts = []
    for place, version in places:
        if hour in place:
            with reading(place, version) as file:
                texts.append(file.read().split())
    values = {(int(value), int(count)) for value, count in texts}
    assert not texts or (len(values) == 1 and next(iter(values))[1] == len(texts)), texts
    return {value for value, _ in values}


def by_jobs(lake: BucketLake) -> Iterator[tuple[str, str]]:
    return ((file.place, file.version) for file in lake.files("events"))


def by_listing(lake: BucketLake) -> Iterator[tuple[str, str]]:
    return listed(f"{lake.name}/events")


def test_an_hour_of_one_object_keeps_its_key(lake: BucketLake) -> None:
    put(lake, 1, 1, 1)
    names = [place for place, _ in by_listing(lake)]
    put(lake, 2, 1, 1)
    assert [place for place, _ in by_listing(lake)] == names
    assert seen(by_listing(lake)) == seen(by_listing(lake), OTHER) == {2}


def test_names_of_several_are_never_those_that_stood_there(lake: BucketLake) -> None:
    put(lake, 1, 2)
    before = {place for place, _ in by_listing(lake)}
    put(lake, 2, 3)
    assert before.isdisjoint(place for place, _ in by_listing(lake))
    put(lake, 3, gone=(HOUR,))
    assert not list(by_listing(lake))
    assert not list(listed(f"{lake.name}/_staging"))


@pytest.mark.parametrize(("counts", "look"), [((1, 1), by_listing), ((3, 1, 2, 1), by_jobs)])
def test_a_reader_beside_it_never_sees_half(lake: BucketLake, counts: tuple[int, ...], look: Any) -> None:
    """Hours of one object for everybody, others for who looks at the notes."""
    put(lake, 0, counts[0])
    done, wrong, reads = threading.Event(), [], []

    def read() -> None:
        while not done.is_set():
            try:
                reads.append(seen(look(lake)))
            except (ObjectChanged, ObjectGone, LakeChanged):
                continue  # replaced between listing and reading: it is told, and reads again
            except AssertionError as error:
                wrong.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 20):
        put(lake, number, counts[number % len(counts)])
    done.set()
    reader.join()
    assert not wrong
    assert all(reads)
    assert len({min(values) for values in reads}) > 2


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("parts", [(1, 1), (2, 3)])
def test_killed_anywhere_an_hour_is_the_old_or_the_new(
    lake: BucketLake, parts: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every request that writes, in turn; then the next job ends what was begun."""
    value, ended = 0, False
    put(lake, value, 2, 1)
    while not ended:
        left = iter(range(value))
        with monkeypatch.context() as patch:
            for name in ("put", "copy", "delete"):
                patch.setattr(S3Objects, name, _killed_after(left, getattr(S3Objects, name)))
            try:
                put(lake, value + 1, *parts)
                ended = True
            except Killed:
                pass
        before = [seen(by_jobs(lake), hour) for hour in (HOUR, OTHER)]
        assert all(values <= {0, *range(value + 2)} and len(values) == 1 for values in before)
        lake.swap("next").close()
        after = [seen(by_listing(lake), hour) for hour in (HOUR, OTHER)]
        assert after[0] == after[1]
        assert after == [seen(by_jobs(lake), hour) for hour in (HOUR, OTHER)]
        value += 1
        put(lake, 0, 2, 1)
    assert value > 6


def _killed_after(left: Iterator[int], work: Any) -> Any:
    def call(*arguments: Any) -> Any:
        if next(left, None) is None:
            raise Killed
        return work(*arguments)

    return call


def test_what_another_changed_is_not_put_over(lake: BucketLake) -> None:
    """What came beside it since stays."""
    put(lake, 1, 2)
    swap, read = lake.swap("job"), lake.files("events")
    put(lake, 2, 2)
    with writing(f"{swap.staging}/x") as file:
        file.write(b"3 1")
    with pytest.raises(LakeChanged, match="hour=07"):
        swap.commit({HOUR: [f"{swap.staging}/x"]}, (), read)
    swap.close()
    assert seen(by_listing(lake)) == {2}
    with writing(f"{lake.name}/{OTHER}/delivery.parquet") as file:
        file.write(b"4 1")
    put(lake, 5, 1)
    assert (seen(by_listing(lake)), seen(by_listing(lake), OTHER)) == ({5}, {4})
