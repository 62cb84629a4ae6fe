#!/usr/bin/env python3
"""Trains the bundled models on testdata/digits and exports them with PyTorch's exporter.

Run from the root of the module:

    python3 testdata/train_digits.py

It writes, into testdata/:
    digits.onnx, digits.ref.npz          classifier, x = (pixel/255 - 0.1) / 0.22
    digits_ae.onnx, digits_ae.ref.npz    auto-encoder, x = pixel/255
    unsupported.onnx                     an untrained network with a TopK and a Multinomial
and prints the accuracy of each, and of softmax regression for comparison.
A .ref.npz holds x0, eight inputs, and y0, PyTorch's outputs for them, both float32.
"""
import argparse
import gzip
import os
import warnings

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as F

SEED = 1
THREADS = 1  # more threads add up in another order
MEAN, STD = 0.1, 0.22  # near those of the training pixels, of range 0..1
OPSET = 17


def read_idx(path):
    """Returns the elements of a gzip'd IDX file of unsigned bytes, in its shape."""
    with gzip.open(path) as f:
        data = f.read()
    if data[:3] != b"\0\0\x08":
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    shape = np.frombuffer(data, ">u4", data[3], 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def read_set(folder, prefix):
    """Returns images [count][1][28][28] in 0..1 and labels [count]."""
    images = read_idx(os.path.join(folder, prefix + "-images-idx3-ubyte.gz"))
    labels = read_idx(os.path.join(folder, prefix + "-labels-idx1-ubyte.gz"))
    x = torch.from_numpy(images.astype(np.float32) / np.float32(255)).unsqueeze(1)
    return x, torch.from_numpy(labels.astype(np.int64))


def linear():
    """Softmax regression."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))


def classifier():
    """A small LeNet with batch normalization; one convolution has a bias, one has none."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5, padding=2, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(784, 48), nn.ReLU(), nn.Linear(48, 10))


def autoencoder():
    """28x28 -> 14x14 -> 7x7 -> a code of 8x4x4 -> 7x7 -> 14x14 -> 28x28."""
    net = nn.Sequential(
        nn.Conv2d(1, 12, 3, stride=2, padding=1), nn.Tanh(),
        nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.Tanh(),
        nn.Conv2d(24, 8, 3, stride=2, padding=1), nn.Tanh(),
        nn.ConvTranspose2d(8, 24, 3, stride=2, padding=1), nn.Tanh(),
        nn.ConvTranspose2d(24, 12, 3, stride=2, padding=1, output_padding=1), nn.Tanh(),
        nn.ConvTranspose2d(12, 1, 4, stride=2, padding=1), nn.Sigmoid())
    for layer in net:  # with PyTorch's own, smaller first weights it learns the mean image only
        if hasattr(layer, "weight"):
            nn.init.xavier_uniform_(layer.weight, nn.init.calculate_gain("tanh"))
    return net


class Recurrent(nn.Module):
    """Reads an image column by column and draws one of the three best classes."""

    def __init__(self):
        super().__init__()
        self.state = nn.Parameter(torch.zeros(1, 1, 8))  # the LSTM's first states
        self.conv = nn.Conv2d(1, 4, (28, 3), padding=(0, 1))
        self.lstm = nn.LSTM(4, 8)
        self.dense = nn.Linear(8, 10)

    def forward(self, x):
        columns = F.relu(self.conv(x)).squeeze(2)  # [1][4][28]
        _, (last, _) = self.lstm(columns.permute(2, 0, 1), (self.state, self.state))  # [1][1][8]
        return self.dense(last.squeeze(0)).topk(3)[0].exp().multinomial(1)


def train(net, x, y, loss, epochs, rate, decay=0.0):
    """Trains net with AdamW and a one-cycle rate, batches of 64 in an order of its own seed."""
    batch = 64
    order = torch.Generator().manual_seed(SEED)
    steps = epochs * -(-len(x) // batch)
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    net.train()
    for _ in range(epochs):
        for i in torch.randperm(len(x), generator=order).split(batch):
            optimizer.zero_grad()
            loss(net(x[i]), y[i]).backward()
            optimizer.step()
            schedule.step()
    return net.eval()


@torch.no_grad()
def right(net, x, y):
    """Returns how many samples net classifies rightly."""
    return int((net(x).argmax(1) == y).sum())


def export(net, path, x, dynamic=True):
    """Writes net as ONNX, BatchNormalization left as it is, and reports its nodes."""
    net.eval()
    torch.onnx.export(
        net, x, path, opset_version=OPSET, input_names=["input"], output_names=["output"],
        dynamic_axes={"input": {0: "N"}, "output": {0: "N"}} if dynamic else None,
        do_constant_folding=True, training=torch.onnx.TrainingMode.PRESERVE)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    ops = " ".join(node.op_type for node in model.graph.node)
    parameters = sum(int(np.prod(w.dims)) for w in model.graph.initializer if w.data_type == onnx.TensorProto.FLOAT)
    print(f"{path}: {os.path.getsize(path)} bytes, {parameters} parameters: {ops}")


@torch.no_grad()
def reference(net, path, x):
    """Writes inputs and PyTorch's outputs for them."""
    np.savez_compressed(path, x0=x.numpy(), y0=net(x).numpy())
    print(f"{path}: {os.path.getsize(path)} bytes")


def main():
    here = os.path.relpath(os.path.dirname(os.path.abspath(__file__)))
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("-o", default=here, help="folder to write to")
    out = args.parse_args().o
    warnings.filterwarnings("ignore", module=r"torch\.onnx")  # advice for models in training mode; these are not
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    data = os.path.join(here, "digits")
    train_x, train_y = read_set(data, "train")
    test_x, test_y = read_set(data, "t10k")
    print(f"training pixels: mean {train_x.mean():.4f}, standard deviation {train_x.std():.4f}")
    eight = torch.stack([test_x[test_y == digit][0] for digit in range(8)])
    train_n, test_n, eight_n = ((x - MEAN) / STD for x in (train_x, test_x, eight))

    def score(name, net):
        print(f"{name}: {right(net, train_n, train_y)} of {len(train_y)} training and "
              f"{right(net, test_n, test_y)} of {len(test_y)} test images right")

    for decay in (0.1, 3.0):
        torch.manual_seed(SEED)
        net = train(linear(), train_n, train_y, F.cross_entropy, epochs=20, rate=3e-3, decay=decay)
        score(f"softmax regression, decay {decay}", net)

    torch.manual_seed(SEED)
    net = train(classifier(), train_n, train_y, F.cross_entropy, epochs=15, rate=4e-3, decay=0.05)
    score("classifier", net)
    export(net, os.path.join(out, "digits.onnx"), eight_n[:1])
    reference(net, os.path.join(out, "digits.ref.npz"), eight_n)

    torch.manual_seed(SEED)
    net = train(autoencoder(), train_x, train_x, F.mse_loss, epochs=8, rate=1e-2)
    with torch.no_grad():
        error = F.mse_loss(net(test_x), test_x).item()
        mean = F.mse_loss(train_x.mean(0).expand_as(test_x), test_x).item()
    print(f"auto-encoder: test MSE {error:.6f}; the mean training image gives {mean:.6f}")
    export(net, os.path.join(out, "digits_ae.onnx"), eight[:1])
    reference(net, os.path.join(out, "digits_ae.ref.npz"), eight)

    torch.manual_seed(SEED)
    export(Recurrent(), os.path.join(out, "unsupported.onnx"), eight_n[:1], dynamic=False)


if __name__ == "__main__":
    main()
