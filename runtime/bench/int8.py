#!/usr/bin/env python3
"""Makes ONNX Runtime's contenders for the benchmark: folded float and static int8 models.

    int8.py fold MODEL.onnx OUT                   OUT/float.onnx, OUT/taps.onnx
    int8.py quantize OUT/float.onnx RANGES.json OUT/int8.onnx
    int8.py inner OUT/float.onnx RANGES.json OUT/int8.onnx
    int8.py operators MODEL.onnx                  how often each operator occurs, as JSON
    int8.py trivial OUT.onnx                      a model of one element that does nothing worth mentioning

fold folds BatchNormalization into Conv and Gemm and zero padding into Conv where they follow one another, which does
not change the network. taps.onnx is the same with every activation as an output, for the measurement of ranges.

quantize writes the QDQ form that ONNX Runtime fuses to integer kernels: activations unsigned 8 bit,
one scale per tensor from RANGES.json ({"name": [min, max]}); weights signed 8 bit, one scale per output
channel, symmetric; biases 32 bit. A Relu or Clip belongs to what it follows. The network's input and output stay float, and
so does what lies between operators for which ONNX Runtime has no integer kernel. inner does the same for what is a part of a
network: its inputs and outputs are levels.
"""
import collections
import json
import os
import sys

import numpy as np
import onnx
import onnx.version_converter
from onnx import TensorProto, helper, numpy_helper

# Operators that only pass values on: their output keeps the scale of their input.
MOVES = {"MaxPool", "Flatten", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Split", "Gather", "DepthToSpace", "Resize"}
# Operators with an integer kernel that computes.
COMPUTES = {"Conv", "Gemm", "MatMul", "Add", "Mul", "AveragePool", "GlobalAveragePool", "Concat", "Sigmoid", "LeakyRelu"}
OPSET = 13  # the first that has scales by channel
# Those that weights belong to.
LAYERS = {"Conv", "Gemm", "MatMul"}


class Graph:
    """An ONNX model with its initializers as arrays."""

    def __init__(self, model):
        self.model = onnx.load(model) if isinstance(model, str) else model
        self.nodes = list(self.model.graph.node)
        self.arrays = {t.name: numpy_helper.to_array(t).copy() for t in self.model.graph.initializer}
        inputs = [i for i in self.model.graph.input if i.name not in self.arrays]
        del self.model.graph.input[:]
        self.model.graph.input.extend(inputs)

    def producer(self, name):
        return next((n for n in self.nodes if name in n.output), None)

    def consumers(self, name):
        return [n for n in self.nodes if name in n.input]

    def save(self, path):
        del self.model.graph.node[:]
        self.model.graph.node.extend(self.nodes)
        used = {name for n in self.nodes for name in n.input}
        del self.model.graph.initializer[:]
        self.model.graph.initializer.extend(
            numpy_helper.from_array(a, name) for name, a in self.arrays.items() if name in used)
        del self.model.graph.value_info[:]
        onnx.checker.check_model(self.model)
        onnx.save(self.model, path)


def attribute(node, name, default=None):
    return next((helper.get_attribute_value(a) for a in node.attribute if a.name == name), default)


def channel_axis(node):
    """Returns the axis of a layer's weights that counts output channels."""
    return 1 if node.op_type == "MatMul" or node.op_type == "Gemm" and not attribute(node, "transB", 0) else 0


def along(values, weights, axis):
    """Shapes one value per channel so that it broadcasts along axis of weights."""
    return values.reshape([-1 if d == axis else 1 for d in range(weights.ndim)])


def fold_batchnorm(g, bn):
    """Folds bn into the Conv or Gemm it follows, if it follows one."""
    layer = g.producer(bn.input[0])
    if layer is None or layer.op_type not in ("Conv", "Gemm") or len(g.consumers(bn.input[0])) != 1:
        return
    scale, shift, mean, var = (g.arrays[name].astype(np.float64) for name in bn.input[1:5])
    factor = scale / np.sqrt(var + attribute(bn, "epsilon", 1e-5))
    weights = g.arrays[layer.input[1]]
    bias = g.arrays[layer.input[2]] if len(layer.input) > 2 else np.zeros(len(factor))
    own = layer.output[0] + ".weight", layer.output[0] + ".bias"
    g.arrays[own[0]] = (weights * along(factor, weights, channel_axis(layer))).astype(np.float32)
    g.arrays[own[1]] = ((bias - mean) * factor + shift).astype(np.float32)
    del layer.input[1:]
    layer.input.extend(own)
    layer.output[0] = bn.output[0]
    g.nodes.remove(bn)


def fold_pad(g, pad):
    """Folds a Pad with zeros of the two spatial dimensions into the Conv behind it, if there is one."""
    if len(pad.input) > 1 and pad.input[1] not in g.arrays:
        return
    widths = g.arrays[pad.input[1]] if len(pad.input) > 1 else np.array(attribute(pad, "pads"))
    layers = g.consumers(pad.output[0])
    if attribute(pad, "mode", b"constant") != b"constant" or len(widths) != 8 or any(widths[[0, 1, 4, 5]]) or \
            [n.op_type for n in layers] != ["Conv"]:
        return
    sums = [a + int(b) for a, b in zip(attribute(layers[0], "pads", [0] * 4), widths[[2, 3, 6, 7]])]
    kept = [a for a in layers[0].attribute if a.name != "pads"]
    del layers[0].attribute[:]
    layers[0].attribute.extend(kept + [helper.make_attribute("pads", sums)])
    layers[0].input[0] = pad.input[0]
    g.nodes.remove(pad)


def constants_to_arrays(g):
    for n in [n for n in g.nodes if n.op_type == "Constant"]:
        g.arrays[n.output[0]] = numpy_helper.to_array(attribute(n, "value"))
        g.nodes.remove(n)


def fold(path, out):
    os.makedirs(out, exist_ok=True)
    g = Graph(path)
    constants_to_arrays(g)
    for node in list(g.nodes):
        if node.op_type == "BatchNormalization":
            fold_batchnorm(g, node)
        elif node.op_type == "Pad":
            fold_pad(g, node)
    g.save(os.path.join(out, "float.onnx"))
    outputs = {o.name for o in g.model.graph.output}
    known = onnx.shape_inference.infer_shapes(g.model).graph.value_info
    floats = {v.name for v in known if v.type.tensor_type.elem_type == TensorProto.FLOAT}
    for node in g.nodes:
        g.model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
                                    for name in node.output if name in floats and name not in outputs)
    onnx.save(g.model, os.path.join(out, "taps.onnx"))


def computes(g, node):
    """Says whether a node has an integer kernel and does more than move values."""
    if node.op_type == "MatMul" and g.arrays.get(node.input[1], np.empty(0)).ndim != 2:
        return False
    return node.op_type in COMPUTES and (node.op_type not in LAYERS or all(name in g.arrays for name in node.input[1:]))


class Quantizer:
    """Rewrites a folded float graph to the QDQ form, node by node."""

    def __init__(self, g, ranges, inner=False):
        self.g, self.ranges, self.inner = g, ranges, inner
        self.integer = {n.output[0] for n in g.nodes if computes(g, n)}
        self.out = []
        self.scales = {}  # of activations: name -> (name of scale, scale, name of zero point)
        self.dequantized = {}  # name of an activation -> what stands for it

    def constant(self, name, value):
        self.g.arrays[name] = value
        return name

    def activation(self, name, like=None, last=False):
        """Puts a quantize-dequantize pair behind an activation; with like it shares that one's scale, and last is an output."""
        if name in self.dequantized:
            return
        if like in self.scales:
            scale_name, scale, zero_name = self.scales[like]
        else:
            low, high = min(self.ranges[name][0], 0.0), max(self.ranges[name][1], 0.0)
            scale = np.float32(max(high - low, 1e-8) / 255)
            scale_name = self.constant(name + ".scale", np.array(scale, np.float32))
            zero_name = self.constant(name + ".zero", np.array(np.clip(round(-low / scale), 0, 255), np.uint8))
        self.scales[name] = scale_name, scale, zero_name
        before, behind = name, name + ".dequantized"
        if last:
            before, behind = name + ".float", name
            producer = self.out[-1]
            producer.output[list(producer.output).index(name)] = before
        self.dequantized[name] = behind
        self.out.append(helper.make_node("QuantizeLinear", [before, scale_name, zero_name], [name + ".levels"]))
        self.out.append(helper.make_node("DequantizeLinear", [name + ".levels", scale_name, zero_name], [behind]))

    def weights(self, node):
        """Replaces a layer's weights and bias by integers with a DequantizeLinear."""
        axis = channel_axis(node)
        w = self.g.arrays[node.input[1]]
        rest = tuple(d for d in range(w.ndim) if d != axis)
        scale = (np.maximum(np.abs(w).max(rest), 1e-8) / 127).astype(np.float32)
        integers = np.clip(np.rint(w / along(scale, w, axis)), -127, 127).astype(np.int8)
        self.dequantize(node, 1, integers, scale, axis)
        if len(node.input) > 2:
            step = (scale.astype(np.float64) * self.scales[node.input[0]][1]).astype(np.float32)
            bias = np.clip(np.rint(self.g.arrays[node.input[2]].astype(np.float64) / step), -2**31, 2**31 - 1)
            self.dequantize(node, 2, bias.astype(np.int32), step, 0)

    def dequantize(self, node, position, integers, scale, axis):
        name = f"{node.output[0]}.{position}"
        names = [self.constant(name + ".integers", integers), self.constant(name + ".scale", scale),
                 self.constant(name + ".zero", np.zeros(scale.shape, integers.dtype))]
        self.out.append(helper.make_node("DequantizeLinear", names, [name], axis=axis))
        node.input[position] = name

    def wanted(self, node, name):
        """Says whether an output of a node is worth quantizing: it comes from integers, or something reads it as such."""
        first = node.input[0] if node.input else ""
        near = {node.output[0]} | {n.output[0] for n in self.g.consumers(name)}
        if node.op_type in ("Relu", "Clip"):
            near.add(first)
        return name in self.ranges and (node.op_type in MOVES and first in self.scales or not near.isdisjoint(self.integer))

    def run(self):
        outputs = {o.name for o in self.g.model.graph.output}
        for value in self.g.model.graph.input:
            self.activation(value.name)
        for node in self.g.nodes:
            first = node.input[0] if node.input else ""
            if node.op_type in LAYERS and node.output[0] in self.integer:
                self.weights(node)
            elif node.output[0] in self.integer:
                self.operands(node)
            for i, name in enumerate(node.input):
                node.input[i] = self.dequantized.get(name, name)
            self.out.append(node)
            for name in node.output:
                readers = self.g.consumers(name)
                belongs = [n.op_type for n in readers] in (["Relu"], ["Clip"])
                # QGemm writes floats as well, QLinearConv does not.
                float_follows = not self.inner and node.op_type != "Conv" and (name in outputs or any(n.op_type == "Softmax" for n in readers))
                if not belongs and not float_follows and (self.wanted(node, name) or self.inner and name in outputs):
                    self.activation(name, first if node.op_type in MOVES else None, name in outputs)
        self.g.nodes = self.out
        if self.inner:
            self.cut()

    def cut(self):
        """Makes levels of the inputs and outputs."""
        graph = self.g.model.graph
        inputs, outputs = {v.name for v in graph.input}, {v.name for v in graph.output}
        self.g.nodes = [n for n in self.g.nodes if not (n.op_type == "QuantizeLinear" and n.input[0] in inputs
                                                        or n.op_type == "DequantizeLinear" and n.output[0] in outputs)]
        for value in [*graph.input, *graph.output]:
            value.name += ".levels"
            value.type.tensor_type.elem_type = TensorProto.UINT8

    def operands(self, node):
        """Quantizes the constants among a node's inputs."""
        for i, name in enumerate(node.input):
            a = self.g.arrays.get(name)
            if a is not None and a.dtype == np.float32:
                self.ranges[name] = [float(a.min()), float(a.max())]
                self.activation(name)


def quantize(path, ranges, out, inner=False):
    g = Graph(path)
    opset = next(o for o in g.model.opset_import if o.domain == "")
    if opset.version < OPSET:
        g = Graph(onnx.version_converter.convert_version(g.model, OPSET))
    with open(ranges) as f:
        Quantizer(g, json.load(f), inner).run()
    g.save(out)


def inner(path, ranges, out):
    quantize(path, ranges, out, inner=True)


def operators(path):
    model = onnx.load(path)
    constants = {t.name for t in model.graph.initializer}
    counts = collections.Counter()
    for n in model.graph.node:
        variable = n.op_type in LAYERS and not constants.issuperset(n.input[1:])
        counts[(n.domain + "." if n.domain else "") + n.op_type + (" of variables" if variable else "")] += 1
    print(json.dumps(dict(counts.most_common())))


def trivial(out):
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1]) for name in ("input", "output")]
    graph = helper.make_graph([helper.make_node("Relu", ["input"], ["output"])], "trivial", value[:1], value[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, out)


COMMANDS = {"fold": (fold, 2), "quantize": (quantize, 3), "inner": (inner, 3), "operators": (operators, 1), "trivial": (trivial, 1)}


def main():
    command, count = COMMANDS.get(sys.argv[1] if len(sys.argv) > 1 else "", (None, 0))
    if command is None or len(sys.argv) != 2 + count:
        sys.exit(__doc__)
    command(*sys.argv[2:])


if __name__ == "__main__":
    main()
