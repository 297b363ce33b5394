"""RFC 6962 Merkle trees: leaf and node hashes, a growing tree kept as its peaks, and proofs."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Peaks:
    """A tree that only grows, kept as the roots of its perfect subtrees, the largest first.

    Sixty-four hashes are enough for any size that a log can have.
    """

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if size < 0 or len(hashes) != size.bit_count():
            raise ValueError(f"{len(hashes)} peaks cannot be those of a tree of {size} leaves.")
        self.size = size
        self.hashes = list(hashes)

    @classmethod
    def from_bytes(cls, size: int, packed: bytes) -> "Peaks":
        if len(packed) % HASH_BYTES:
            raise ValueError("The peaks are cut off.")
        cut = range(0, len(packed), HASH_BYTES)
        return cls(size, [packed[start : start + HASH_BYTES] for start in cut])

    def to_bytes(self) -> bytes:
        return b"".join(self.hashes)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash: equal subtrees merge, as carries do in an addition."""
        carry = leaf
        merges = (~self.size & (self.size + 1)).bit_length() - 1
        for _ in range(merges):
            carry = node_hash(self.hashes.pop(), carry)
        self.hashes.append(carry)
        self.size += 1

    def root(self) -> bytes:
        """The tree head: the peaks joined from the right."""
        if not self.hashes:
            return EMPTY
        root = self.hashes[-1]
        for peak in reversed(self.hashes[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    peaks = Peaks()
    for leaf in leaves:
        peaks.append(leaf)
    return peaks.root()


# --- proofs: which ranges of leaves they are made of, and what they lead to --------------------


def inclusion_ranges(index: int, size: int) -> list[range]:
    """The leaves under each hash of an inclusion proof, from the leaf up (RFC 6962 §2.1.1)."""
    if not 0 <= index < size:
        raise IndexError(f"There is no leaf {index} in a tree of {size}.")
    low, high, path = 0, size, []
    while high - low > 1:
        split = low + _split(high - low)
        if index < split:
            path.append(range(split, high))
            high = split
        else:
            path.append(range(low, split))
            low = split
    return path[::-1]


def consistency_ranges(old: int, size: int) -> list[range]:
    """The leaves under each hash of a consistency proof (RFC 6962 §2.1.2)."""
    if not 0 < old <= size:
        raise IndexError(f"A tree of {size} has no older tree of {old}.")
    low, high, path = 0, size, []
    while old != high:
        split = low + _split(high - low)
        if old <= split:
            path.append(range(split, high))
            high = split
        else:
            path.append(range(low, split))
            low = split
    if low:  # the old tree is not one of the new one's subtrees: its rest must be shown too
        path.append(range(low, high))
    return path[::-1]


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    return [_subtree(leaves, part) for part in inclusion_ranges(index, len(leaves))]


def consistency_proof(old: int, leaves: Sequence[bytes]) -> list[bytes]:
    return [_subtree(leaves, part) for part in consistency_ranges(old, len(leaves))]


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that a proof leads to. Raises ValueError when it has the wrong length."""
    if not 0 <= index < size:
        raise ValueError(f"There is no leaf {index} in a tree of {size}.")
    if size == 1:
        [] = proof
        return leaf
    split = _split(size)
    *rest, sibling = proof
    if index < split:
        return node_hash(root_from_inclusion(index, split, leaf, rest), sibling)
    return node_hash(sibling, root_from_inclusion(index - split, size - split, leaf, rest))


def is_consistent(
    old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the proof shows that the tree of `size` begins with the tree of `old`."""
    try:
        return _both_roots(old, size, old_root, proof) == (old_root, root)
    except ValueError:
        return False


def _both_roots(
    old: int, size: int, seed: bytes | None, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """The old and the new root that a proof leads to. The seed is the old root, while the old
    tree may still be one whole subtree of the new one.
    """
    if not 0 < old <= size:
        raise ValueError(f"A tree of {size} has no older tree of {old}.")
    if old == size:
        [known] = proof if seed is None else [seed, *proof]
        return known, known
    split = _split(size)
    *rest, sibling = proof
    if old <= split:
        was, now = _both_roots(old, split, seed, rest)
        return was, node_hash(now, sibling)
    was, now = _both_roots(old - split, size - split, None, rest)
    return node_hash(sibling, was), node_hash(sibling, now)


def _subtree(leaves: Sequence[bytes], part: range) -> bytes:
    return root_of(leaves[part.start : part.stop])


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
