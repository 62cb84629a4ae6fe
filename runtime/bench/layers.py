#!/usr/bin/env python3
"""Makes the networks of the sweep of layer kinds: each is one layer, as it stands within a network.

    layers.py list                names
    layers.py make WORK [NAME...] WORK/layers/NAME/float.onnx, source.onnx, calibration.npz, and WORK/layers.json

float.onnx is what ONNX Runtime gets. source.onnx is the same for qconv; behind a mean, which as an output would keep its
sum, it has a Relu more, so that levels are made of it. layers.json tells for every name its kind (a row of the heat map),
its map (a column: rows and columns of the input, or features) and its multiply-accumulates.
"""
import json
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MAPS = (112, 56, 28, 14, 7, 4, 2, 1)
# Channels of a narrow and of a wide network by the size of its maps.
NARROW = {112: 8, 56: 16, 28: 16, 14: 32, 7: 64, 4: 64, 2: 64, 1: 64}
WIDE = {112: 32, 56: 64, 28: 128, 14: 256, 7: 512, 4: 512, 2: 512, 1: 512}
SAMPLES = 4


class Layer:
    """One layer under construction: inputs, nodes and constants of its graph."""

    def __init__(self, kind, column, *shapes):
        self.kind, self.column = kind, column
        self.name = f"{kind} {column}".replace(" ", "_").replace("/", "-")
        self.shapes = {f"x{i}": (1, *s) for i, s in enumerate(shapes)}
        self.nodes, self.constants = [], []
        self.random = np.random.default_rng(abs(hash_of(self.name)))
        self.mean = False  # the output is one of means

    def constant(self, a):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(a), name))
        return name

    def node(self, op, inputs, **attributes):
        name = f"y{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def conv(self, x, channels, outputs, kernel, stride=1, group=1, dilation=1):
        """A convolution that keeps the size, or halves it with stride 2."""
        kernel = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        strides = stride if isinstance(stride, tuple) else (stride, stride)
        fan = channels // group * kernel[0] * kernel[1]
        w = self.random.normal(0, (2 / fan) ** 0.5, (outputs, channels // group, *kernel)).astype(np.float32)
        b = self.random.normal(0, 0.1, outputs).astype(np.float32)
        pads = [dilation * (k - 1) // 2 for k in kernel]
        return self.node("Conv", [x, self.constant(w), self.constant(b)], kernel_shape=list(kernel), strides=list(strides),
                         pads=pads + pads, group=group, dilations=[dilation, dilation])

    def relu(self, x):
        return self.node("Relu", [x])

    def model(self, relu=False):
        """Returns the network, with relu behind it."""
        nodes = list(self.nodes)
        output = nodes[-1].output[0]
        if relu:
            nodes.append(helper.make_node("Relu", [output], ["relu"]))
            output = "relu"
        values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in self.shapes.items()]
        graph = helper.make_graph(nodes, "layer", values, [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        model = onnx.shape_inference.infer_shapes(model)
        onnx.checker.check_model(model)
        return model

    def macs(self):
        """Returns the multiply-accumulates of convolutions and products."""
        shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim]
                  for g in [self.model().graph] for v in [*g.value_info, *g.output]}
        weights = {c.name: c.dims for c in self.constants}
        total = 0
        for n in self.nodes:
            if n.op_type in ("Conv", "Gemm"):
                out = shapes[n.output[0]]
                total += int(np.prod(weights[n.input[1]])) * int(np.prod(out[2:]))
        return total


def hash_of(name):
    """Returns a number that is the same in every run."""
    return int.from_bytes(name.encode(), "little") % 2**32


def convolutions():
    for kernel in (1, 3):
        for width, channels in (("narrow", NARROW), ("wide", WIDE)):
            for m in MAPS:
                yield simple(f"{kernel}x{kernel} {width}", m, channels[m], channels[m], kernel)
    for width, channels in (("narrow", NARROW), ("wide", WIDE)):
        for m in MAPS[:6]:
            yield simple(f"3x3/2 {width}", m, channels[m], 2 * channels[m] if m > 7 else channels[m], 3, 2)
    for m in MAPS[1:5]:
        yield simple("1x1/2", m, WIDE[m], 2 * WIDE[m] if m > 7 else WIDE[m], 1, 2)
    for m in MAPS[:6]:
        yield simple("5x5", m, NARROW[m], NARROW[m], 5)
    for m in MAPS[:5]:
        yield simple("7x7", m, NARROW[m], NARROW[m], 7)
    for m in MAPS[:3]:
        yield simple("first 3x3", m, 3, 16, 3)
        yield simple("first 3x3/2", m, 3, 32, 3, 2)
        yield simple("first 7x7/2", m, 3, 64, 7, 2)
    for m in MAPS[1:5]:
        yield simple("1x7", m, NARROW[m], NARROW[m], (1, 7))
        yield simple("7x1", m, NARROW[m], NARROW[m], (7, 1))
    for m, channels in ((28, 16), (14, 32), (7, 64)):
        yield simple("3x3 dilated", m, channels, channels, 3, dilation=2)
    for m in MAPS[:7]:
        yield simple("depthwise 3x3", m, WIDE[m], WIDE[m], 3, group=WIDE[m])
    for m in MAPS[:6]:
        yield simple("depthwise 3x3/2", m, WIDE[m], WIDE[m], 3, 2, group=WIDE[m])
    for m in MAPS[1:6]:
        yield simple("depthwise 5x5", m, WIDE[m], WIDE[m], 5, group=WIDE[m])
    for m in MAPS[1:6]:
        yield simple("grouped 3x3", m, WIDE[m], WIDE[m], 3, group=WIDE[m] // 16)
        yield simple("grouped 1x1", m, WIDE[m], WIDE[m], 1, group=4)


def simple(kind, m, channels, outputs, kernel, stride=1, group=1, dilation=1):
    layer = Layer(kind, m, (channels, m, m))
    layer.relu(layer.conv("x0", channels, outputs, kernel, stride, group, dilation))
    return layer


def sequences():
    """Convolutions along one dimension; the column is its length."""
    for length, channels in ((1024, 16), (256, 64), (64, 128)):
        for kernel, group in ((3, 1), (9, 1), (9, channels)):
            layer = Layer("1-D " + ("depthwise " if group > 1 else "") + str(kernel), length, (channels, 1, length))
            layer.relu(layer.conv("x0", channels, channels, (1, kernel), group=group))
            yield layer


def dense():
    """Fully connected layers; the column is the number of inputs."""
    for inputs, outputs in ((64, 64), (256, 64), (1024, 64), (4096, 64), (64, 256), (256, 256), (1024, 256), (64, 1000), (512, 1000), (1280, 1000), (4096, 1024)):
        layer = Layer(f"dense to {outputs}", inputs, (inputs,))
        w = layer.random.normal(0, (2 / inputs) ** 0.5, (outputs, inputs)).astype(np.float32)
        b = layer.random.normal(0, 0.1, outputs).astype(np.float32)
        layer.relu(layer.node("Gemm", ["x0", layer.constant(w), layer.constant(b)], transB=1))
        yield layer


def pools():
    for op, name in (("MaxPool", "max"), ("AveragePool", "mean")):
        for kernel, stride, pad, maps in ((2, 2, 0, MAPS[:7]), (3, 2, 1, MAPS[:5]), (3, 1, 1, MAPS[2:5])):
            for m in maps:
                layer = Layer(f"{name} {kernel}x{kernel}/{stride}", m, (WIDE[m], m, m))
                layer.node(op, ["x0"], kernel_shape=[kernel, kernel], strides=[stride, stride], pads=[pad] * 4)
                layer.mean = op == "AveragePool"
                yield layer
    for m in MAPS[1:6]:
        layer = Layer("global mean", m, (WIDE[m], m, m))
        layer.node("GlobalAveragePool", ["x0"])
        layer.mean = True
        yield layer


def joins():
    for m in MAPS[1:]:
        shape = (WIDE[m], m, m)
        layer = Layer("sum", m, shape, shape)
        layer.relu(layer.node("Add", ["x0", "x1"]))
        yield layer
    for m in MAPS[1:7]:
        channels = NARROW[m] if m > 28 else WIDE[m]
        shape = (channels, m, m)
        for kernel in (1, 3):
            layer = Layer(f"{kernel}x{kernel} and sum", m, shape, shape)
            layer.relu(layer.node("Add", [layer.conv("x0", channels, channels, kernel), "x1"]))
            yield layer
    for m in (28, 14, 7, 4):
        layer = Layer("fire", m, (32, m, m))
        layer.node("Concat", [layer.relu(layer.conv("x0", 32, 128, 1)), layer.relu(layer.conv("x0", 32, 128, 3))], axis=1)
        yield layer
    for m in (56, 28, 14, 7):
        layer = Layer("concat", m, (WIDE[m], m, m), (WIDE[m], m, m))
        layer.node("Concat", ["x0", "x1"], axis=1)
        yield layer


def layers():
    return [layer for family in (convolutions, sequences, dense, pools, joins) for layer in family()]


def write(layer, folder):
    os.makedirs(folder, exist_ok=True)
    onnx.save(layer.model(), os.path.join(folder, "float.onnx"))
    onnx.save(layer.model(relu=layer.mean), os.path.join(folder, "source.onnx"))
    # What a Relu lets through, of another size for every input.
    x = {name: (1 + 0.5 * i) * np.maximum(layer.random.normal(0.2, 1, (SAMPLES, *shape[1:])), 0)
         for i, (name, shape) in enumerate(layer.shapes.items())}
    np.savez(os.path.join(folder, "calibration.npz"), **{name: a.astype(np.float32) for name, a in x.items()})
    with open(os.path.join(folder, "samples.f32"), "wb") as f:
        for sample in zip(*x.values()):
            for part in sample:
                f.write(part.astype("<f4").tobytes())


def main():
    if sys.argv[1:] == ["list"]:
        print(" ".join(layer.name for layer in layers()))
    elif len(sys.argv) >= 3 and sys.argv[1] == "make":
        work, names = sys.argv[2], sys.argv[3:]
        facts = {}
        for layer in layers():
            facts[layer.name] = {"kind": layer.kind, "map": layer.column, "macs": layer.macs()}
            folder = os.path.join(work, "layers", layer.name)
            if (not names or layer.name in names) and not os.path.exists(os.path.join(folder, "samples.f32")):
                write(layer, folder)
        with open(os.path.join(work, "layers.json"), "w", encoding="utf8") as f:
            json.dump(facts, f, indent=1)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
