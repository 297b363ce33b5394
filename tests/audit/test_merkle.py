"""Trees and proofs against RFC 6962: known vectors, and a naive reading of its definitions."""

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import merkle

# The leaves and roots that certificate transparency's own implementations are tested with.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PROOF_OF_LEAF_5_IN_8 = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]

sizes = st.integers(min_value=1, max_value=130)


def hashes(size):
    return [merkle.leaf_hash(str(number).encode()) for number in range(size)]


def naive_root(leaves):
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    pair = naive_root(leaves[:split]) + naive_root(leaves[split:])
    return sha256(b"\x01" + pair).digest()


def naive_path(index, leaves):
    """PATH of RFC 6962 §2.1.1."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*naive_path(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_path(index - split, leaves[split:]), naive_root(leaves[:split])]


def naive_subproof(old, leaves, *, whole):
    """SUBPROOF of RFC 6962 §2.1.2."""
    if old == len(leaves):
        return [] if whole else [naive_root(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= split:
        return [*naive_subproof(old, leaves[:split], whole=whole), naive_root(leaves[split:])]
    proof = naive_subproof(old - split, leaves[split:], whole=False)
    return [*proof, naive_root(leaves[:split])]


@pytest.mark.parametrize("size", range(9))
def test_the_known_trees_have_their_known_roots(size):
    leaves = [merkle.leaf_hash(leaf) for leaf in LEAVES[:size]]
    assert merkle.root_of(leaves).hex() == ROOTS[size]


def test_the_known_inclusion_proof_comes_out():
    leaves = [merkle.leaf_hash(leaf) for leaf in LEAVES]
    assert [part.hex() for part in merkle.inclusion_proof(5, leaves)] == PROOF_OF_LEAF_5_IN_8


@given(sizes)
def test_a_tree_that_grew_leaf_by_leaf_has_the_root_of_the_definition(size):
    leaves = hashes(size)
    assert merkle.root_of(leaves) == naive_root(leaves)


@given(sizes)
def test_a_tree_continues_from_its_stored_peaks(size):
    leaves = hashes(size + 5)
    grown = merkle.Peaks()
    for leaf in leaves[:size]:
        grown.append(leaf)
    again = merkle.Peaks.from_bytes(size, grown.to_bytes())
    for leaf in leaves[size:]:
        again.append(leaf)
    assert again.root() == naive_root(leaves)


@pytest.mark.parametrize(("size", "packed"), [(3, b""), (1, b"x" * 31), (-1, b"x" * 32)])
def test_peaks_that_do_not_fit_the_size_are_refused(size, packed):
    with pytest.raises(ValueError, match="peaks"):
        merkle.Peaks.from_bytes(size, packed)


@given(st.data(), sizes)
def test_an_inclusion_proof_leads_to_the_root_and_to_no_other_leaf(data, size):
    leaves = hashes(size)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, leaves)
    root = naive_root(leaves)
    assert proof == naive_path(index, leaves)
    assert merkle.root_from_inclusion(index, size, leaves[index], proof) == root
    assert merkle.root_from_inclusion(index, size, merkle.leaf_hash(b"other"), proof) != root


@given(st.data(), sizes)
def test_an_inclusion_proof_of_the_wrong_length_is_refused(data, size):
    leaves = hashes(size)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, leaves)
    for wrong in (proof[:-1], [*proof, leaves[0]]):
        if len(wrong) != len(proof):
            with pytest.raises(ValueError, match="unpack"):
                merkle.root_from_inclusion(index, size, leaves[index], wrong)


def test_a_leaf_outside_of_the_tree_has_no_proof():
    with pytest.raises(ValueError, match="no leaf"):
        merkle.root_from_inclusion(4, 4, b"", [])
    with pytest.raises(IndexError):
        merkle.inclusion_proof(4, hashes(4))


def test_an_inner_node_is_not_a_leaf():
    left, right = hashes(2)
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)


@given(st.data(), sizes)
def test_a_consistency_proof_holds_for_the_old_tree_only(data, size):
    leaves = hashes(size)
    old = data.draw(st.integers(1, size))
    proof = merkle.consistency_proof(old, leaves)
    was, now = naive_root(leaves[:old]), naive_root(leaves)
    other = naive_root([merkle.leaf_hash(b"other"), *leaves[1:old]])
    assert proof == naive_subproof(old, leaves, whole=True)
    assert merkle.is_consistent(old, was, size, now, proof)
    assert not merkle.is_consistent(old, other, size, now, proof)
    assert not merkle.is_consistent(old, was, size, other, proof)
    assert not merkle.is_consistent(old, was, size, now, [*proof, leaves[0]])
    if proof:
        assert not merkle.is_consistent(old, was, size, now, proof[:-1])


@given(st.integers(2, 2**40), st.data())
def test_the_ranges_of_a_proof_cover_every_other_leaf_once(size, data):
    index = data.draw(st.integers(0, size - 1))
    ranges = sorted(merkle.inclusion_ranges(index, size), key=lambda part: part.start)
    covered = sum(part.stop - part.start for part in ranges)
    assert covered == size - 1
    assert all(index not in part for part in ranges)
    assert all(a.stop <= b.start for a, b in pairwise(ranges))


@pytest.mark.parametrize("old", [0, 5])
def test_a_tree_is_consistent_with_no_empty_and_no_larger_one(old):
    with pytest.raises(IndexError):
        merkle.consistency_proof(old, hashes(4))
    assert not merkle.is_consistent(old, b"", 4, merkle.root_of(hashes(4)), [])


def test_proofs_stay_short_at_a_million_entries():
    size = 1_000_000
    assert max(len(merkle.inclusion_ranges(n, size)) for n in (0, 1, size // 2, size - 1)) <= 20
    assert max(len(merkle.consistency_ranges(n, size)) for n in (1, 3, 524_289, size - 1)) <= 40
