"""FORMAT.md, "Coding of weights"."""

import numpy as np

from .fields import Bits, need, unpack, within

def single(data, count, size):
    within(len(data), 1, 2, "number of bytes of a single index")
    index = within(int.from_bytes(data, "little"), 0, size - 1, "index")
    need((index > 255) == (len(data) == 2), "a single index has more bytes than it needs")
    return np.full(count, index, np.uint16)


def plain(data, count, size):
    width = (size - 1).bit_length()
    want = (count * width + 7) // 8
    within(len(data), want, want, "number of bytes of plain indices")
    indices = unpack(data, count, width)
    within(int(indices.max()), 0, size - 1, "index")
    return indices.astype(np.uint16)


def tans(data, count, size):
    bits = Bits(data)
    L = within(bits.get(4), 5, 14, "L")
    within(1 << L, 0, max(64, count), "number of states")
    F = frequencies(bits, L, size)
    states = 1 << L
    index, at = [0] * states, 0
    for s, times in enumerate(F):
        for _ in range(times):
            index[at] = s
            at = (at + (states >> 1) + (states >> 3) + 3) % states
    width, base, following = [], [], list(F)
    for s in index:
        n = following[s]
        following[s] += 1
        width.append(L + 1 - n.bit_length())
        base.append((n << width[-1]) - states)
    out = np.empty(count, np.uint16)
    x = bits.get(L)
    for k in range(count):
        out[k] = index[x]
        x = base[x] + bits.get(width[x])
    need(x == 0, "the last state is not 0")
    bits.end()
    return out


def frequencies(bits, L, size):
    def golomb(k):
        low = k
        while bits.get(1) == 0:
            low += 1
            need(low <= 24, "a frequency is too large")
        return bits.get(low) + (1 << low) - (1 << k)

    left, s, mean, dev, F = 1 << L, 0, 0, 1 << L - 2, [0] * size
    while left > 0:
        p = mean + 1 >> 1
        v = golomb(0 if dev < 16 else dev.bit_length() - 4)
        f = p - (v + 1 >> 1) if v & 1 else p + (v >> 1)
        need(s < size and 0 <= f <= left, "wrong frequencies")
        mean += f - p
        dev += v - (dev + 2 >> 2)
        left -= f
        F[s] = f
        s += 1
        if f == 0:
            s += golomb(0)
            need(s <= size, "more frequencies than indices")
    return F
