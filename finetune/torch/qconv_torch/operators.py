"""What each module, function and method of PyTorch is to qconv, and how it is written as ONNX (opset 17).

A description holds the fields of graph.Op; its emit writes the operator: emit(file, ins, out, shapes), where ins and out are names of
values and shapes gives the shape of one by name.
"""

import math
import operator

import numpy as np
import torch
import torch.nn.functional as F
from torch import fx, nn

from .layers import LINEAR, Clustered, FixedNorm
from .levels import Site


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


def _layer(m, x, name):
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


def _average(x, n, kernel, stride, padding, ceil, include_pad):
    kernel, padding = _pair(kernel, n), _pair(padding, n)
    stride = kernel if stride in (None, []) else _pair(stride, n)
    even = not ceil and (include_pad or not any(padding))
    attrs = dict(kernel_shape=kernel, strides=stride, pads=padding * 2, ceil_mode=int(ceil), count_include_pad=int(include_pad))
    return dict(kind="linear" if even else "merge", inputs=[x], emit=plain("AveragePool", **attrs), mean=True, window=math.prod(kernel) if even else None)


def _max_pool(x, n, kernel, stride, padding, dilation, ceil, indices=False):
    if indices:
        raise Unsupported("positions of maxima, which only an unpooling needs, have no integer form")
    kernel = _pair(kernel, n)
    stride = kernel if stride in (None, []) else _pair(stride, n)
    attrs = dict(kernel_shape=kernel, strides=stride, pads=_pair(padding, n) * 2, dilations=_pair(dilation, n), ceil_mode=int(ceil))
    return dict(kind="pool", inputs=[x], emit=plain("MaxPool", **attrs))


def _global_average(x, keep):
    """The mean over all positions, whose levels stand before the dimensions are dropped."""

    def write(f, ins, out, shapes):
        f.node("GlobalAveragePool", ins, out)
        if not keep:
            f.alias[out] = f.node("Flatten", [out], out + ".flat", axis=1)

    return dict(kind="linear", inputs=[x], emit=Emit(write, "GlobalAveragePool", "Flatten"), mean=True, window="all")


def _adaptive(x, size, maximum):
    if all(s == 1 for s in _pair(size, 2)):
        return dict(kind="pool", inputs=[x], emit=plain("GlobalMaxPool")) if maximum else _global_average(x, True)

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


def _mean(x, dim=None, keepdim=False):
    dims = sorted(d if d >= 0 else d + 100 for d in ([dim] if isinstance(dim, int) else list(dim or [])))
    if dims not in ([2], [2, 3], [98, 99]):
        raise Unsupported(f"a mean over dimensions {dim}, want all positions: [2, 3], or 2 of a one-dimensional network")
    return _global_average(x, keepdim)


# Functions of one value


def _scalar(onnx_type, **attrs):
    return lambda x: dict(kind="scalar", inputs=[x], emit=plain(onnx_type, **attrs))


def _clip(x, lo, hi):
    def write(f, ins, out, shapes):
        f.node("Clip", [ins[0], f.constant(np.float32(lo)), f.constant(np.float32(hi))], out)

    return dict(kind="scalar", inputs=[x], emit=Emit(write, "Clip"))


def _silu(x):
    def write(f, ins, out, shapes):
        f.node("Mul", [ins[0], f.node("Sigmoid", ins, out + ".s")], out)

    return dict(kind="scalar", inputs=[x], emit=Emit(write, "Sigmoid", "Mul"))


def _mish(x):
    def write(f, ins, out, shapes):
        f.node("Mul", [ins[0], f.node("Tanh", [f.node("Softplus", ins, out + ".p")], out + ".t")], out)

    return dict(kind="scalar", inputs=[x], emit=Emit(write, "Softplus", "Tanh", "Mul"))


def _gelu(x, approximate="none"):
    if approximate != "none":
        raise Unsupported(f"gelu approximated by {approximate!r}, want 'none'")

    def write(f, ins, out, shapes):
        scaled = f.node("Mul", [ins[0], f.constant(np.float32(math.sqrt(0.5)))], out + ".a")
        gate = f.node("Add", [f.node("Erf", [scaled], out + ".e"), f.constant(np.float32(1))], out + ".b")
        f.node("Mul", [f.node("Mul", [ins[0], gate], out + ".c"), f.constant(np.float32(0.5))], out)

    return dict(kind="scalar", inputs=[x], emit=Emit(write, "Erf", "Add", "Mul"))


def _norm(m, x, name):
    def write(f, ins, out, shapes):
        values = [f.weights(f"{name}.{p}", getattr(m, p)) for p in ("weight", "bias", "running_mean", "running_var")]
        f.node("BatchNormalization", [ins[0], *values], out, epsilon=float(m.eps))

    return dict(kind="scalar", inputs=[x], emit=Emit(write, "BatchNormalization", constant=True))


# Arithmetic


def _arithmetic(onnx_type):
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


def _reshape(x, *sizes, **_):
    def write(f, ins, out, shapes):
        shape = shapes(out)
        if len(shape) == 2 and shape[0] == shapes(ins[0])[0]:
            return f.node("Flatten", ins, out, axis=1)
        if shape[0] != shapes(ins[0])[0]:
            raise Unsupported(f"{out}: a reshape to {list(shape)} mixes the samples of the batch")
        f.node("Reshape", [ins[0], f.constant(np.array([-1, *shape[1:]], dtype=np.int64))], out)

    return dict(kind="view", inputs=[x], emit=Emit(write, "Reshape", "Flatten"))


def _transpose(x, order):
    def write(f, ins, out, shapes):
        n = len(shapes(ins[0]))
        f.node("Transpose", ins, out, perm=[d % n for d in order(n)])

    return dict(kind="move", inputs=[x], emit=Emit(write, "Transpose"))


def _swap(x, a, b):
    def order(n):
        dims = list(range(n))
        dims[a], dims[b] = dims[b], dims[a]
        return dims

    return _transpose(x, order)


def _pad(x, pad, mode="constant", value=None):
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


def _getitem(x, index):
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


def _part(x, number, count, dim):
    """Part number of a tensor that chunk divides along a dimension."""

    def write(f, ins, out, shapes):
        size = shapes(ins[0])[dim]
        each = -(-size // count)
        _slice(f, ins[0], out, [number * each], [min((number + 1) * each, size)], [dim % len(shapes(ins[0]))])

    return dict(kind="move", inputs=[x], emit=Emit(write, "Slice"))


def _concat(values, dim=0, **_):
    def write(f, ins, out, shapes):
        f.node("Concat", ins, out, axis=dim % len(shapes(out)))

    return dict(kind="merge", inputs=list(values), emit=Emit(write, "Concat"))


def _upsample(x, size=None, scale_factor=None, mode="nearest", align_corners=None, **_):
    if mode != "nearest":
        raise Unsupported(f"upsampling by {mode!r}, want 'nearest', or a ConvTranspose")

    def write(f, ins, out, shapes):
        scales = np.array([b / a for a, b in zip(shapes(ins[0]), shapes(out))], dtype=np.float32)
        f.node("Resize", [ins[0], "", f.constant(scales)], out, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")

    return dict(kind="move", inputs=[x], emit=Emit(write, "Resize"))


def _shuffle(x, factor):
    return dict(kind="move", inputs=[x], emit=plain("DepthToSpace", blocksize=factor, mode="CRD"))


def _softmax(onnx_type):
    def describe(x, dim=None, *_, **__):
        if dim is None:
            raise Unsupported("a softmax without dim")

        def write(f, ins, out, shapes):
            f.node(onnx_type, ins, out, axis=dim % len(shapes(out)))

        return dict(kind="final", inputs=[x], emit=Emit(write, onnx_type))

    return describe


def _same(x, *_, **__):
    return dict(kind="same", inputs=[x])


def _unary(describe):
    """For functions that take inplace and other flags that change nothing."""
    return lambda x, *_, **__: describe(x)


relu, sigmoid, tanh = _scalar("Relu"), _scalar("Sigmoid"), _scalar("Tanh")
relu6 = lambda x: _clip(x, 0, 6)
hardtanh = lambda x, min_val=-1.0, max_val=1.0, *_, **__: _clip(x, min_val, max_val)
leaky = lambda x, negative_slope=0.01, *_, **__: _scalar("LeakyRelu", alpha=float(negative_slope))(x)
elu = lambda x, alpha=1.0, *_, **__: _scalar("Elu", alpha=float(alpha))(x)
hardsigmoid = _scalar("HardSigmoid", alpha=1 / 6, beta=0.5)

MODULES = {
    nn.Identity: lambda m, x: _same(x),
    nn.Dropout: lambda m, x: _same(x),
    nn.Dropout2d: lambda m, x: _same(x),
    nn.ReLU: lambda m, x: relu(x),
    nn.ReLU6: lambda m, x: relu6(x),
    nn.Hardtanh: lambda m, x: _clip(x, m.min_val, m.max_val),
    nn.LeakyReLU: lambda m, x: leaky(x, m.negative_slope),
    nn.ELU: lambda m, x: elu(x, m.alpha),
    nn.Sigmoid: lambda m, x: sigmoid(x),
    nn.Tanh: lambda m, x: tanh(x),
    nn.SiLU: lambda m, x: _silu(x),
    nn.Mish: lambda m, x: _mish(x),
    nn.GELU: lambda m, x: _gelu(x, m.approximate),
    nn.Hardswish: lambda m, x: _scalar("HardSwish")(x),
    nn.Hardsigmoid: lambda m, x: hardsigmoid(x),
    nn.Softplus: lambda m, x: _softplus(x, m.beta, m.threshold),
    nn.Softsign: lambda m, x: _scalar("Softsign")(x),
    nn.MaxPool1d: lambda m, x: _max_pool(x, 1, m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode, m.return_indices),
    nn.MaxPool2d: lambda m, x: _max_pool(x, 2, m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode, m.return_indices),
    nn.AvgPool1d: lambda m, x: _average(x, 1, m.kernel_size, m.stride, m.padding, m.ceil_mode, m.count_include_pad),
    nn.AvgPool2d: lambda m, x: _avg2(x, m.kernel_size, m.stride, m.padding, m.ceil_mode, m.count_include_pad, m.divisor_override),
    nn.AdaptiveAvgPool1d: lambda m, x: _adaptive(x, m.output_size, False),
    nn.AdaptiveAvgPool2d: lambda m, x: _adaptive(x, m.output_size, False),
    nn.AdaptiveMaxPool1d: lambda m, x: _adaptive(x, m.output_size, True),
    nn.AdaptiveMaxPool2d: lambda m, x: _adaptive(x, m.output_size, True),
    nn.Flatten: lambda m, x: _reshape(x),
    nn.Unflatten: lambda m, x: _reshape(x),
    nn.ZeroPad2d: lambda m, x: _pad(x, m.padding),
    nn.ConstantPad1d: lambda m, x: _pad(x, m.padding, value=m.value),
    nn.ConstantPad2d: lambda m, x: _pad(x, m.padding, value=m.value),
    nn.ReflectionPad2d: lambda m, x: _pad(x, m.padding, "reflect"),
    nn.Upsample: lambda m, x: _upsample(x, mode=m.mode),
    nn.UpsamplingNearest2d: lambda m, x: _upsample(x),
    nn.PixelShuffle: lambda m, x: _shuffle(x, m.upscale_factor),
    nn.Softmax: lambda m, x: _softmax("Softmax")(x, m.dim),
    nn.LogSoftmax: lambda m, x: _softmax("LogSoftmax")(x, m.dim),
}


def _softplus(x, beta=1, threshold=20):
    if beta != 1:
        raise Unsupported(f"softplus with beta {beta}, want 1")
    return _scalar("Softplus")(x)


def _avg2(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    if divisor_override is not None:
        raise Unsupported(f"divisor {divisor_override}, want the number of elements")
    return _average(x, 2, kernel_size, stride, padding, ceil_mode, count_include_pad)


def _avg1(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    return _average(x, 1, kernel_size, stride, padding, ceil_mode, count_include_pad)


def _max2(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    return _max_pool(x, 2, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _max1(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    return _max_pool(x, 1, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


FUNCTIONS = {
    torch.relu: relu, F.relu: _unary(relu), torch.relu_: relu, F.relu6: _unary(relu6), F.hardtanh: hardtanh, F.leaky_relu: leaky, F.elu: elu,
    torch.sigmoid: sigmoid, F.sigmoid: sigmoid, torch.tanh: tanh, F.tanh: tanh, F.silu: _unary(_silu), F.mish: _unary(_mish),
    F.gelu: _gelu, F.hardswish: _unary(_scalar("HardSwish")), F.hardsigmoid: _unary(hardsigmoid), F.softplus: _softplus,
    F.softsign: _scalar("Softsign"), torch.abs: _scalar("Abs"), torch.exp: _scalar("Exp"), torch.sqrt: _scalar("Sqrt"), torch.neg: _scalar("Neg"),
    operator.neg: _scalar("Neg"),
    F.max_pool2d: _max2, torch.max_pool2d: _max2, F.max_pool1d: _max1, F.avg_pool2d: _avg2,
    F.avg_pool1d: _avg1,
    F.adaptive_avg_pool2d: lambda x, output_size: _adaptive(x, output_size, False),
    F.adaptive_avg_pool1d: lambda x, output_size: _adaptive(x, output_size, False),
    F.adaptive_max_pool2d: lambda x, output_size, return_indices=False: _adaptive(x, output_size, True),
    F.adaptive_max_pool1d: lambda x, output_size, return_indices=False: _adaptive(x, output_size, True),
    torch.mean: _mean,
    operator.add: _arithmetic("Add"), operator.iadd: _arithmetic("Add"), torch.add: _arithmetic("Add"), operator.sub: _arithmetic("Sub"), torch.sub: _arithmetic("Sub"),
    operator.mul: _arithmetic("Mul"), torch.mul: _arithmetic("Mul"), operator.truediv: _arithmetic("Div"), torch.div: _arithmetic("Div"),
    torch.maximum: lambda a, b: dict(kind="pair", inputs=[a, b], emit=plain("Max")),
    torch.minimum: lambda a, b: dict(kind="pair", inputs=[a, b], emit=plain("Min")),
    torch.flatten: _reshape, torch.reshape: _reshape, torch.squeeze: _reshape, torch.unsqueeze: _reshape,
    torch.permute: lambda x, dims: _transpose(x, lambda n: dims), torch.transpose: _swap,
    torch.cat: _concat, torch.concat: _concat, F.pad: _pad, F.interpolate: _upsample, F.pixel_shuffle: _shuffle,
    F.softmax: _softmax("Softmax"), torch.softmax: _softmax("Softmax"), F.log_softmax: _softmax("LogSoftmax"), torch.log_softmax: _softmax("LogSoftmax"),
    F.dropout: _same, F.dropout2d: _same, torch.clamp: lambda x, min=None, max=None: _clip(x, _bound(min, -math.inf), _bound(max, math.inf)),
}

METHODS = {
    "relu": relu, "relu_": relu, "sigmoid": sigmoid, "tanh": tanh, "abs": _scalar("Abs"), "mean": _mean, "add": _arithmetic("Add"), "sub": _arithmetic("Sub"),
    "add_": _arithmetic("Add"), "mul": _arithmetic("Mul"), "view": _reshape, "reshape": _reshape, "flatten": _reshape, "squeeze": _reshape, "unsqueeze": _reshape,
    "unflatten": _reshape, "permute": lambda x, *dims: _transpose(x, lambda n: dims[0] if isinstance(dims[0], (tuple, list)) else dims), "transpose": _swap,
    "contiguous": _same, "softmax": _softmax("Softmax"), "log_softmax": _softmax("LogSoftmax"), "clone": _same, "detach": _same,
    "clamp": lambda x, min=None, max=None: _clip(x, _bound(min, -math.inf), _bound(max, math.inf)),
}

# What computes sizes: known when the network is exported.
SIZES = {"size", "dim", "numel"}


def _bound(v, otherwise):
    return otherwise if v is None else v


def describe(node, modules, value):
    """The fields of graph.Op for a node; None for one that computes sizes alone. value finds the operator of a node."""
    if node.op == "get_attr":
        raise Unsupported("a parameter or constant that no layer owns; use the layer's module")
    if node.op == "call_module":
        m = modules[node.target]
        x = value(node.args[0])
        if isinstance(m, Site):
            return _same(x)
        if isinstance(m, LINEAR + (Clustered,)):
            return _layer(m, x, node.target)
        if isinstance(m, (FixedNorm, nn.BatchNorm1d, nn.BatchNorm2d)):
            return _norm(m, x, node.target)
        if type(m) not in MODULES:
            raise Unsupported("qconv_torch has no levels for this module")
        return MODULES[type(m)](m, x)
    if node.op == "call_method" and node.target in SIZES or node.target is getattr:
        return None
    if node.target is operator.getitem:
        source, index = node.args
        if source.target in (torch.chunk, "chunk"):
            count, dim = (list(source.args[1:]) + [source.kwargs.get("dim", 0)])[:2] if len(source.args) > 1 else (source.kwargs["chunks"], source.kwargs.get("dim", 0))
            return _part(value(source.args[0]), index, count, dim)
        if _sizes(source):
            return None
        return _getitem(value(source), index)
    if node.target in (torch.chunk, "chunk"):
        return None
    table = METHODS if node.op == "call_method" else FUNCTIONS
    if node.target not in table:
        if all(_sizes(n) for n in node.all_input_nodes) and node.all_input_nodes:
            return None
        raise Unsupported("qconv_torch has no levels for this function")
    if node.all_input_nodes and all(_sizes(n) for n in node.all_input_nodes):
        return None

    def operand(a):
        if isinstance(a, fx.Node):
            return a if _sizes(a) else value(a)
        if isinstance(a, (tuple, list)):
            return type(a)(operand(v) for v in a)
        return a

    try:
        return table[node.target](*(operand(a) for a in node.args), **{k: operand(a) for k, a in node.kwargs.items()})
    except TypeError as e:
        raise Unsupported(f"these arguments are not known here: {e}") from None


def _sizes(node):
    """Whether a node computes sizes and not values."""
    if node.op == "call_method" and node.target in SIZES or node.target is getattr:
        return True
    if node.op in ("call_function",) and node.all_input_nodes and node.target not in (torch.chunk,):
        return all(_sizes(n) for n in node.all_input_nodes)
    return False
