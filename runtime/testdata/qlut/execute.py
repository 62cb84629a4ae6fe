"""FORMAT.md, "Meaning of the instructions" and "Self-test input"."""

import math

import numpy as np

from .chunks import elements
from .fields import within

BLOCK = 1 << 22     # elements of what is gathered at a time


def taps(w, axis, outputs, size):
    """[tap][output]: the position of the input that a tap meets along an axis, or size if it meets none."""
    at = np.asarray(outputs) * w.stride[axis] - w.pad[axis] + np.arange(w.kernel[axis])[:, None] * w.dilation[axis]
    v = at // w.up[axis]
    return np.where((at % w.up[axis] == 0) & (v >= 0) & (v < size), v, size)


def run_linear(p, i, values):
    channels, rows, columns = p.tensors[i.out].shape
    acc = np.repeat(i.bias, rows * columns).reshape(channels, rows, columns)
    for t in i.terms:
        in_, w = p.tensors[t.input], t.window
        n, height, width = in_.shape
        x = values[t.input].astype(np.int64) - in_.zero
        x = np.pad(x, ((0, 0), (0, 1), (0, 1)))         # a row and a column of 0 for taps outside
        x = x.reshape(t.groups, n // t.groups, height + 1, width + 1)
        c = p.codebooks[t.codebook][t.weights].reshape(t.groups, channels // t.groups, -1)
        across = taps(w, 1, range(columns), width)
        block = max(1, BLOCK // (n * math.prod(w.kernel) * columns))
        for y in range(0, rows, block):
            down = taps(w, 0, range(y, min(y + block, rows)), height)
            met = x[:, :, down[:, None, :, None], across[None, :, None, :]]     # [group][channel][ky][kx][y][x]
            met = met.reshape(t.groups, c.shape[2], -1)
            acc[:, y:y + block] += (c @ met).reshape(channels, -1, columns)
    return requantized(p, i, acc)


def requantized(p, i, acc):
    if not i.steps:
        return acc.astype(np.int32)
    out = np.empty(acc.shape, np.uint8)
    for channel in range(len(acc)):
        step = p.steps[i.steps[channel if len(i.steps) > 1 else 0]]
        out[channel] = step.values[np.searchsorted(step.breaks, acc[channel], "right")]
    return out


def run_maxpool(p, i, values):
    x = values[i.inputs[0]].astype(np.int16)
    for axis in (0, 1):     # the largest of a window is the largest of the largest of its rows
        met = taps(i.window, axis, range(p.tensors[i.out].shape[1 + axis]), x.shape[1 + axis])
        outside = np.full_like(x.take([0], 1 + axis), -1)
        x = np.concatenate((x, outside), 1 + axis).take(met, 1 + axis).max(1 + axis)
    return x.astype(np.uint8)


def run_map(p, i, values):
    x = values[i.inputs[0]]
    if len(i.tables) == 1:
        return i.tables[0][x]
    return np.stack([table[channel] for table, channel in zip(i.tables, x)])


def run_map2(p, i, values):
    a, b = (values[n].astype(np.int64) for n in i.inputs)
    return i.table[a * p.tensors[i.inputs[1]].levels + b]


def positions(start, size, strides):
    at = np.array([start])
    for n, stride in zip(size, strides):
        at = (at[:, None] + np.arange(n) * stride).ravel()
    return at


def run_copy(p, i, values):
    """In iteration values["t"] of a loop; what all iterations write together is kept from the first on."""
    t = values["t"]
    if t > 0 and any(q.to_step for q in i.pieces):
        out = values[i.out].ravel()
    else:
        out = np.full(elements(p.tensors[i.out]), i.fill, np.uint8)
    for q in i.pieces:
        to, start = q.to + t * q.to_step, q.start + t * q.step
        out[positions(to, q.size, q.to_strides)] = values[q.input].ravel()[positions(start, q.size, q.strides)]
    return out.reshape(p.tensors[i.out].shape)


def run_argmax(p, i, values):
    x = values[i.inputs[0]].astype(np.int64).reshape(-1, i.length, i.inner)
    x = -x if i.least else x
    at = i.length - 1 - x[:, ::-1].argmax(1) if i.last else x.argmax(1)     # numpy takes the first of equals
    return at.astype(np.int32).reshape(p.tensors[i.out].shape)


def run_matmul(p, i, values):
    a, b = (values[n].astype(np.int64) - p.tensors[n].zero for n in i.inputs)
    return requantized(p, i, a @ b)


RUN = dict(Linear=run_linear, MaxPool=run_maxpool, Map=run_map, Map2=run_map2, Copy=run_copy, ArgMax=run_argmax, MatMul=run_matmul)


def initial(p):
    """What the states hold at the first step."""
    return [s.initial.reshape(p.tensors[s.to].shape) for s in p.states]


def run(p, indices, states):
    """The elements of every output, for level indices in the shapes of the inputs, and the states of the next step."""
    values = {i.tensor: x for i, x in zip(p.inputs, indices)}
    values.update({s.to: x for s, x in zip(p.states, states)})

    def execute(code, t):
        values["t"] = t
        for i in code:
            values[i.out] = RUN[i.op](p, i, values)

    at = 0
    for l in p.loops:
        execute(p.code[at:l.first], 0)
        at = l.end
        for t in range(l.count):
            execute(p.code[l.first:l.end], t)
            values.update({to: values[source] for source, to in l.carries})
    execute(p.code[at:], 0)
    return [values[o.tensor].ravel() for o in p.outputs], [values[s.source] for s in p.states]


def indices_of(p, sample):
    """The level indices of a sample, one input after the other: see PORT."""
    ends = np.cumsum([elements(p.tensors[i.tensor]) for i in p.inputs])
    return [entering(p, i, part) for i, part in zip(p.inputs, np.split(sample, ends[:-1]))]


def entering(p, i, sample):
    """The level indices of the part of a sample, bytes or real values, that enters through input i."""
    t = p.tensors[i.tensor]
    channels, rows, columns = t.shape
    if sample.dtype == np.float32:
        return levels_of(t, sample.reshape(t.shape), i.shifts or [0] * channels)
    if i.interleaved:
        x = sample.reshape(rows, columns, channels).transpose(2, 0, 1)
    else:
        x = sample.reshape(channels, rows, columns)
    if i.tables:
        return np.stack([i.tables[c if len(i.tables) > 1 else 0][x[c]] for c in range(channels)])
    within(int(x.max()), 0, t.levels - 1, "byte of a sample")
    return x


def levels_of(t, x, shifts):
    """The level indices of real values: see shft."""
    scale = t.mantissa * 2.0 ** t.exponent
    step = scale * np.exp2(np.array(shifts, np.float64)).reshape(-1, 1, 1)
    return np.clip(np.floor(x / step + t.zero + 0.5), 0, t.levels - 1).astype(np.int64)


# Self-test input

def selftest_inputs(p, seed):
    """The indices of the inputs and those of the states."""
    x = seed ^ 0x9E3779B9 or 1
    inputs = []
    for t in (p.tensors[n] for n in [i.tensor for i in p.inputs] + [s.to for s in p.states]):
        mask = (1 << (t.levels - 1).bit_length()) - 1
        out = []
        for _ in range(elements(t)):
            x ^= x << 13 & 0xFFFFFFFF
            x ^= x >> 17
            x ^= x << 5 & 0xFFFFFFFF
            i = x >> 24 & mask
            out.append(i - t.levels if i >= t.levels else i)
        inputs.append(np.array(out, np.uint8).reshape(t.shape))
    return inputs[:len(p.inputs)], inputs[len(p.inputs):]


def selftest(p):
    """What fails, or None."""
    for n, t in enumerate(p.tests):
        for o, got, want in zip(p.outputs, run(p, *selftest_inputs(p, t.seed))[0], t.results):
            wrong = np.flatnonzero(got != want)
            if len(wrong):
                k = wrong[0]
                return f"self-test {n}: element {k} of output {o.name!r} is {got[k]}, want {want[k]}"
    return None
