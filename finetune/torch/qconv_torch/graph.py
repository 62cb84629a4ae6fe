"""The operators of a traced network as qconv sees them, and which values carry levels: the rules of quant/analyze.go and site.go."""

import math
from dataclasses import dataclass, field

import torch

from .operator_table import describe
from .operators import Unsupported

MAX_ISLAND = 32  # how many elementwise operators become one function at most


@dataclass(eq=False)
class Op:
    """One operator. kind is the class that qconv gives it:

    input, linear (opens or extends an accumulator), scalar (a function of one value), pair (of two), view, move, pool, merge
    (moves levels into levels of its own), inner (part of a function that several operators spell out), final (normalizes scores at an output), same (changes nothing).
    """

    name: str
    kind: str
    inputs: list  # of Op
    emit: object = None  # writes the operator, see operators.py
    node: object = None  # of torch.fx
    mean: bool = False  # over positions, which needs finer levels
    layer: str = ""  # of a linear operator with weights: the module's name
    factors: tuple = ()  # of a sum: what each operand is multiplied by
    source: object = None  # of a function that several operators spell out: the value that it is a function of
    window: object = None  # of an average over as many everywhere: how many
    readers: list = field(default_factory=list)
    output: bool = False
    site: bool = False
    role: str = "hidden"


class Network:
    """All operators of a traced network, in order."""

    def __init__(self, traced, shapes=None):
        """shapes of values by name, where they are known: without them, operands of a sum are taken to have the same, and views others."""
        self.traced, self.shapes = traced, shapes
        self.ops, self.by_node, self.problems = [], {}, []
        modules = dict(traced.named_modules())
        for node in traced.graph.nodes:
            try:
                self._add(node, modules)
            except Unsupported as e:
                self.problems.append(f"{_where(node, modules)}: {e}")
                self.by_node[node] = Op(node.name, "refused", [])
        if self.problems:
            return
        for op in self.ops:
            if op.factors and shapes and len({tuple(shapes[i.name]) for i in op.inputs}) > 1:
                op.kind, op.factors = "pair", ()
            for source in op.inputs:
                if op not in source.readers:
                    source.readers.append(op)
        self._find_islands()
        self._find_outputs()
        self._find_sites()

    def _add(self, node, modules):
        if node.op == "output":
            self.outputs = [self.by_node[n] for n in _nodes(node.args)]
            for op in self.outputs:
                op.output = True
            return
        if node.op == "placeholder":
            op = Op(node.name, "input", [], node=node, site=True, role="input")
        else:
            op = describe(node, modules, self.by_node.__getitem__)
            if op is None:  # computes sizes, which are known when the network is exported
                return
            op = Op(node.name, node=node, **op)
            if op.kind == "same":
                self.by_node[node] = op.inputs[0]
                return
        self.by_node[node] = op
        self.ops.append(op)

    @property
    def inputs(self):
        return [op for op in self.ops if op.kind == "input"]

    @property
    def sites(self):
        return [op for op in self.ops if op.site]

    def _find_islands(self):
        """Elementwise operators between a value that several read and one that all of them have gone into are one function: x*sigmoid(x)."""
        order = {op: i for i, op in enumerate(self.ops)}
        for op in self.ops:
            if _reads(op) < 2 or op.output or op.kind == "inner":
                continue
            inside = self._island(op, order)
            for inner in inside[:-1]:
                inner.kind, inner.factors = "inner", ()
            if inside:
                inside[-1].kind, inside[-1].factors, inside[-1].source = "scalar", (), op

    def _island(self, start, order):
        known, unread, inside = {start}, {start: _reads(start)}, []
        while len(inside) < MAX_ISLAND:
            following = [r for x in unread for r in x.readers if r not in known]
            if not following:
                return []
            op = min(following, key=order.get)
            if not (op.kind in ("scalar", "pair") or op.factors) or not set(op.inputs) <= known:
                return []
            inside.append(op)
            for x in op.inputs:
                unread[x] -= 1
                if unread[x] == 0:
                    del unread[x]
            known.add(op)
            if not unread:
                return inside
            if op.output or not op.readers:
                return []
            unread[op] = _reads(op)
        return []

    def _find_outputs(self):
        self.problems += [f"{op.name}: an input that nothing reads; leave it out" for op in self.inputs if not op.readers and not op.output]
        self.to_output = {op.name for op in self.outputs}
        for op in reversed(self.ops):
            if op.kind == "view" and op.name in self.to_output and len(op.inputs[0].readers) == 1:
                self.to_output.add(op.inputs[0].name)
        for op in self.ops:
            if op.kind == "final" and (op.name not in self.to_output or any(r.kind != "view" for r in op.readers)):
                self.problems.append(f"{op.name}: qconv_torch has levels for a softmax at an output of the network only, got one inside; qconv finetune takes it")
            if op.kind == "scalar" and op.emit.constant and op.inputs[0].layer and _reads(op.inputs[0]) == 1:
                self.problems.append(f"{op.name}: arithmetic with a constant right behind a layer: make it part of the layer's weights and bias")

    def _find_sites(self):
        absorbed = {}
        for op in reversed(self.ops):
            absorbed[op.name] = self._absorbs(op, absorbed)
            if op.kind == "linear":
                op.site = not absorbed[op.name] and not (op.output and self._delivered(op))
            elif op.kind == "scalar":
                op.site = not absorbed[op.name]
            elif op.kind in ("pair", "merge"):
                op.site = True
        for op in self.ops:
            if op.site and op.kind != "input":
                op.role = "pooled" if op.mean else "output" if op.name in self.to_output else "hidden"

    def _absorbs(self, op, absorbed):
        """Whether a value never needs levels, because what reads it goes on in the same accumulator."""
        if op.output:
            return False
        if op.readers and self._delivered(op):
            return _accumulates(op)
        if _reads(op) > 1:
            return op.readers[0].kind == "inner" or op.readers[0].source is op
        if not op.readers:
            return False
        reader = op.readers[0]
        if reader.kind == "scalar":
            return True
        if reader.kind == "view":
            same = self._image(op)[0] == self._image(reader)[0]
            return self._open(op) and (reader.output and self._delivered(reader) or absorbed[reader.name] and same)
        if reader.kind == "linear":
            return self._open(op) and bool(reader.factors)
        return False

    def _image(self, op):
        """The channels, rows and columns that a value has in the program. Of unknown ones those behind a global pooling are known to stay."""
        if self.shapes is None:
            return (op.inputs[0] if op.kind == "view" and op.inputs[0].window == "all" else op).name, 0
        s = self.shapes[op.name][1:]
        if len(s) > 3:
            return s[0], math.prod(s[1:]), 1
        return [(1, 1, 1), (*s, 1, 1), (s[0], 1, s[-1]), (*s,)][len(s)]

    def _open(self, op):
        """A sum of linear maps with no function applied yet, or a view of one that nothing else reads and that is the same image."""
        while op.kind == "view":
            source = op.inputs[0]
            if source.output or len(source.readers) != 1 or self._image(source) != self._image(op):
                return False
            op = source
        return op.kind == "linear"

    def terms(self, op):
        """What meets in the accumulator that an operator ends: (operator, factor) of layers, averages, and values with levels."""
        found = []

        def visit(op, factor):
            while op.kind in ("view", "final") and not op.site:
                op = op.inputs[0]
            if op.kind == "linear" and op.factors:
                for source, f in zip(op.inputs, op.factors):
                    if source.kind in ("linear", "view") and not source.site and self._open(source):
                        visit(source, factor * f)
                    else:
                        found.append((source, factor * f))
            else:
                found.append((op, factor))

        visit(op, 1.0)
        return found

    def _delivered(self, op):
        for reader in op.readers:
            if reader.kind == "final":
                continue
            if reader.kind != "view" or len(op.readers) > 1 or reader.output or not reader.readers or not self._delivered(reader):
                return False
        return True


def _reads(op):
    return sum(r.inputs.count(op) for r in op.readers)


def _accumulates(op):
    while op.kind == "view" and not op.inputs[0].output and len(op.inputs[0].readers) == 1:
        op = op.inputs[0]
    return op.kind == "linear"


def leveled(op):
    """The site whose levels a value has: its own, or those of what it is moved or picked from."""
    while not op.site:
        op = op.inputs[0]
    return op


def accumulators(net):
    """Operators whose accumulators become levels, go through a function to levels, or are delivered."""
    for op in net.ops:
        if op.kind != "linear":
            continue
        if any(r.kind == "linear" and r.factors for r in op.readers) and not op.site:
            continue
        if not op.site and len(op.readers) == 1 and op.readers[0].kind == "view":
            after = op.readers[0]
            while after.kind == "view" and len(after.readers) == 1 and not after.output:
                after = after.readers[0]
            if after.kind == "linear" and after.factors:
                continue
        yield op


def result_levels(op):
    """The site that an accumulator is rounded to; None where it is delivered as it is."""
    while not op.site:
        if not op.readers:
            return None
        op = op.readers[0]
    return op


def _nodes(args):
    for a in args:
        if isinstance(a, torch.fx.Node):
            yield a
        elif isinstance(a, (tuple, list)):
            yield from _nodes(a)
        elif isinstance(a, dict):
            yield from _nodes(a.values())
        else:
            raise Unsupported(f"an output is {type(a).__name__}, want tensors")


def _where(node, modules):
    if node.op == "call_module":
        return f"{node.target} ({type(modules[node.target]).__name__})"
    target = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
    return f"{node.name} ({target})"
