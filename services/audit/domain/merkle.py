"""The Merkle tree over a tenant's chain (RFC 6962, section 2.1).

Leaf ``i``, counted from 0, is the hash of the entry with ``seq = i + 1`` in the chain, so the root
covers what the chain covers, and a few hashes show that one entry is in it (inclusion), or that a
later tree continues an earlier one (consistency). Every 256 leaves make a block. The roots of
whole blocks are all that is kept besides the chain itself: with them and the leaves of one block
any proof is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

BLOCK = 256
"""Leaves of a block; a power of two, so that its root is a node of every larger tree."""

EMPTY_ROOT = hashlib.sha256(b"").digest()


class NoSuchTree(ValueError):
    """The proof has not the shape of one for this leaf and size."""


def leaf_hash(chain_hash: bytes) -> bytes:
    """The leaf of an entry with this hash in the chain."""
    return hashlib.sha256(b"\x00" + chain_hash).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The node above two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows to the right; ``blocks`` are the roots of its whole blocks.

    Proofs need the leaves of one block besides; ``tail`` are those behind the last whole block.
    """

    def __init__(self, blocks: Iterable[bytes] = (), tail: Iterable[bytes] = ()) -> None:
        self.blocks = list(blocks)
        self._tail = list(tail)
        self._opened: tuple[int, Sequence[bytes]] = (-1, ())
        self._upper: dict[tuple[int, int], bytes] = {}
        self._inner: dict[tuple[int, int], bytes] = {}

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self.blocks) * BLOCK + len(self._tail)

    def append(self, leaf: bytes) -> None:
        """Add a leaf."""
        self._tail.append(leaf)
        if len(self._tail) == BLOCK:
            self.blocks.append(_root_of(self._tail))
            self._tail = []

    def root(self) -> bytes:
        """The hash over all leaves."""
        return self._hash(0, self.size) if self.size else EMPTY_ROOT

    def inclusion(self, index: int, leaves: Sequence[bytes]) -> list[bytes]:
        """The proof that leaf ``index`` is in this tree; ``leaves`` are those of its block."""
        self._open(index // BLOCK, leaves)
        proof: list[bytes] = []
        low, high = 0, self.size
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                proof.append(self._hash(middle, high))
                high = middle
            else:
                proof.append(self._hash(low, middle))
                low = middle
        return proof[::-1]

    def consistency(self, earlier: int, leaves: Sequence[bytes]) -> list[bytes]:
        """The proof that this tree continues its first ``earlier`` leaves, at least one.

        ``leaves`` are those of the block of leaf ``earlier``; of no use if it begins a block.
        """
        self._open(earlier // BLOCK, leaves)
        proof: list[bytes] = []
        low, high = 0, self.size
        while high != earlier:
            middle = low + _split(high - low)
            if earlier <= middle:
                proof.append(self._hash(middle, high))
                high = middle
            else:
                proof.append(self._hash(low, middle))
                low = middle
        if low:  # otherwise it is the whole earlier tree, whose root the verifier has
            proof.append(self._hash(low, high))
        return proof[::-1]

    def _open(self, block: int, leaves: Sequence[bytes]) -> None:
        if self._opened[0] != block:
            self._opened = (block, leaves)
            self._inner.clear()

    def _hash(self, low: int, high: int) -> bytes:
        """The root over the leaves from ``low`` up to and without ``high``."""
        size = high - low
        if size == 1:
            return self._leaf(low)
        if size == BLOCK and high <= len(self.blocks) * BLOCK:
            return self.blocks[low // BLOCK]
        known = self._upper if size > BLOCK else self._inner
        if (low, high) not in known:
            middle = low + _split(size)
            known[low, high] = node_hash(self._hash(low, middle), self._hash(middle, high))
        return known[low, high]

    def _leaf(self, index: int) -> bytes:
        block, place = divmod(index, BLOCK)
        leaves = self._tail if block == len(self.blocks) else self._opened[1]
        return leaves[place]


def root_by_inclusion(index: int, size: int, leaf: bytes, proof: Iterable[bytes]) -> bytes:
    """The root of the tree of ``size`` leaves in which ``proof`` places a leaf at ``index``.

    RFC 9162, section 2.1.3.2. Raises NoSuchTree.
    """
    if not 0 <= index < size:
        raise NoSuchTree("the leaf lies outside the tree")
    place, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise NoSuchTree("the proof is too long")
        if place & 1 or place == last:
            root = node_hash(sibling, root)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise NoSuchTree("the proof is too short")
    return root


def _root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over as many leaves as a power of two."""
    while len(leaves) > 1:
        leaves = [node_hash(*pair) for pair in zip(leaves[::2], leaves[1::2], strict=True)]
    return leaves[0]


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << ((size - 1).bit_length() - 1)
