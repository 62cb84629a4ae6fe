"""Which module, function and method of PyTorch is which operator of operators.py."""

import math
import operator

import torch
import torch.nn.functional as F
from torch import fx, nn

from .layers import LINEAR, Clustered, FixedNorm
from .levels import Site
from .operators import (
    layer_op, norm_op, average_op, max_pool_op, adaptive_op, mean_op, scalar_op, clip_op,
    silu_op, mish_op, gelu_op, arithmetic_op, reshape_op, transpose_op, swap_op, pad_op,
    getitem_op, part_op, concat_op, upsample_op, shuffle_op, softmax_op, same_op, unary_op,
    Unsupported, plain,
)

relu, sigmoid, tanh = scalar_op("Relu"), scalar_op("Sigmoid"), scalar_op("Tanh")
relu6 = lambda x: clip_op(x, 0, 6)
hardtanh = lambda x, min_val=-1.0, max_val=1.0, *_, **__: clip_op(x, min_val, max_val)
leaky = lambda x, negative_slope=0.01, *_, **__: scalar_op("LeakyRelu", alpha=float(negative_slope))(x)
elu = lambda x, alpha=1.0, *_, **__: scalar_op("Elu", alpha=float(alpha))(x)
hardsigmoid = scalar_op("HardSigmoid", alpha=1 / 6, beta=0.5)

MODULES = {
    nn.Identity: lambda m, x: same_op(x),
    nn.Dropout: lambda m, x: same_op(x),
    nn.Dropout2d: lambda m, x: same_op(x),
    nn.ReLU: lambda m, x: relu(x),
    nn.ReLU6: lambda m, x: relu6(x),
    nn.Hardtanh: lambda m, x: clip_op(x, m.min_val, m.max_val),
    nn.LeakyReLU: lambda m, x: leaky(x, m.negative_slope),
    nn.ELU: lambda m, x: elu(x, m.alpha),
    nn.Sigmoid: lambda m, x: sigmoid(x),
    nn.Tanh: lambda m, x: tanh(x),
    nn.SiLU: lambda m, x: silu_op(x),
    nn.Mish: lambda m, x: mish_op(x),
    nn.GELU: lambda m, x: gelu_op(x, m.approximate),
    nn.Hardswish: lambda m, x: scalar_op("HardSwish")(x),
    nn.Hardsigmoid: lambda m, x: hardsigmoid(x),
    nn.Softplus: lambda m, x: softplus_op(x, m.beta, m.threshold),
    nn.Softsign: lambda m, x: scalar_op("Softsign")(x),
    nn.MaxPool1d: lambda m, x: max_pool_op(x, 1, m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode, m.return_indices),
    nn.MaxPool2d: lambda m, x: max_pool_op(x, 2, m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode, m.return_indices),
    nn.AvgPool1d: lambda m, x: average_op(x, 1, m.kernel_size, m.stride, m.padding, m.ceil_mode, m.count_include_pad),
    nn.AvgPool2d: lambda m, x: _avg2(x, m.kernel_size, m.stride, m.padding, m.ceil_mode, m.count_include_pad, m.divisor_override),
    nn.AdaptiveAvgPool1d: lambda m, x: adaptive_op(x, m.output_size, False),
    nn.AdaptiveAvgPool2d: lambda m, x: adaptive_op(x, m.output_size, False),
    nn.AdaptiveMaxPool1d: lambda m, x: adaptive_op(x, m.output_size, True),
    nn.AdaptiveMaxPool2d: lambda m, x: adaptive_op(x, m.output_size, True),
    nn.Flatten: lambda m, x: reshape_op(x),
    nn.Unflatten: lambda m, x: reshape_op(x),
    nn.ZeroPad2d: lambda m, x: pad_op(x, m.padding),
    nn.ConstantPad1d: lambda m, x: pad_op(x, m.padding, value=m.value),
    nn.ConstantPad2d: lambda m, x: pad_op(x, m.padding, value=m.value),
    nn.ReflectionPad2d: lambda m, x: pad_op(x, m.padding, "reflect"),
    nn.Upsample: lambda m, x: upsample_op(x, mode=m.mode),
    nn.UpsamplingNearest2d: lambda m, x: upsample_op(x),
    nn.PixelShuffle: lambda m, x: shuffle_op(x, m.upscale_factor),
    nn.Softmax: lambda m, x: softmax_op("Softmax")(x, m.dim),
    nn.LogSoftmax: lambda m, x: softmax_op("LogSoftmax")(x, m.dim),
}


def softplus_op(x, beta=1, threshold=20):
    if beta != 1:
        raise Unsupported(f"softplus with beta {beta}, want 1")
    return scalar_op("Softplus")(x)


def _avg2(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    if divisor_override is not None:
        raise Unsupported(f"divisor {divisor_override}, want the number of elements")
    return average_op(x, 2, kernel_size, stride, padding, ceil_mode, count_include_pad)


def _avg1(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    return average_op(x, 1, kernel_size, stride, padding, ceil_mode, count_include_pad)


def _max2(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    return max_pool_op(x, 2, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _max1(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    return max_pool_op(x, 1, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


FUNCTIONS = {
    torch.relu: relu, F.relu: unary_op(relu), torch.relu_: relu, F.relu6: unary_op(relu6), F.hardtanh: hardtanh, F.leaky_relu: leaky, F.elu: elu,
    torch.sigmoid: sigmoid, F.sigmoid: sigmoid, torch.tanh: tanh, F.tanh: tanh, F.silu: unary_op(silu_op), F.mish: unary_op(mish_op),
    F.gelu: gelu_op, F.hardswish: unary_op(scalar_op("HardSwish")), F.hardsigmoid: unary_op(hardsigmoid), F.softplus: softplus_op,
    F.softsign: scalar_op("Softsign"), torch.abs: scalar_op("Abs"), torch.exp: scalar_op("Exp"), torch.sqrt: scalar_op("Sqrt"), torch.neg: scalar_op("Neg"),
    operator.neg: scalar_op("Neg"),
    F.max_pool2d: _max2, torch.max_pool2d: _max2, F.max_pool1d: _max1, F.avg_pool2d: _avg2,
    F.avg_pool1d: _avg1,
    F.adaptive_avg_pool2d: lambda x, output_size: adaptive_op(x, output_size, False),
    F.adaptive_avg_pool1d: lambda x, output_size: adaptive_op(x, output_size, False),
    F.adaptive_max_pool2d: lambda x, output_size, return_indices=False: adaptive_op(x, output_size, True),
    F.adaptive_max_pool1d: lambda x, output_size, return_indices=False: adaptive_op(x, output_size, True),
    torch.mean: mean_op,
    operator.add: arithmetic_op("Add"), operator.iadd: arithmetic_op("Add"), torch.add: arithmetic_op("Add"), operator.sub: arithmetic_op("Sub"), torch.sub: arithmetic_op("Sub"),
    operator.mul: arithmetic_op("Mul"), torch.mul: arithmetic_op("Mul"), operator.truediv: arithmetic_op("Div"), torch.div: arithmetic_op("Div"),
    torch.maximum: lambda a, b: dict(kind="pair", inputs=[a, b], emit=plain("Max")),
    torch.minimum: lambda a, b: dict(kind="pair", inputs=[a, b], emit=plain("Min")),
    torch.flatten: reshape_op, torch.reshape: reshape_op, torch.squeeze: reshape_op, torch.unsqueeze: reshape_op,
    torch.permute: lambda x, dims: transpose_op(x, lambda n: dims), torch.transpose: swap_op,
    torch.cat: concat_op, torch.concat: concat_op, F.pad: pad_op, F.interpolate: upsample_op, F.pixel_shuffle: shuffle_op,
    F.softmax: softmax_op("Softmax"), torch.softmax: softmax_op("Softmax"), F.log_softmax: softmax_op("LogSoftmax"), torch.log_softmax: softmax_op("LogSoftmax"),
    F.dropout: same_op, F.dropout2d: same_op, torch.clamp: lambda x, min=None, max=None: clip_op(x, _bound(min, -math.inf), _bound(max, math.inf)),
}

METHODS = {
    "relu": relu, "relu_": relu, "sigmoid": sigmoid, "tanh": tanh, "abs": scalar_op("Abs"), "mean": mean_op, "add": arithmetic_op("Add"), "sub": arithmetic_op("Sub"),
    "add_": arithmetic_op("Add"), "mul": arithmetic_op("Mul"), "view": reshape_op, "reshape": reshape_op, "flatten": reshape_op, "squeeze": reshape_op, "unsqueeze": reshape_op,
    "unflatten": reshape_op, "permute": lambda x, *dims: transpose_op(x, lambda n: dims[0] if isinstance(dims[0], (tuple, list)) else dims), "transpose": swap_op,
    "contiguous": same_op, "softmax": softmax_op("Softmax"), "log_softmax": softmax_op("LogSoftmax"), "clone": same_op, "detach": same_op,
    "clamp": lambda x, min=None, max=None: clip_op(x, _bound(min, -math.inf), _bound(max, math.inf)),
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
            return same_op(x)
        if isinstance(m, LINEAR + (Clustered,)):
            return layer_op(m, x, node.target)
        if isinstance(m, (FixedNorm, nn.BatchNorm1d, nn.BatchNorm2d)):
            return norm_op(m, x, node.target)
        if type(m) not in MODULES:
            raise Unsupported("qconv_torch has no levels for this module")
        return MODULES[type(m)](m, x)
    if node.op == "call_method" and node.target in SIZES or node.target is getattr:
        return None
    if node.target is operator.getitem:
        source, index = node.args
        if source.target in (torch.chunk, "chunk"):
            count, dim = (list(source.args[1:]) + [source.kwargs.get("dim", 0)])[:2] if len(source.args) > 1 else (source.kwargs["chunks"], source.kwargs.get("dim", 0))
            return part_op(value(source.args[0]), index, count, dim)
        if _sizes(source):
            return None
        return getitem_op(value(source), index)
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
