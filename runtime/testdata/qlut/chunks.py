"""FORMAT.md, "Chunks" and "Limits": reads and validates a file."""

import math
from types import SimpleNamespace as Record

import numpy as np

from .fields import DIM, INT32, Fields, Invalid, chunks, need, within
from .weights import plain, single, tans

def parse(file):
    """Reads and validates a file."""
    version, found = chunks(file)
    p = Record(tensors=[], codebooks=[], steps=[], code=[], inputs=[], norms=[], labels=[], source="", producer="", tests=[], states=[], warmup=0, loops=[], work=0,
               weights_left=min(1 << 28, (1 << 20) + 256 * len(file)))
    entries = (1 << 16) + 8 * len(file)
    readers = dict(TNSR=tensors, BOOK=codebooks, STEP=steps, PORT=ports, INPS=further_inputs, STAT=stream, CODE=code, LOOP=loops, BIAS=biases, WGTS=weights,
                   shft=shifts, norm=normalizations, feat=features, labl=labels, prov=origin, test=selftests)
    for name, read in readers.items():
        if name not in found:
            need(name not in ("BIAS", "WGTS") or not linears(p), f"there is no chunk {name}")
            continue
        start, payload = found[name]
        fields = Fields(payload, entries)
        try:
            read(p, fields)
            need(fields.at == len(payload), f"{len(payload) - fields.at} bytes are left over")
        except Invalid as fault:
            raise Invalid(f"chunk {name} at byte {start + fields.at}: {fault}") from None
        entries = fields.entries
    needed = max([getattr(i, "since", 1) for i in p.code], default=1)
    need(version == needed, f"the version is {version}, want {needed}, the least that knows the operations")
    return p


def linears(p):
    return [i for i in p.code if i.op == "Linear"]


def elements(t):
    return math.prod(t.shape)


def tensors(p, f):
    for n in range(f.uvarint("number of tensors", 1, 65536)):
        what = f"tensor {n}: "
        t = Record(shape=[f.uvarint(what + "size", 1, DIM) for _ in range(3)], zero=0, mantissa=0, exponent=0)
        within(elements(t), 1, DIM, what + "number of elements")
        last = f.uint(1, what + "last level")
        t.levels = last + 1 if last else 0      # 0: accumulators
        if last:
            t.zero = f.uint(1, what + "zero level", 0, last)
        t.mantissa = f.uint(4, what + "mantissa")
        if t.mantissa:
            within(t.mantissa, 1 << 31, (1 << 32) - 1, what + "mantissa")
            t.exponent = f.varint(what + "exponent", -1200, 1200)
        p.tensors.append(t)
    within(sum(map(elements, p.tensors)), 1, 1 << 26, "number of elements of all tensors")


def codebooks(p, f):
    for n in range(f.uvarint("number of codebooks", hi=65536)):
        p.codebooks.append(f.ascending(f.uvarint("number of centres", 1, 65536), f"codebook {n}"))


def steps(p, f):
    for n in range(f.uvarint("number of step functions", hi=1 << 20)):
        breaks = f.ascending(f.uvarint("number of breaks", hi=65535), f"step function {n}")
        p.steps.append(Record(breaks=breaks, values=f.table(len(breaks) + 1, f"step function {n}", 255)))


def tensor(p, f, what, levels=True):
    t = f.uvarint(what, hi=len(p.tensors) - 1)
    need(p.tensors[t].levels or not levels, f"{what} is tensor {t}, which holds accumulators")
    return t


def input_port(p, f):
    i = Record(tensor=tensor(p, f, "input"), name="", shifts=[])
    need(i.tensor not in [other.tensor for other in p.inputs], f"tensor {i.tensor} is an input already")
    shape, levels = p.tensors[i.tensor].shape, p.tensors[i.tensor].levels
    flags = f.uint(1, "flags", hi=7)
    need(flags & 6 != 6, "flags 2 and 4 exclude one another")
    i.interleaved = bool(flags & 1)
    i.tables = [f.table(256, "input table", levels - 1) for _ in range(1 if flags & 2 else shape[0] if flags & 4 else 0)]
    p.inputs.append(i)
    return i


def ports(p, f):
    input_port(p, f)
    p.outputs = []
    for n in range(f.uvarint("number of outputs", 1, 256)):
        p.outputs.append(Record(tensor=tensor(p, f, f"output {n}", levels=False), name=f.string(f"name of output {n}")))
    within(sum(elements(p.tensors[o.tensor]) for o in p.outputs), 1, 1 << 26, "number of elements of all outputs")


def further_inputs(p, f):
    p.inputs[0].name = f.string("first name")
    for _ in range(f.uvarint("number of further inputs", hi=255)):
        i = input_port(p, f)
        i.name = f.string("name of an input")
        need(i.name not in [other.name for other in p.inputs[:-1]], f"two inputs have the name {i.name!r}")
    need(len(p.inputs) > 1 or not p.inputs[0].name, "the only input has a name")


def hands_over(p, a, b):
    ta, tb = p.tensors[a], p.tensors[b]
    need((ta.shape, ta.levels, ta.zero) == (tb.shape, tb.levels, tb.zero), f"tensors {a} and {b} differ in shape, levels or zero level")


def stream(p, f):
    p.warmup = f.uvarint("warm-up", hi=DIM)
    taken = {i.tensor for i in p.inputs}
    for n in range(f.uvarint("number of states", hi=65536)):
        s = Record(source=tensor(p, f, f"from of state {n}"), to=tensor(p, f, f"to of state {n}"))
        need(s.to not in taken, f"state {n} is to tensor {s.to}, which is an input or a state already")
        taken.add(s.to)
        t = p.tensors[s.to]
        if f.uint(1, "form of the initial levels", hi=1):
            s.initial = f.table(elements(t), "initial levels", t.levels - 1)
        else:
            s.initial = np.full(elements(t), f.uint(1, "initial level", hi=t.levels - 1), np.uint8)
        hands_over(p, s.source, s.to)
        p.states.append(s)
        p.work += elements(t)
    states = {s.to for s in p.states}
    need(not any(s.source in states for s in p.states), "a state is from what is the to of a state")


def code(p, f):
    readers = (linear, maxpool, mapping, map2, copy, argmax, matmul, product)
    written = {i.tensor for i in p.inputs} | {s.to for s in p.states}
    for n in range(f.uvarint("number of instructions", hi=65536)):
        read = readers[f.uint(1, f"operation of instruction {n}", 1, 8) - 1]
        out = tensor(p, f, "output", levels=read not in (linear, argmax, matmul))
        need(out not in written, f"instruction {n} writes tensor {out} again")
        i = read(p, f, p.tensors[out])
        for source in i.inputs:
            need(source in written, f"instruction {n} reads tensor {source} before it is written")
        i.out = out
        written.add(out)
        p.code.append(i)
        p.work += i.work
        within(p.work, 0, 1 << 36, "work of one inference")
    need(len(written) == len(p.tensors), "a tensor is left unwritten")
    free = {o.tensor for o in p.outputs} | {i.inputs[0] for i in p.code if i.op == "ArgMax"}
    for n, t in enumerate(p.tensors):
        need(t.levels or n in free, f"tensor {n} holds accumulators, is no output, and no ArgMax reads it")


def window(f, most=15):
    """A window; most is the largest value of its flags."""
    def size():
        return f.uvarint("size of a window", 1, DIM)

    def pad():
        return f.varint("pad of a window", -DIM, DIM)

    kernel = [size(), size()]
    flags = f.uint(1, "flags of a window", hi=most)
    w = Record(kernel=kernel, stride=[1, 1], dilation=[1, 1], pad=[0, 0], up=[1, 1])
    for flag, name, read in ((1, "stride", size), (2, "dilation", size), (4, "pad", pad), (8, "up", size)):
        if flags & flag:
            setattr(w, name, [read(), read()])
    return w


def check_window(w, out, in_):
    """The last row of the limits."""
    for axis in (0, 1):
        reach = (out.shape[1 + axis] - 1) * w.stride[axis] + (w.kernel[axis] - 1) * w.dilation[axis] + abs(w.pad[axis])
        within(reach, 0, (1 << 30) - 1, "reach of a window")
        within((in_.shape[1 + axis] - 1) * w.up[axis], 0, (1 << 30) - 1, "extent of the input of a window")


def uses(p, f, out):
    """Which step functions an instruction has."""
    form = f.uint(1, "form", hi=2)
    need((form == 0) == (out.levels == 0), "the output holds accumulators, or there are step functions, want one of them")
    last = len(p.steps) - 1
    used = [f.uvarint("step function", hi=last)] if form else []
    if form == 2:
        used = np.cumsum(used + list(f.list(out.shape[0] - 1, "step functions", -last, last)))
        within(int(used.min()), 0, last, "step function")
        within(int(used.max()), 0, last, "step function")
    for s in set(map(int, used)):
        within(int(p.steps[s].values.max()), 0, out.levels - 1, f"value of step function {s}")
    return list(map(int, used))


def linear(p, f, out):
    channels = out.shape[0]
    i = Record(op="Linear", steps=uses(p, f, out), terms=[], inputs=[], work=0)
    for _ in range(f.uvarint("number of terms", 1, 4096)):
        t = Record(input=tensor(p, f, "input"), codebook=f.uvarint("codebook", hi=len(p.codebooks) - 1),
                   groups=f.uvarint("groups", 1, DIM), window=window(f))
        in_ = p.tensors[t.input]
        need(channels % t.groups == 0 and in_.shape[0] % t.groups == 0,
             f"{t.groups} groups do not divide {in_.shape[0]} and {channels} channels")
        check_window(t.window, out, in_)
        t.count = channels * in_.shape[0] // t.groups * math.prod(t.window.kernel)
        within(t.count, 1, 1 << 28, "weights of a term")
        p.weights_left -= t.count
        need(p.weights_left >= 0, "more weights than a file of this size may hold")
        i.terms.append(t)
        i.inputs.append(t.input)
        i.work += t.count * out.shape[1] * out.shape[2]
    return i


def maxpool(p, f, out):
    source, w = tensor(p, f, "input"), window(f, 7)
    in_ = p.tensors[source]
    need(in_.shape[0] == out.shape[0], "the channels of a MaxPool differ")
    need(in_.levels <= out.levels, "the input of a MaxPool has more levels than its output")
    check_window(w, out, in_)
    for axis in (0, 1):
        at = np.arange(out.shape[1 + axis]) * w.stride[axis] - w.pad[axis]
        tap = np.maximum(0, -(at // w.dilation[axis]))      # the first that is not before the input
        inside = (tap < w.kernel[axis]) & (at + tap * w.dilation[axis] < in_.shape[1 + axis])
        need(inside.all(), "a window of a MaxPool lies outside its input")
    return Record(op="MaxPool", inputs=[source], window=w, work=elements(out) * math.prod(w.kernel))


def mapping(p, f, out):
    source = tensor(p, f, "input")
    in_ = p.tensors[source]
    need(in_.shape == out.shape, "the shapes of a Map differ")
    n = f.uvarint("number of tables", 1, DIM)
    need(n in (1, out.shape[0]), f"{n} tables for {out.shape[0]} channels")
    return Record(op="Map", inputs=[source], work=elements(out),
                  tables=[f.table(in_.levels, "table", out.levels - 1) for _ in range(n)])


def map2(p, f, out, table=lambda f, rows, columns, last: f.table(rows * columns, "table", last)):
    a, b = tensor(p, f, "input a"), tensor(p, f, "input b")
    ta, tb = p.tensors[a], p.tensors[b]
    need(ta.shape == out.shape, "the shapes of a Map2 differ")
    need(all(m in (1, n) for m, n in zip(tb.shape, ta.shape)), f"shape {tb.shape} does not spread over {ta.shape}")
    return Record(op="Map2", inputs=[a, b], work=elements(out), table=table(f, ta.levels, tb.levels, out.levels - 1))


def product(p, f, out):
    """A Map2 whose table is that of a product."""
    return Record(**vars(map2(p, f, out, product_table)), since=3)


def product_table(f, rows, columns, last):
    shift = f.uint(1, "shift", 0, 63)
    c, a, b, d = (f.uint(4, "low half") | f.uint(4, "high half") << 32 for _ in range(4))
    f.count(rows * columns)
    table = []
    for i in range(rows):
        for j in range(columns):
            v = (c + a * i + b * j + d * i * j) & (1 << 64) - 1
            table.append(min(max((v - (v >> 63 << 64)) >> shift, 0), last))
    n = f.uvarint("number of other entries", hi=255)
    if n:
        positions = f.ascending(n, "positions")
        within(int(positions[0]), 0, len(table) - 1, "the first position")
        within(int(positions[-1]), 0, len(table) - 1, "the last position")
        for at, v in zip(positions, f.table(n, "values", last)):
            table[at] = int(v)
    return np.array(table, np.uint8)


def copy(p, f, out):
    i = Record(op="Copy", inputs=[], fill=f.uint(1, "fill", 0, out.levels - 1), pieces=[], work=elements(out))
    room = elements(out)
    for n in range(f.uvarint("number of pieces", hi=65536)):
        q = Record(input=tensor(p, f, "input"), to=f.uvarint("output start"), start=f.uvarint("input start"))
        dims = [(f.uvarint("size", 1, DIM), f.varint("output stride", -DIM, DIM), f.varint("input stride", -DIM, DIM))
                for _ in range(f.uint(1, "dimensions", hi=6))]
        q.size, q.to_strides, q.strides = ([d[k] for d in dims] for k in range(3))
        q.to_step, q.step = 0, 0        # see LOOP
        in_ = p.tensors[q.input]
        need(in_.levels <= out.levels, f"the input of piece {n} has more levels than the output")
        room -= math.prod(q.size)
        need(room >= 0, "the pieces write more elements than the output has")
        check_piece(p, out, q, q.size, q.to_strides, q.strides, apart=True)
        i.pieces.append(q)
        i.inputs.append(q.input)
        i.work += math.prod(q.size)
    return i


def argmax(p, f, out):
    source = tensor(p, f, "input", levels=False)
    i = Record(op="ArgMax", since=2, inputs=[source], length=f.uvarint("length", 1, DIM), inner=f.uvarint("inner", 1, DIM))
    flags = f.uint(1, "flags of an ArgMax", hi=3)
    i.last, i.least = bool(flags & 1), bool(flags & 2)
    i.work = elements(p.tensors[source])
    need(out.levels == 0, "the output of an ArgMax holds levels")
    need(i.work % (i.length * i.inner) == 0, f"{i.length} * {i.inner} does not divide the elements of the input of an ArgMax")
    need(elements(out) * i.length == i.work, "the output of an ArgMax has not one element for each line")
    return i


def matmul(p, f, out):
    i = Record(op="MatMul", since=3, steps=uses(p, f, out), inputs=[tensor(p, f, "input a"), tensor(p, f, "input b")])
    a, b = (p.tensors[n] for n in i.inputs)
    need(b.shape == [a.shape[0], a.shape[2], b.shape[2]], f"a MatMul of shapes {a.shape} and {b.shape}")
    need(out.shape == a.shape[:2] + b.shape[2:], f"a MatMul of shapes {a.shape} and {b.shape} to {out.shape}")
    ends = [u * v for u in (-a.zero, a.levels - 1 - a.zero) for v in (-b.zero, b.levels - 1 - b.zero)]
    within(a.shape[2] * min(ends), *INT32, "least accumulator of a MatMul")
    within(a.shape[2] * max(ends), *INT32, "largest accumulator of a MatMul")
    i.work = elements(out) * a.shape[2]
    return i


def loops(p, f):
    writers, readers = {i.out: n for n, i in enumerate(p.code)}, {}
    for n, i in enumerate(p.code):
        for source in i.inputs:
            readers.setdefault(source, n)       # the first
    end = 0
    for n in range(f.uvarint("number of loops", hi=65536)):
        l = Record(first=end + f.uvarint("gap", hi=len(p.code)))
        end = l.end = l.first + f.uvarint("length", 1, len(p.code) - l.first)
        l.count = f.uvarint("iterations", 1, DIM)
        l.carries = [(tensor(p, f, "from"), tensor(p, f, "to")) for _ in range(f.uvarint("number of carries", hi=65536))]
        body = range(l.first, l.end)
        stepping = set()
        for i in (i for i in p.code[l.first:l.end] if i.op == "Copy"):
            read_steps(p, f, i, l.count)
            if any(q.to_step for q in i.pieces):
                stepping.add(i.out)
                need(readers.get(i.out, l.end) >= l.end, f"loop {n} reads what its iterations write together")
        for a, b in l.carries:
            need(writers.get(a, -1) in body and a not in stepping, f"no instruction of loop {n} writes tensor {a} in each iteration")
            need(writers.get(b, -1) < l.first, f"tensor {b} is not written before loop {n}")
            hands_over(p, a, b)
        need(len({b for _, b in l.carries}) == len(l.carries), f"two carries of loop {n} are to the same tensor")
        once = sum(p.code[k].work for k in body)
        each = once + sum(elements(p.tensors[b]) for _, b in l.carries) + 256 * (len(body) + len(l.carries))
        each += 256 * sum(len(i.terms) for i in p.code[l.first:l.end] if i.op == "Linear")
        p.work += each * l.count - once
        within(p.work, 0, 1 << 36, "work of one inference")
        p.loops.append(l)


def read_steps(p, f, i, count):
    """The steps of the pieces of a Copy."""
    out = [int(s) for s in f.list(len(i.pieces), "output steps", -DIM, DIM)]
    into = [int(s) for s in f.list(len(i.pieces), "input steps", -DIM, DIM)]
    for q, q.to_step, q.step in zip(i.pieces, out, into):
        check_piece(p, p.tensors[i.out], q, q.size + [count], q.to_strides + [q.to_step], q.strides + [q.step], apart=q.to_step != 0)
        if q.to_step:
            need(len(i.pieces) == 1, "a Copy with an output step has other pieces")
            need(math.prod(q.size) * count == elements(p.tensors[i.out]), "not every element of an output with a step is written once")


def check_piece(p, out, q, size, to_strides, strides, apart):
    """That a piece stays inside its tensors and, if apart, writes no element twice."""
    for start, steps, t in ((q.to, to_strides, out), (q.start, strides, p.tensors[q.input])):
        ends = [(m - 1) * s for m, s in zip(size, steps)]
        within(start + sum(e for e in ends if e < 0), 0, elements(t) - 1, "least position of a piece")
        within(start + sum(e for e in ends if e > 0), 0, elements(t) - 1, "largest position of a piece")
    reach = 0
    for stride, m in sorted((abs(s), m) for m, s in zip(size, to_strides) if m > 1):
        need(stride > reach or not apart, "a piece may write an element twice")
        reach += (m - 1) * stride


def biases(p, f):
    for i in linears(p):
        i.bias = f.list(p.tensors[i.out].shape[0], "biases")


def weights(p, f):
    for i in linears(p):
        lo, hi = i.bias.copy(), i.bias.copy()
        for t in i.terms:
            coding = f.uint(1, "coding", hi=2)
            data = f.bytes(f.uvarint("length of weights"))
            centres = p.codebooks[t.codebook]
            t.weights = (single, plain, tans)[coding](data, t.count, len(centres))
            # Accumulators fit: what is added to lo and subtracted from hi has one sign, so it may be cut off far out.
            in_ = p.tensors[t.input]
            below, above = -in_.zero, in_.levels - 1 - in_.zero
            c = centres[t.weights].reshape(len(i.bias), -1)
            positive = np.minimum(np.where(c > 0, c, 0).sum(1), 1 << 40)
            negative = np.maximum(np.where(c < 0, c, 0).sum(1), -1 << 40)
            lo += positive * below + negative * above
            hi += positive * above + negative * below
        within(int(lo.min()), *INT32, "least accumulator")
        within(int(hi.max()), *INT32, "largest accumulator")


def shifts(p, f):
    for i in p.inputs:
        i.shifts = f.list(p.tensors[i.tensor].shape[0], "shifts of an input", -64, 64)


def normalizations(p, f):
    last = -1
    for n in range(f.uvarint("number of normalizations", hi=256)):
        what = f"normalization {n}: "
        last = f.uvarint(what + "output", last + 1, len(p.outputs) - 1)
        i = Record(output=last, log=bool(f.uint(1, what + "function", hi=1)))
        i.shape = [f.uvarint(what + "size", 0 if d == 0 else 1, DIM) for d in range(f.uvarint(what + "dimensions", hi=16))]
        i.length, i.inner = f.uvarint(what + "length", 1, DIM), f.uvarint(what + "inner", 1, DIM)
        size = elements(p.tensors[p.outputs[last].tensor])
        need(math.prod(max(d, 1) for d in i.shape) == size, what + "its shape is not that of the output")
        need(size % (i.length * i.inner) == 0, what + "its lines do not divide the output")
        p.norms.append(i)


def features(p, f):
    p.features = f.string("description of features")


def labels(p, f):
    p.labels = [f.string("label") for _ in range(f.uvarint("number of labels", hi=65536))]


def origin(p, f):
    p.source = f.bytes(32).hex()
    p.producer = f.string("producer")


def selftests(p, f):
    for _ in range(f.uvarint("number of self-tests", hi=1024)):
        t = Record(seed=f.uint(4, "seed"), results=[])
        for o in p.outputs:
            out = p.tensors[o.tensor]
            limits = (0, out.levels - 1) if out.levels else INT32
            t.results.append(f.list(elements(out), "results", *limits))
        p.tests.append(t)
