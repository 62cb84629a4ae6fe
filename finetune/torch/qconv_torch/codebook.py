"""Codebooks: few integer centres in a unit of their own, as quant/codebook.go finds them."""

import math

import numpy as np

KINDS = ("free", "integer")
METHODS = ("kmeans", "laplacian")
ZERO_FREE = 64  # from so many centres on, one of them at zero costs no accuracy
MAX_SAMPLE = 1 << 20  # how many weights a fit looks at; of more, every n-th is taken


def integers_around(k):
    """The k integers around zero, or, where zero would take too much of so few, odd ones."""
    if k in (2, 4):
        return np.array([2 * i - (k - 1) for i in range(k)], dtype=np.int64)
    return np.arange(k, dtype=np.int64) - k // 2


def centre_bits(weights, scope):
    """The width of the signed integers that free centres become."""
    bits = 8 if weights <= 256 else min((weights - 1).bit_length() + 1, 16)
    return min(max(12, bits + 2), 16) if scope == "global" else bits


def nearest(values, w):
    """Positions of the ascending values nearest to w, the upper one of two equally near."""
    return np.searchsorted((values[1:] + values[:-1]) / 2, w, side="right")


def fit(weights, k, kind="free", method="kmeans", scope="layer", warm=None, iterations=300):
    """Finds at most k ascending integers and their unit for weights, a flat array of finite numbers.

    warm are real centres of an earlier fit to start from; iterations then bounds how far they move.
    """
    w = np.sort(_sample(weights))
    if kind == "integer":
        ints = integers_around(k)
        if warm is not None:
            unit = (warm[-1] - warm[0]) / (ints[-1] - ints[0])
            return ints, _refit_unit(w, ints, unit, iterations)
        return ints, _integer_unit(w, ints)
    if method == "laplacian":
        centres = _laplacian(w, k)
    else:
        centres = _kmeans(w, k, warm, iterations)
    if k >= ZERO_FREE:
        centres = _with_zero(centres, k)
    return snap(centres, centre_bits(k, scope))


def snap(centres, bits):
    """Rounds centres to signed integers of that width in a unit of their own; those that fall together are merged."""
    largest = np.abs(centres).max()
    if largest == 0:
        return np.zeros(1, dtype=np.int64), 1.0
    unit = float(largest) / ((1 << (bits - 1)) - 1)
    scaled = centres / unit
    return np.unique(np.copysign(np.floor(np.abs(scaled) + 0.5), scaled).astype(np.int64)), unit


def _sample(weights):
    stride = max((len(weights) + MAX_SAMPLE - 1) // MAX_SAMPLE, 1)
    return np.asarray(weights[::stride], dtype=np.float64)


def _squared_error(w, values):
    d = w - values[nearest(values, w)]
    return float(d @ d)


def _integer_unit(w, ints):
    largest = max(abs(w[0]), abs(w[-1]))
    if largest == 0:
        return 1.0
    most = largest / max(float(ints[-1]), 0.5)
    return most * _minimize(0.05, 1, lambda f: _squared_error(w, ints * (f * most)))


def _refit_unit(w, ints, unit, iterations):
    for _ in range(max(iterations, 1)):
        c = ints[nearest(ints * unit, w)]
        products = float(w @ c)
        if not products > 0:
            return unit
        unit = products / float(c @ c)
    return unit


def _kmeans(w, k, warm, iterations):
    """Lloyd's algorithm in one dimension; a centre without weights stays where it is."""
    if warm is not None:
        centres = np.array(warm, dtype=np.float64)
    else:
        distinct = np.unique(w)
        if len(distinct) <= k:
            return distinct
        centres = _companded(w, k)
    sums = np.concatenate([[0.0], np.cumsum(w)])
    for _ in range(iterations):
        ends = np.searchsorted(w, (centres[1:] + centres[:-1]) / 2)
        ends = np.concatenate([[0], ends, [len(w)]])
        count = np.diff(ends)
        means = np.where(count > 0, np.diff(sums[ends]) / np.maximum(count, 1), centres)
        if np.array_equal(means, centres):
            break
        centres = means
    return np.unique(centres)


def _companded(w, k):
    """Centres at the quantiles of density^(1/3), the asymptotically optimal placement."""
    bins = min(max(4 * k, 256), 1 << 16)
    mass, edges = np.histogram(w, bins=bins)
    total = np.concatenate([[0.0], np.cumsum(np.cbrt(mass.astype(np.float64)))])
    return np.interp((np.arange(k) + 0.5) / k * total[-1], total, edges)


def _laplacian(w, k):
    """The closed form of quant/laplacian.go: mean +- b*L_i, b fitted to the weights."""
    distinct = np.unique(w)
    if len(distinct) <= k:
        return distinct
    half, i = k // 2, np.arange(1, k // 2 + 1, dtype=np.float64)
    if k % 2:
        offsets = -2 * np.log(1 - i / (half + 1))
    else:
        offsets = math.log((half + 1) / half) - 2 * np.log(1 - (i - 1) / half)
    shape = np.concatenate([-offsets[::-1], [0.0] if k % 2 else [], offsets])
    mean = w.mean()
    scale = np.abs(w - mean).mean()
    return mean + shape * scale * _minimize(0.3, 1.5, lambda f: _squared_error(w, mean + shape * (f * scale)))


def _with_zero(centres, k):
    if 0 in centres:
        return centres
    if len(centres) < k:
        return np.sort(np.append(centres, 0.0))
    centres = centres.copy()
    centres[nearest(centres, 0.0)] = 0
    return centres


def _minimize(lo, hi, f):
    """A minimum of f on [lo, hi] by golden section."""
    ratio = (math.sqrt(5) - 1) / 2
    a, b = hi - ratio * (hi - lo), lo + ratio * (hi - lo)
    fa, fb = f(a), f(b)
    for _ in range(30):
        if fa < fb:
            hi, b, fb = b, a, fa
            a = hi - ratio * (hi - lo)
            fa = f(a)
        else:
            lo, a, fa = a, b, fb
            b = lo + ratio * (hi - lo)
            fb = f(b)
    return (lo + hi) / 2
