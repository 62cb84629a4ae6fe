#!/usr/bin/env python3
"""Makes of a layer's models what ONNX Runtime runs of it within a network.

    bare.py lead FLOAT.onnx OUT.onnx    the layer with a convolution before every input of more than 4 channels;
                                        prints how often the layer should stand in what strip makes
    bare.py strip COPIES OPTIMIZED.onnx OUT.onnx [OPTIMIZED.onnx OUT.onnx]
                                        what ONNX Runtime has optimized that to, without the convolutions

ONNX Runtime keeps activations in blocks of channels (floating point) or with channels last (integers). A model of one layer begins
and ends by converting to and from that order, which takes longer than many a layer, and pools and sums only run in it where
a convolution comes before. strip cuts the convolutions and the conversions at both ends off. The layer stands there
several times, all on the same inputs, so that a call takes much longer than one that does nothing.
"""
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper

from int8 import attribute

CONVERSIONS = {"ReorderInput", "ReorderOutput", "Transpose"}
CONVOLUTIONS = {"Conv", "QLinearConv"}


def shape_of(value):
    return [d.dim_value for d in value.type.tensor_type.shape.dim]


def led(shape):
    """Tells whether a convolution goes before an input; pictures enter networks as they are."""
    return len(shape) == 4 and shape[1] > 4


def lead(path, out):
    model = onnx.load(path)
    graph, random = model.graph, np.random.default_rng(1)
    for value in graph.input:
        channels = shape_of(value)[1]
        if not led(shape_of(value)):
            continue
        name = value.name + ".led"
        for n in graph.node:
            n.input[:] = [name if i == value.name else i for i in n.input]
        weights = random.normal(0, (2 / channels) ** 0.5, (channels, channels, 1, 1)).astype(np.float32)
        graph.initializer.append(numpy_helper.from_array(weights, name + ".weights"))
        graph.node.insert(0, helper.make_node("Relu", [name + ".sums"], [name]))
        graph.node.insert(0, helper.make_node("Conv", [value.name, name + ".weights"], [name + ".sums"], kernel_shape=[1, 1]))
    onnx.checker.check_model(model)
    onnx.save(model, out)
    print(copies(path))


def copies(path):
    """Estimates the work of a layer: weights at every position, and what every element costs besides."""
    graph = onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    shapes = {v.name: shape_of(v) for v in [*graph.input, *graph.value_info, *graph.output]}
    weights = {t.name: int(np.prod(t.dims)) for t in graph.initializer}
    work = 0
    for n in graph.node:
        out = shapes[n.output[0]]
        work += 10 * int(np.prod(out)) + sum(weights.get(name, 0) for name in n.input) * int(np.prod(out[2:]))
    return max(1, min(20, 4_000_000 // work))


class Strip:
    """Reduces an optimized graph to its layer."""

    def __init__(self, path):
        self.path, self.model = path, onnx.load(path)
        self.nodes = list(self.model.graph.node)
        self.constants = {t.name: t for t in self.model.graph.initializer}

    def reader(self, source, operators):
        """Returns what alone reads a value, if it is one of the operators."""
        readers = [n for n in self.nodes if source in n.input]
        return readers[0] if len(readers) == 1 and readers[0].op_type in operators else None

    def enter(self, value):
        """Cuts off what an input goes through before the layer, and returns what the layer reads instead."""
        source, shape, kind = value.name, shape_of(value), value.type.tensor_type.elem_type
        last = False  # the channels
        if led(shape):
            while (node := self.reader(source, CONVERSIONS | CONVOLUTIONS)) is not None:
                self.nodes.remove(node)
                source = node.output[0]
                if node.op_type in CONVOLUTIONS:
                    break
            else:
                sys.exit(f"bare.py: {self.path}: no convolution behind {value.name}")
            last = bool(attribute(node, "channels_last", 0))
            blocks = node.domain == "com.microsoft.nchwc"
            while (follower := self.reader(source, CONVERSIONS)) is not None:
                blocks = blocks and follower.op_type != "ReorderOutput"
                last ^= follower.op_type == "Transpose"
                self.nodes.remove(follower)
                source = follower.output[0]
            if blocks:  # the last one may be filled up
                shape[1] = self.constants[node.input[1]].dims[0]
        else:
            while len(shape) == 4 and (node := self.reader(source, {"Transpose"})) is not None:
                last = not last
                self.nodes.remove(node)
                source = node.output[0]
        if last:
            shape = [shape[0], *shape[2:], shape[1]]
        return helper.make_tensor_value_info(source, kind, shape)

    def leave(self, value):
        """Cuts off the conversions before an output, and returns what the layer writes."""
        target = value.name
        while len(self.nodes) > 1:
            node = next(n for n in self.nodes if target in n.output)
            if node.op_type not in CONVERSIONS:
                break
            self.nodes.remove(node)
            target = node.input[0]
        return helper.make_tensor_value_info(target, value.type.tensor_type.elem_type, None)

    def save(self, out, times):
        graph = self.model.graph
        inputs, outputs = [self.enter(v) for v in graph.input], [self.leave(v) for v in graph.output]
        shared = {v.name for v in inputs} | set(self.constants) | {""}
        nodes = []
        for i in range(times):
            for k, n in enumerate(self.nodes):
                copy = onnx.NodeProto()
                copy.CopyFrom(n)
                copy.name = f"{k}.{i}"
                if i > 0:
                    copy.input[:] = [name if name in shared else f"{name}.{i}" for name in n.input]
                    copy.output[:] = [name and f"{name}.{i}" for name in n.output]
                nodes.append(copy)
        used = {name for n in nodes for name in n.input}
        for field in (graph.node, graph.input, graph.output, graph.value_info, graph.initializer):
            del field[:]
        graph.node.extend(nodes)
        graph.input.extend(inputs)
        graph.output.extend(outputs)
        graph.initializer.extend(t for name, t in self.constants.items() if name in used)
        onnx.save(self.model, out)


def main():
    command, args = sys.argv[1:2], sys.argv[2:]
    if command == ["lead"] and len(args) == 2:
        lead(*args)
    elif command == ["strip"] and len(args) in (3, 5):
        for path, out in zip(args[1::2], args[2::2]):
            Strip(path).save(out, int(args[0]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
