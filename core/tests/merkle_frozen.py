"""Makes the frozen values of merkle_state.rs and merkle_log.rs: the trees and the proof written again from their descriptions.

    python3 core/tests/merkle_frozen.py
"""
from hashlib import sha3_256


def H(domain, *parts):
    return sha3_256(bytes([domain]) + b"".join(parts)).digest()


EMPTY = H(0x12)


def key(i):
    return H(0x14, b"key %d" % i)


def value(text):
    return H(0x13, text)


def split(items, depth, of):
    bit = lambda item: of(item)[depth // 8] >> (7 - depth % 8) & 1
    return [i for i in items if not bit(i)], [i for i in items if bit(i)]


def node(leaves, depth):
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return H(0x10, *leaves[0])
    left, right = split(leaves, depth, lambda leaf: leaf[0])
    return H(0x11, node(left, depth + 1), node(right, depth + 1))


def prove(leaves, keys, depth, kind_wanted):
    if not leaves:
        return b"\0"
    if not keys and not kind_wanted:
        return b"\3" + node(leaves, depth)
    if len(leaves) == 1:
        return b"\1" + leaves[0][0] + leaves[0][1]
    left, right = split(leaves, depth, lambda leaf: leaf[0])
    if not keys:
        return b"\4" + node(left, depth + 1) + node(right, depth + 1)
    left_keys, right_keys = split(keys, depth, lambda k: k)
    could_vanish = lambda part: bool(part) and all(leaf[0] in keys for leaf in part)
    return (
        b"\2"
        + prove(left, left_keys, depth + 1, could_vanish(right))
        + prove(right, right_keys, depth + 1, could_vanish(left))
    )


def mth(entries):
    if not entries:
        return H(0x02)
    if len(entries) == 1:
        return H(0x00, entries[0])
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return H(0x01, mth(entries[:k]), mth(entries[k:]))


state = {key(i): value(b"value %d" % i) for i in range(40)}
print("state before", node(sorted(state.items()), 0).hex())
proof = prove(sorted(state.items()), sorted(key(i) for i in (1, 5, 39, 40, 41)), 0, False)
print("proof", len(proof), sha3_256(proof).hexdigest())
del state[key(5)]
state[key(39)] = state[key(41)] = value(b"new")
print("state after", node(sorted(state.items()), 0).hex())
for n in (0, 1, 2, 3, 7, 100):
    print("log", n, mth([b"entry %d" % i for i in range(n)]).hex())
