"""Merkle trees as RFC 9162 tells of them, slow and plain, for comparison with ours."""

import hashlib


def plain_root(leaves):
    """2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = _split(len(leaves))
    return _node(plain_root(leaves[:k]), plain_root(leaves[k:]))


def plain_path(m, leaves):
    """2.1.3.1, word for word: the neighbours of leaf ``m`` on its way to the root."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if m < k:
        return [*plain_path(m, leaves[:k]), plain_root(leaves[k:])]
    return [*plain_path(m - k, leaves[k:]), plain_root(leaves[:k])]


def root_by(leaf, path):
    """The root to which ``path``, as a closed Tree gives it, leads from ``leaf``."""
    for side, neighbour in path:
        other = bytes.fromhex(neighbour)
        leaf = _node(other, leaf) if side == "left" else _node(leaf, other)
    return leaf


def _split(n):
    """The largest power of two smaller than ``n``."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def _node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()
