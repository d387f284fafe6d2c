"""The tree is that of RFC 6962, and its proofs convince whoever knows no more than a root."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.domain.merkle import (
    BLOCK,
    EMPTY_ROOT,
    NoSuchTree,
    Tree,
    leaf_hash,
    node_hash,
    root_by_inclusion,
)

# The inputs and roots that implementations of Certificate Transparency are tested with.
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}

sizes = st.integers(1, 3 * BLOCK + 5)


def leaf(index: int) -> bytes:
    """Some leaf."""
    return leaf_hash(hashlib.sha256(str(index).encode()).digest())


LEAVES = [leaf(index) for index in range(3 * BLOCK + 5)]


def tree_of(leaves: Sequence[bytes]) -> Tree:
    """A tree that grew leaf by leaf."""
    tree = Tree()
    for each in leaves:
        tree.append(each)
    return tree


def root_of(leaves: Sequence[bytes]) -> bytes:
    """MTH as section 2.1 defines it."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(root_of(leaves[:split]), root_of(leaves[split:]))


def block_of(index: int, size: int) -> list[bytes]:
    """The leaves of the block of one."""
    first = index // BLOCK * BLOCK
    return LEAVES[first : min(first + BLOCK, size)]


@pytest.mark.parametrize(("size", "root"), ROOTS.items())
def test_roots_are_those_of_certificate_transparency(size: int, root: str) -> None:
    assert tree_of([leaf_hash(each) for each in INPUTS[:size]]).root().hex() == root


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    assert Tree().root() == hashlib.sha256(b"").digest()


@given(size=sizes)
def test_a_tree_of_blocks_has_the_root_of_its_leaves(size: int) -> None:
    grown = tree_of(LEAVES[:size])
    loaded = Tree(grown.blocks, LEAVES[len(grown.blocks) * BLOCK : size])
    assert grown.root() == loaded.root() == root_of(LEAVES[:size])


@given(data=st.data(), size=sizes)
def test_inclusion_is_proven(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    tree = tree_of(LEAVES[:size])
    proof = tree.inclusion(index, block_of(index, size))
    assert root_by_inclusion(index, size, LEAVES[index], proof) == tree.root()
    assert root_by_inclusion(index, size, leaf(-1), proof) != tree.root()


@given(data=st.data(), size=sizes)
def test_a_proof_that_does_not_fit_is_refused(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = tree_of(LEAVES[:size]).inclusion(index, block_of(index, size))
    with pytest.raises(NoSuchTree):
        root_by_inclusion(index, size, LEAVES[index], [*proof, bytes(32)])
    with pytest.raises(NoSuchTree):
        root_by_inclusion(size, size, LEAVES[index], proof)
    if proof:
        with pytest.raises(NoSuchTree):
            root_by_inclusion(index, size, LEAVES[index], proof[:-1])


@settings(deadline=None)
@given(data=st.data(), size=sizes)
def test_consistency_is_proven(data: st.DataObject, size: int) -> None:
    earlier = data.draw(st.integers(1, size))
    tree = tree_of(LEAVES[:size])
    proof = tree.consistency(earlier, block_of(earlier, size))
    roots = (root_of(LEAVES[:earlier]), tree.root())
    assert consistent(earlier, size, *roots, proof)
    if earlier < size:
        assert not consistent(earlier, size, leaf(-1), roots[1], proof)
        assert not consistent(earlier, size, roots[0], leaf(-1), proof)


def consistent(first: int, second: int, old: bytes, new: bytes, proof: list[bytes]) -> bool:
    """RFC 9162, section 2.1.4.2: what somebody does who keeps roots and distrusts us."""
    if first == second:
        return old == new and not proof
    path = list(proof) if first & (first - 1) else [old, *proof]
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    older = newer = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            newer = node_hash(newer, sibling)
        place, last = place >> 1, last >> 1
    return (older, newer, last) == (old, new, 0)
