"""The tree and the digests that the chain is made of."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medical_ai.audit.verifier import (
    Broken,
    digest_of,
    follow,
    leaf_of,
    levels_of,
    path_in,
    root_of,
)

LEAVES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


def mth(leaves: list[bytes]) -> bytes:
    """Return the tree hash as RFC 6962, section 2.1, defines it, over leaves that are hashes."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    inner = b"\x01" + mth(leaves[:split]) + mth(leaves[split:])
    return hashlib.sha256(inner).digest()


@given(LEAVES)
def test_the_root_is_that_of_rfc_6962(leaves: list[bytes]) -> None:
    assert root_of(leaves) == mth(leaves)


@given(LEAVES)
def test_every_path_leads_to_the_root(leaves: list[bytes]) -> None:
    levels = levels_of(leaves)
    for position, leaf in enumerate(leaves):
        path = path_in(levels, position)
        assert follow(leaf, path, position, len(leaves)) == levels[-1][0]


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=2, max_size=40, unique=True))
def test_no_path_proves_another_leaf_or_place(leaves: list[bytes]) -> None:
    levels = levels_of(leaves)
    root, path = levels[-1][0], path_in(levels, 0)
    assert follow(leaves[1], path, 0, len(leaves)) != root
    with pytest.raises(Broken):
        follow(leaves[0], [*path, bytes(32)], 0, len(leaves))
    with pytest.raises(Broken):
        follow(leaves[0], path[:-1], 0, len(leaves))
    with pytest.raises(Broken):
        follow(leaves[0], path, len(leaves), len(leaves))


def test_a_leaf_tells_empty_from_absent_and_one_column_from_the_next() -> None:
    spelled = [["a", "b"], ["ab", ""], ["ab", None], ["", "ab"], ["a", {"b": 1}], ['a","b']]
    assert len({leaf_of(values) for values in spelled}) == len(spelled)


def test_a_leaf_does_not_depend_on_the_order_of_details() -> None:
    assert leaf_of([{"a": 1, "b": 2}]) == leaf_of([{"b": 2, "a": 1}])


def test_a_digest_depends_on_everything_in_the_block() -> None:
    whole = (1, bytes(32), bytes(32), 5, "2026-11-24 14:02:00.000000")
    others = [
        (2, *whole[1:]), (1, b"x" * 32, *whole[2:]), (1, bytes(32), b"x" * 32, *whole[3:]),
        (*whole[:3], 6, whole[4]), (*whole[:4], "2026-11-24 14:02:00.000001"),
    ]  # fmt: skip
    digests = {digest_of(*one) for one in (whole, *others)} | {digest_of(*whole, form=2)}
    assert len(digests) == 7
