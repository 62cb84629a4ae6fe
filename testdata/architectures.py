#!/usr/bin/env python3
"""Exports well-known architectures with random weights: real graphs, not trained networks.

    python3 testdata/architectures.py OUT [NAME...] [--size 224] [--opset 17] [--batch N|1] [--batchnorm fold|keep]

For every NAME it writes OUT/NAME.onnx and OUT/NAME.ref.npz (x0, one input, and y0, PyTorch's output
for it, float32), and prints how often each operator occurs. Without a NAME it exports all. The files
test coverage, shapes and arithmetic, not accuracy; they are too large to be kept here.

The weights are random with a fixed seed, adjusted layer by layer so that a network behaves like a
trained one: activations keep the same order of magnitude through all layers, no channel is dead,
every BatchNormalization has statistics of its own. The same arguments give the same files.
"""
import argparse
import collections
import os
import sys
import warnings

import numpy as np
import onnx
import torch
import torchvision
from torch import nn
from torchvision import models

SEED = 1
SAMPLES = 8  # inputs that the weights are adjusted to
ALIVE = 0.1  # the least that every channel reaches in front of its nonlinearity
NATIVE = 224  # the input size the architectures were published for


class GroupedAlexNet(nn.Sequential):
    """AlexNet as published, in two groups, but without local response normalization."""

    def __init__(self, size):
        features = nn.Sequential(
            nn.Conv2d(3, 96, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),
            nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten())
        super().__init__(
            features, nn.Linear(elements(features, size), 4096), nn.ReLU(), nn.Dropout(),
            nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 1000))


def alexnet(size):
    """torchvision's; away from the native size its adaptive pooling, which then has no ONNX form, is left out."""
    net = models.alexnet()
    if size != NATIVE:
        net.avgpool = nn.Identity()
        net.classifier[1] = nn.Linear(elements(net.features, size), 4096)
    return net


def elements(net, size):
    """Returns the number of elements that net makes of one picture."""
    with torch.no_grad():
        return net(torch.zeros(1, 3, size, size)).numel()


ARCHITECTURES = {
    "resnet18": lambda size: models.resnet18(),
    "mobilenet_v2": lambda size: models.mobilenet_v2(),
    "mobilenet_v2_x0_35": lambda size: models.mobilenet_v2(width_mult=0.35),
    "squeezenet1_1": lambda size: models.squeezenet1_1(),
    "shufflenet_v2_x0_5": lambda size: models.shufflenet_v2_x0_5(),
    "shufflenet_v2_x1_0": lambda size: models.shufflenet_v2_x1_0(),
    "mnasnet0_5": lambda size: models.mnasnet0_5(),
    "densenet121": lambda size: models.densenet121(),
    "efficientnet_b0": lambda size: models.efficientnet_b0(),
    "googlenet": lambda size: models.googlenet(aux_logits=False, init_weights=False),
    "regnet_x_400mf": lambda size: models.regnet_x_400mf(),
    "regnet_y_400mf": lambda size: models.regnet_y_400mf(),
    "alexnet": alexnet,
    "alexnet_grouped": GroupedAlexNet,
}


def pictures(count, size):
    """Returns smooth random fields with some noise, [count][3][size][size], about -2..2 as normalized pictures are."""
    x = 0.2 * torch.randn(count, 3, size, size)
    for cells in (2, 5, 16):
        field = torch.randn(count, 3, cells, cells)
        x += 0.6 * nn.functional.interpolate(field, (size, size), mode="bilinear", align_corners=False)
    return x.clamp(-2.2, 2.6)


def positions(x):
    """Returns the dimensions of x but the channels'."""
    return [d for d in range(x.dim()) if d != 1]


@torch.no_grad()
def adjust(net, x):
    """Gives every layer plausible parameters, one layer after the other, in one pass over x.

    A BatchNormalization gets the statistics of its input and random scales and offsets. A layer with
    a bias, which no BatchNormalization follows, is scaled to outputs of variance 1 and its channels
    are centred near 0. Every channel of either is positive somewhere.
    """
    def normalize(layer, inputs):
        over = positions(inputs[0])
        layer.running_mean.copy_(inputs[0].mean(over))
        layer.running_var.copy_(inputs[0].var(over) + 1e-3)
        layer.weight.uniform_(0.6, 1.4)
        top = (inputs[0].amax(over) - layer.running_mean) * layer.weight / layer.running_var.sqrt()
        layer.bias.copy_(torch.maximum(0.4 * torch.randn(len(top)), ALIVE - top))

    def centre(layer, inputs, output):
        over = positions(output)
        shape = [-1 if d == 1 else 1 for d in range(output.dim())]
        scale = 1 / output.std()
        output = (output - layer.bias.view(shape)) * scale
        layer.weight.mul_(scale)
        layer.bias.copy_(torch.maximum(0.4 * torch.randn(output.shape[1]) - output.mean(over), ALIVE - output.amax(over)))
        return output + layer.bias.view(shape)

    hooks = []
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            hooks.append(layer.register_forward_pre_hook(normalize))
        elif isinstance(layer, (nn.Conv2d, nn.Linear)) and layer.bias is not None:
            hooks.append(layer.register_forward_hook(centre))
    net(x)
    for hook in hooks:
        hook.remove()


@torch.no_grad()
def examine(net, x):
    """Returns the number of dead channels behind rectifiers and the largest activation of any layer."""
    dead, largest = 0, 0.0

    def look(layer, inputs, output):
        nonlocal dead, largest
        largest = max(largest, float(output.abs().max()))
        if isinstance(layer, (nn.ReLU, nn.ReLU6)):
            dead += int((output.amax(positions(output)) == 0).sum())

    leaves = [layer for layer in net.modules() if not list(layer.children())]
    hooks = [layer.register_forward_hook(look) for layer in leaves]
    net(x)
    for hook in hooks:
        hook.remove()
    return dead, largest


def export(net, path, x, opset, dynamic, keep):
    """Writes net as ONNX and returns the model."""
    training = torch.onnx.TrainingMode
    torch.onnx.export(
        net, x, path, opset_version=opset, input_names=["input"], output_names=["output"],
        dynamic_axes={"input": {0: "N"}, "output": {0: "N"}} if dynamic else None,
        do_constant_folding=True, training=training.PRESERVE if keep else training.EVAL)
    onnx.checker.check_model(path, full_check=True)
    return onnx.load(path)


def make(name, out, args):
    """Exports one architecture and prints what it consists of."""
    torch.manual_seed(SEED)
    net = ARCHITECTURES[name](args.size).eval()
    x = pictures(SAMPLES, args.size)
    adjust(net, x)
    dead, largest = examine(net, x)
    path = os.path.join(out, name + ".onnx")
    model = export(net, path, x[:1], args.opset, args.batch == "N", args.batchnorm == "keep")
    with torch.no_grad():
        y = net(x[:1])
    np.savez_compressed(os.path.join(out, name + ".ref.npz"), x0=x[:1].numpy(), y0=y.numpy())
    ops = collections.Counter(node.op_type for node in model.graph.node)
    weights = sum(int(np.prod(w.dims)) for w in model.graph.initializer if w.data_type == onnx.TensorProto.FLOAT)
    print(f"{name}: {len(model.graph.node)} nodes, {weights} parameters, {os.path.getsize(path)} bytes, "
          f"{dead} dead channels, activations up to {largest:.1f}, outputs {float(y.min()):.2f}..{float(y.max()):.2f}")
    print("    " + " ".join(f"{op} {n}" for op, n in ops.most_common()), flush=True)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("out", help="folder to write to")
    args.add_argument("names", nargs="*", metavar="NAME", help="of " + " ".join(ARCHITECTURES))
    args.add_argument("--size", type=int, default=NATIVE, help="height and width of the input, at least 64 (default %(default)s)")
    args.add_argument("--opset", type=int, default=17, choices=(13, 17))
    args.add_argument("--batch", default="N", choices=("N", "1"), help="N: of any size (default); 1: always one")
    args.add_argument("--batchnorm", default="fold", choices=("fold", "keep"),
                      help="fold into convolutions as PyTorch's exporter does (default), or keep as nodes")
    args = args.parse_args()
    unknown = [name for name in args.names if name not in ARCHITECTURES]
    if unknown:
        sys.exit(f"architectures.py: unknown architecture {unknown[0]!r}, want {' '.join(ARCHITECTURES)}")
    if args.size < 64:
        sys.exit(f"architectures.py: --size is {args.size}, want at least 64")
    warnings.filterwarnings("ignore")  # advice for models in training mode; tracing of constant conditions
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    os.makedirs(args.out, exist_ok=True)
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, onnx {onnx.__version__}")
    for name in args.names or ARCHITECTURES:
        make(name, args.out, args)


if __name__ == "__main__":
    main()
