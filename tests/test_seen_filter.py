"""The filter before the ids seen: never denies one that it took, and rarely suspects a new one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from footfall.adapters.duckdb_warehouse import seen_filter
from footfall.adapters.duckdb_warehouse.seen_filter import SeenFilter

DIGESTS = arrays.arrays(np.uint64, st.integers(0, 200), elements=st.integers(0, 2**64 - 1))


@given(st.lists(DIGESTS, max_size=5))
def test_whatever_was_added_may_be_held(batches):
    seen = SeenFilter()
    for batch in batches:
        seen.add(batch)
    for batch in batches:
        assert seen.may_hold(batch).all()


@given(DIGESTS)
def test_an_empty_filter_denies_everything(digests):
    assert not SeenFilter().may_hold(digests).any()


def test_new_ids_are_rarely_suspected_over_several_layers(monkeypatch):
    monkeypatch.setattr(seen_filter, "FIRST_IDS", 1 << 12)
    random = np.random.default_rng(3)
    taken = random.integers(0, 2**64, 200_000, dtype=np.uint64)
    seen = SeenFilter()
    seen.add(taken)
    assert seen.may_hold(taken).all()
    others = random.integers(0, 2**64, 100_000, dtype=np.uint64)
    assert seen.may_hold(others).mean() < 0.03
