"""What is sent again counts once, what is new counts, where clients give their events no ids."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from footfall.apps.collector.lately import Lately
from footfall.core.protocols.exchange import Repeats, Request
from footfall.core.protocols.repeats import event_ids, mark_of, parts_of

TWO = Repeats(seconds=2, headers=("x-token",))
SECOND = 1_000_000
NOON = 1_790_000_000_000_000


def request(body=b"{}", path="/p", query=None, headers=None, mark="m"):
    return Request(
        "POST", path, query or {}, headers or {}, body, received_at=NOON, secret=b"k" * 32, mark=mark
    )


def marks_of(times, lately=None):
    lately = lately or Lately()
    return [mark_of("name", lately.first("name", at, TWO.seconds), TWO) for at in times]


#      0 s       1 s       2 s       3 s       4 s       5 s
#      |---------|---------|---------|---------|---------|
#      first         again       new      again         new
def test_what_comes_again_within_the_seconds_has_the_mark_of_the_first():
    marks = marks_of([NOON + int(at * SECOND) for at in (0, 1.4, 2.6, 3.5, 4.8)])
    assert marks[0] == marks[1]
    assert marks[2] == marks[3]
    assert len(set(marks)) == 3


@given(st.lists(st.integers(0, 20 * SECOND), min_size=1, max_size=30).map(sorted))
def test_two_marks_are_the_same_only_within_the_seconds(times):
    marks = marks_of([NOON + at for at in times])
    firsts = {}
    for at, mark in zip(times, marks, strict=True):
        assert at - firsts.setdefault(mark, at) < TWO.seconds * SECOND
    starts = list(firsts.values())
    assert all(b - a >= TWO.seconds * SECOND for a, b in itertools.pairwise(starts))


def test_a_clock_that_goes_back_begins_anew():
    lately = Lately()
    assert lately.first("name", NOON, 2) == NOON
    assert lately.first("name", NOON - SECOND, 2) == NOON - SECOND


def test_only_so_many_are_remembered():
    lately = Lately(generation=2)
    for number in range(4):
        lately.first(f"n{number}", NOON, 2)
    assert lately.first("n2", NOON + 1, 2) == NOON
    assert lately.first("n1", NOON + 1, 2) == NOON
    lately.first("n4", NOON, 2)
    lately.first("n5", NOON, 2)
    assert lately.first("n0", NOON + 1, 2) == NOON + 1


def test_bytes_query_path_and_named_headers_make_a_request_the_same():
    same = parts_of(request(headers={"x-token": "a", "accept": "x"}, query={"a": "1"}), TWO)
    assert same == parts_of(request(headers={"x-token": "a", "accept": "y"}, query={"a": "1"}), TWO)
    for other in (
        request(b"{ }", headers={"x-token": "a"}, query={"a": "1"}),
        request(headers={"x-token": "b"}, query={"a": "1"}),
        request(headers={"x-token": "a"}, query={"a": "2"}),
        request(path="/q", headers={"x-token": "a"}, query={"a": "1"}),
    ):
        assert parts_of(other, TWO) != same


def test_items_without_a_clock_are_told_apart_by_their_place():
    assert event_ids(request(mark="abc"), [{}, {}], lambda _: None) == ["abc-0", "abc-1"]
    assert event_ids(request(mark=""), [{}], lambda _: None) == [None]


def test_items_with_a_clock_keep_their_ids_in_another_batch():
    items = [{"at": 1}, {"at": 2}, {"at": 1}]
    ids = event_ids(request(), items, dict)
    assert len(set(ids)) == 3
    assert event_ids(request(mark="other"), items[1:], dict) == [ids[1], ids[0]]


def test_an_address_counts_as_its_network():
    first, other, far = ({"at": 1, "ip": ip} for ip in ("203.0.113.9", "203.0.113.77", "198.51.100.1"))
    assert event_ids(request(), [first], dict) == event_ids(request(), [other], dict)
    assert event_ids(request(), [first], dict) != event_ids(request(), [far], dict)
