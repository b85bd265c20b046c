import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervision.journal import tree

LEAVES = [bytes.fromhex(x) for x in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
HASHES = [tree.leaf_hash(n.to_bytes(4, "big")) for n in range(70_000)]


def by_definition(hashes):
    """RFC 6962 2.1, word for word."""
    if not hashes:
        return tree.EMPTY
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return tree.node_hash(by_definition(hashes[:k]), by_definition(hashes[k:]))


def nodes(height, index):
    return tree.perfect(HASHES[index << height : (index + 1) << height])


@pytest.mark.parametrize("size", range(9))
def test_the_published_vectors_of_certificate_transparency_are_met(size):
    assert tree.merkle([tree.leaf_hash(leaf) for leaf in LEAVES[:size]]).hex() == ROOTS[size]


def test_the_growing_edge_has_the_root_of_the_definition_at_every_size():
    edge = tree.Edge()
    for size in range(601):
        assert edge.size == size
        if size < 70 or size % 37 == 0 or size % 256 in (0, 1, 255):
            assert edge.root() == by_definition(HASHES[:size])
            assert tree.root(nodes, size) == edge.root()
        edge.append(HASHES[size])


def test_tiles_close_at_every_level_where_they_are_full():
    edge = tree.Edge()
    closed = [(size + 1, level, n) for size, leaf in enumerate(HASHES[:65_537]) for level, n, _ in edge.append(leaf)]
    assert closed[:2] == [(256, 0, 0), (512, 0, 1)]
    assert closed[-2:] == [(65_536, 0, 255), (65_536, 1, 0)]
    assert [(level, n, len(row)) for level, n, row in edge.partial()] == [(0, 256, 1), (2, 0, 1)]
    assert edge.root() == by_definition(HASHES[:65_537])


def test_every_leaf_of_every_small_tree_is_proved_and_no_other():
    for size in range(1, 40):
        root = by_definition(HASHES[:size])
        for index in range(size):
            path = tree.inclusion(nodes, index, size)
            assert tree.root_by_inclusion(index, size, HASHES[index], path) == root
            assert tree.root_by_inclusion(index, size, HASHES[index + 1], path) != root


def test_every_small_tree_is_proved_to_begin_every_larger_one():
    for new in range(40):
        for old in range(new + 1):
            roots = by_definition(HASHES[:old]), by_definition(HASHES[:new])
            path = tree.consistency(nodes, old, new)
            tree.check_consistency(old, new, *roots, path)
            if old and old != new:
                with pytest.raises(tree.BadProof):
                    tree.check_consistency(old, new, HASHES[0][::-1], roots[1], path)
                with pytest.raises(tree.BadProof):
                    tree.check_consistency(old, new, *roots, path[:-1])
                with pytest.raises(tree.BadProof):
                    tree.check_consistency(old, new, *roots, [*path, HASHES[0]])


@given(st.integers(1, 5000), st.data())
def test_a_proof_with_one_step_more_less_or_changed_leads_nowhere(size, data):
    index = data.draw(st.integers(0, size - 1))
    path = tree.inclusion(nodes, index, size)
    root = tree.root_by_inclusion(index, size, HASHES[index], path)
    for wrong in ([*path, HASHES[0]], path[:-1] if path else [HASHES[0]]):
        with pytest.raises(tree.BadProof):
            tree.root_by_inclusion(index, size, HASHES[index], wrong)
    if path:
        spot = data.draw(st.integers(0, len(path) - 1))
        changed = [*path[:spot], path[spot][::-1], *path[spot + 1 :]]
        assert tree.root_by_inclusion(index, size, HASHES[index], changed) != root


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 3)])
def test_there_is_no_proof_outside_the_tree(index, size):
    with pytest.raises(tree.BadProof):
        tree.inclusion(nodes, index, size)
    with pytest.raises(tree.BadProof):
        tree.root_by_inclusion(index, size, HASHES[0], [])
