"""What each module, function and method of PyTorch is to qconv, and how it is written as ONNX (opset 17).

A description holds the fields of graph.Op; its emit writes the operator: emit(file, ins, out, shapes), where ins and out are names of
values and shapes gives the shape of one by name.
"""

import math

import numpy as np
from torch import fx, nn

from .layers import Clustered


class Unsupported(Exception):
    """An operator, or a form of it, that cannot be trained here; the message says why."""


class Emit:
    """Writes an operator. types are the ONNX operators that it consists of."""

    def __init__(self, write, *types, constant=False):
        self.write, self.types, self.constant = write, types, constant


def plain(onnx_type, **attrs):
    return Emit(lambda f, ins, out, _: f.node(onnx_type, ins, out, **attrs), onnx_type)


def _pair(v, n):
    return [v] * n if isinstance(v, int) else [int(x) for x in v]


# Layers with weights


def layer_op(m, x, name):
    layer = m.layer if isinstance(m, Clustered) else m
    if getattr(layer, "padding_mode", "zeros") != "zeros":
        raise Unsupported(f"padding mode {layer.padding_mode!r}, want 'zeros': pad with F.pad before the layer")
    types = {nn.Linear: "Gemm", nn.ConvTranspose1d: "ConvTranspose", nn.ConvTranspose2d: "ConvTranspose"}
    onnx_type = types.get(type(layer), "Conv")

    def write(f, ins, out, shapes):
        values = [ins[0], f.weights(name + ".weight", layer.weight)]
        if layer.bias is not None:
            values.append(f.weights(name + ".bias", layer.bias))
        if onnx_type == "Gemm":
            if len(shapes(ins[0])) != 2:
                raise Unsupported(f"{name}: a Linear over {len(shapes(ins[0]))} dimensions, want [N,features]: use a Conv1d of kernel 1, or flatten before")
            return f.node("Gemm", values, out, transB=1)
        n = len(layer.kernel_size)
        pads = _conv_pads(layer, n)
        attrs = dict(kernel_shape=list(layer.kernel_size), strides=list(layer.stride), dilations=list(layer.dilation), group=layer.groups, pads=pads)
        if onnx_type == "ConvTranspose" and any(layer.output_padding):
            attrs["output_padding"] = list(layer.output_padding)
        f.node(onnx_type, values, out, **attrs)

    return dict(kind="linear", inputs=[x], emit=Emit(write, onnx_type), layer=name)


def _conv_pads(layer, n):
    if layer.padding == "valid":
        return [0] * (2 * n)
    if layer.padding == "same":
        total = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size)]
        return [t // 2 for t in total] + [t - t // 2 for t in total]
    return _pair(layer.padding, n) * 2


# Pooling


def average_op(x, n, kernel, stride, padding, ceil, include_pad):
    kernel, padding = _pair(kernel, n), _pair(padding, n)
    stride = kernel if stride in (None, []) else _pair(stride, n)
    even = not ceil and (include_pad or not any(padding))
    attrs = dict(kernel_shape=kernel, strides=stride, pads=padding * 2, ceil_mode=int(ceil), count_include_pad=int(include_pad))
    return dict(kind="linear" if even else "merge", inputs=[x], emit=plain("AveragePool", **attrs), mean=True, window=math.prod(kernel) if even else None)


def max_pool_op(x, n, kernel, stride, padding, dilation, ceil, indices=False):
    if indices:
        raise Unsupported("positions of maxima, which only an unpooling needs, have no integer form")
    kernel = _pair(kernel, n)
    stride = kernel if stride in (None, []) else _pair(stride, n)
    attrs = dict(kernel_shape=kernel, strides=stride, pads=_pair(padding, n) * 2, dilations=_pair(dilation, n), ceil_mode=int(ceil))
    return dict(kind="pool", inputs=[x], emit=plain("MaxPool", **attrs))


def global_average_op(x, keep):
    """The mean over all positions, whose levels stand before the dimensions are dropped."""

    def write(f, ins, out, shapes):
        f.node("GlobalAveragePool", ins, out)
        if not keep:
            f.alias[out] = f.node("Flatten", [out], out + ".flat", axis=1)

    return dict(kind="linear", inputs=[x], emit=Emit(write, "GlobalAveragePool", "Flatten"), mean=True, window="all")


def adaptive_op(x, size, maximum):
    if all(s == 1 for s in _pair(size, 2)):
        return dict(kind="pool", inputs=[x], emit=plain("GlobalMaxPool")) if maximum else global_average_op(x, True)

    def write(f, ins, out, shapes):
        before, after = shapes(ins[0])[2:], shapes(out)[2:]
        if any(a % b for a, b in zip(before, after)):
            raise Unsupported(f"{out}: an adaptive pooling of {list(before)} to {list(after)} has windows of several sizes; want a size that divides")
        kernel = [a // b for a, b in zip(before, after)]
        f.node("MaxPool" if maximum else "AveragePool", ins, out, kernel_shape=kernel, strides=kernel)

    onnx_type = "MaxPool" if maximum else "AveragePool"
    if maximum:
        return dict(kind="pool", inputs=[x], emit=Emit(write, onnx_type))
    return dict(kind="linear", inputs=[x], emit=Emit(write, onnx_type), mean=True, window="adaptive")


def mean_op(x, dim=None, keepdim=False):
    dims = sorted(d if d >= 0 else d + 100 for d in ([dim] if isinstance(dim, int) else list(dim or [])))
    if dims not in ([2], [2, 3], [98, 99]):
        raise Unsupported(f"a mean over dimensions {dim}, want all positions: [2, 3], or 2 of a one-dimensional network")
    return global_average_op(x, keepdim)


# Functions of one value


def scalar_op(onnx_type, **attrs):
    return lambda x: dict(kind="scalar", inputs=[x], emit=plain(onnx_type, **attrs))


def clip_op(x, lo, hi):
    def write(f, ins, out, shapes):
        f.node("Clip", [ins[0], f.constant(np.float32(lo)), f.constant(np.float32(hi))], out)

    return dict(kind="scalar", inputs=[x], emit=Emit(write, "Clip"))


def silu_op(x):
    def write(f, ins, out, shapes):
        f.node("Mul", [ins[0], f.node("Sigmoid", ins, out + ".s")], out)

    return dict(kind="scalar", inputs=[x], emit=Emit(write, "Sigmoid", "Mul"))


def mish_op(x):
    def write(f, ins, out, shapes):
        f.node("Mul", [ins[0], f.node("Tanh", [f.node("Softplus", ins, out + ".p")], out + ".t")], out)

    return dict(kind="scalar", inputs=[x], emit=Emit(write, "Softplus", "Tanh", "Mul"))


def gelu_op(x, approximate="none"):
    if approximate != "none":
        raise Unsupported(f"gelu approximated by {approximate!r}, want 'none'")

    def write(f, ins, out, shapes):
        scaled = f.node("Mul", [ins[0], f.constant(np.float32(math.sqrt(0.5)))], out + ".a")
        gate = f.node("Add", [f.node("Erf", [scaled], out + ".e"), f.constant(np.float32(1))], out + ".b")
        f.node("Mul", [f.node("Mul", [ins[0], gate], out + ".c"), f.constant(np.float32(0.5))], out)

    return dict(kind="scalar", inputs=[x], emit=Emit(write, "Erf", "Add", "Mul"))


def norm_op(m, x, name):
    def write(f, ins, out, shapes):
        values = [f.weights(f"{name}.{p}", getattr(m, p)) for p in ("weight", "bias", "running_mean", "running_var")]
        f.node("BatchNormalization", [ins[0], *values], out, epsilon=float(m.eps))

    return dict(kind="scalar", inputs=[x], emit=Emit(write, "BatchNormalization", constant=True))


# Arithmetic


def arithmetic_op(onnx_type):
    def describe(a, b, alpha=1):
        if alpha != 1:
            raise Unsupported(f"alpha {alpha}, want 1")
        numbers = [isinstance(v, (int, float)) for v in (a, b)]
        if all(numbers):
            return None
        if any(numbers):
            i = numbers.index(True)
            number, x = np.float32((a, b)[i]), (a, b)[1 - i]

            def write(f, ins, out, shapes):
                values = [ins[0], f.constant(number)]
                f.node(onnx_type, values[::-1] if i == 0 else values, out)

            return dict(kind="scalar", inputs=[x], emit=Emit(write, onnx_type, constant=True))
        if onnx_type in ("Add", "Sub"):
            return dict(kind="linear", inputs=[a, b], emit=plain(onnx_type), factors=(1.0, 1.0 if onnx_type == "Add" else -1.0))
        return dict(kind="pair", inputs=[a, b], emit=plain(onnx_type))

    return describe



# Movements


def reshape_op(x, *sizes, **_):
    def write(f, ins, out, shapes):
        shape = shapes(out)
        if len(shape) == 2 and shape[0] == shapes(ins[0])[0]:
            return f.node("Flatten", ins, out, axis=1)
        if shape[0] != shapes(ins[0])[0]:
            raise Unsupported(f"{out}: a reshape to {list(shape)} mixes the samples of the batch")
        f.node("Reshape", [ins[0], f.constant(np.array([-1, *shape[1:]], dtype=np.int64))], out)

    return dict(kind="view", inputs=[x], emit=Emit(write, "Reshape", "Flatten"))


def transpose_op(x, order):
    def write(f, ins, out, shapes):
        n = len(shapes(ins[0]))
        f.node("Transpose", ins, out, perm=[d % n for d in order(n)])

    return dict(kind="move", inputs=[x], emit=Emit(write, "Transpose"))


def swap_op(x, a, b):
    def order(n):
        dims = list(range(n))
        dims[a], dims[b] = dims[b], dims[a]
        return dims

    return transpose_op(x, order)


def pad_op(x, pad, mode="constant", value=None):
    value, modes = value or 0.0, {"constant": "constant", "reflect": "reflect", "replicate": "edge"}
    if mode not in modes:
        raise Unsupported(f"padding mode {mode!r}, want one of {sorted(modes)}")

    def write(f, ins, out, shapes):
        n = len(shapes(ins[0]))
        begin, end = [0] * n, [0] * n
        for i in range(len(pad) // 2):
            begin[n - 1 - i], end[n - 1 - i] = pad[2 * i], pad[2 * i + 1]
        values = [ins[0], f.constant(np.array(begin + end, dtype=np.int64))]
        if mode == "constant":
            values.append(f.constant(np.float32(value)))
        f.node("Pad", values, out, mode=modes[mode])

    return dict(kind="merge" if value else "move", inputs=[x], emit=Emit(write, "Pad"))


def _slice(f, x, out, starts, ends, axes):
    ints = [f.constant(np.array(v, dtype=np.int64)) for v in (starts, ends, axes)]
    return f.node("Slice", [x, *ints], out)


def getitem_op(x, index):
    index = index if isinstance(index, tuple) else (index,)
    if not all(isinstance(i, slice) and i.step in (None, 1) and not isinstance(i.start, fx.Node) and not isinstance(i.stop, fx.Node) for i in index):
        raise Unsupported(f"index {index}, want slices of step 1")
    if index[0] != slice(None):
        raise Unsupported("a slice of the batch, want all samples")
    cut = [(axis, i) for axis, i in enumerate(index) if i != slice(None)]

    def write(f, ins, out, shapes):
        size = shapes(ins[0])
        bounds = [i.indices(size[axis]) for axis, i in cut]
        _slice(f, ins[0], out, [b[0] for b in bounds], [b[1] for b in bounds], [axis for axis, _ in cut])

    return dict(kind="move", inputs=[x], emit=Emit(write, "Slice"))


def part_op(x, number, count, dim):
    """Part number of a tensor that chunk divides along a dimension."""

    def write(f, ins, out, shapes):
        size = shapes(ins[0])[dim]
        each = -(-size // count)
        _slice(f, ins[0], out, [number * each], [min((number + 1) * each, size)], [dim % len(shapes(ins[0]))])

    return dict(kind="move", inputs=[x], emit=Emit(write, "Slice"))


def concat_op(values, dim=0, **_):
    def write(f, ins, out, shapes):
        f.node("Concat", ins, out, axis=dim % len(shapes(out)))

    return dict(kind="merge", inputs=list(values), emit=Emit(write, "Concat"))


def upsample_op(x, size=None, scale_factor=None, mode="nearest", align_corners=None, **_):
    if mode != "nearest":
        raise Unsupported(f"upsampling by {mode!r}, want 'nearest', or a ConvTranspose")

    def write(f, ins, out, shapes):
        scales = np.array([b / a for a, b in zip(shapes(ins[0]), shapes(out))], dtype=np.float32)
        f.node("Resize", [ins[0], "", f.constant(scales)], out, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")

    return dict(kind="move", inputs=[x], emit=Emit(write, "Resize"))


def shuffle_op(x, factor):
    return dict(kind="move", inputs=[x], emit=plain("DepthToSpace", blocksize=factor, mode="CRD"))


def softmax_op(onnx_type):
    def describe(x, dim=None, *_, **__):
        if dim is None:
            raise Unsupported("a softmax without dim")

        def write(f, ins, out, shapes):
            f.node(onnx_type, ins, out, axis=dim % len(shapes(out)))

        return dict(kind="final", inputs=[x], emit=Emit(write, onnx_type))

    return describe


def same_op(x, *_, **__):
    return dict(kind="same", inputs=[x])


def unary_op(describe):
    """For functions that take inplace and other flags that change nothing."""
    return lambda x, *_, **__: describe(x)
