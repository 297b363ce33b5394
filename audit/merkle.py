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
        if len(hashes) != size.bit_count():
            raise ValueError(f"A tree of {size} leaves has {size.bit_count()} peaks.")
        self.size = size
        self.hashes = list(hashes)

    @classmethod
    def from_bytes(cls, size: int, packed: bytes) -> "Peaks":
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


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The sibling hashes from a leaf up to the root (RFC 6962 §2.1.1)."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"There is no leaf {index} in a tree of {len(leaves)}.")
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion_proof(index, leaves[:split]), root_of(leaves[split:])]
    return [*inclusion_proof(index - split, leaves[split:]), root_of(leaves[:split])]


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that a proof leads to. Raises ValueError when it has the wrong length."""
    if size == 1:
        if proof:
            raise ValueError("The proof is too long.")
        return leaf
    if not proof:
        raise ValueError("The proof is too short.")
    split = _split(size)
    *rest, sibling = proof
    if index < split:
        return node_hash(root_from_inclusion(index, split, leaf, rest), sibling)
    return node_hash(sibling, root_from_inclusion(index - split, size - split, leaf, rest))


def consistency_proof(old: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The hashes that show that the first `old` leaves are still the same (RFC 6962 §2.1.2)."""
    if not 0 < old <= len(leaves):
        raise IndexError(f"A tree of {len(leaves)} has no older tree of {old}.")
    return _subproof(old, leaves, whole=True)


def _subproof(old: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [root_of(leaves)]
    split = _split(len(leaves))
    if old <= split:
        return [*_subproof(old, leaves[:split], whole=whole), root_of(leaves[split:])]
    left = root_of(leaves[:split])
    return [*_subproof(old - split, leaves[split:], whole=False), left]


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
