#!/usr/bin/env python3
"""Trains two networks on digits of 16x16 pixels and exports them with PyTorch's exporter.

    train.py DATA OUT [--epochs N]

DATA is a folder of MNIST files (train-images-idx3-ubyte.gz and so on) of 28x28 pixels. OUT gets
    mlp.onnx, conv.onnx     256-64-64-64-10, and a small convolutional network; x = pixel/255, [N,1,16,16]
    train.npz, test.npz     x: uint8 [N,1,16,16], y: labels; train.npz holds the pictures of training and varied ones
and the accuracy of each is printed.
"""
import argparse
import gzip
import os

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SEED = 1
BATCH = 64
VARIED = 4  # varied pictures of each one in train.npz


def read_idx(path):
    """Returns the elements of a gzip'd IDX file of unsigned bytes, in its shape."""
    with gzip.open(path) as f:
        data = f.read()
    if data[:3] != b"\0\0\x08":
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    shape = np.frombuffer(data, ">u4", data[3], 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def read_set(folder, prefix):
    """Returns pictures [count][1][16][16] in 0..1 and labels [count]."""
    images = torch.from_numpy(read_idx(os.path.join(folder, prefix + "-images-idx3-ubyte.gz")).astype(np.float32) / 255)
    labels = read_idx(os.path.join(folder, prefix + "-labels-idx1-ubyte.gz"))
    small = F.interpolate(images.unsqueeze(1), size=(16, 16), mode="area")
    return (small * 255).round() / 255, torch.from_numpy(labels.astype(np.int64))


def vary(x, generator):
    """Turns, scales, slants and shifts every picture a little."""
    n = len(x)
    u = lambda reach: (torch.rand(n, generator=generator) * 2 - 1) * reach
    angle, scale, slant = u(0.2), 1 + u(0.12), u(0.2)
    c, s = torch.cos(angle) / scale, torch.sin(angle) / scale
    theta = torch.stack([torch.stack([c, s + slant, u(0.14)], 1), torch.stack([-s, c, u(0.14)], 1)], 1)
    return F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False)


def mlp():
    """The network of BitNetMCU, with batch normalization, which is folded into the weights."""
    layers = [nn.Flatten()]
    for i, o in ((256, 64), (64, 64), (64, 64)):
        layers += [nn.Linear(i, o), nn.BatchNorm1d(o), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(64, 10))


def conv():
    """A small convolutional network."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 24, 3, padding=0), nn.BatchNorm2d(24), nn.ReLU(),
        nn.Flatten(), nn.Linear(96, 10))


def train(net, x, y, epochs, generator):
    """Trains on pictures that are varied anew in every epoch."""
    steps = epochs * (len(x) // BATCH)
    optimizer = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(epochs):
        net.train()
        order = torch.randperm(len(x), generator=generator)
        varied = vary(x, generator)
        for at in range(0, len(x) - BATCH + 1, BATCH):
            batch = order[at:at + BATCH]
            loss = F.cross_entropy(net(varied[batch]), y[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    net.eval()


def accuracy(net, x, y):
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--epochs", type=int, default=120)
    args = parser.parse_args()
    torch.set_num_threads(1)  # more threads add up in another order
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    x, y = read_set(args.data, "train")
    tx, ty = read_set(args.data, "t10k")
    os.makedirs(args.out, exist_ok=True)
    for name, net in (("mlp", mlp()), ("conv", conv())):
        train(net, x, y, args.epochs, generator)
        print(f"{name}: {100 * accuracy(net, tx, ty):.2f} % of {len(ty)} test digits, "
              f"{sum(p.numel() for p in net.parameters())} parameters")
        torch.onnx.export(net, x[:1], os.path.join(args.out, name + ".onnx"), input_names=["input"], output_names=["output"],
                          dynamic_axes={"input": {0: "N"}, "output": {0: "N"}}, opset_version=13)
    varied = torch.cat([x] + [vary(x, generator) for _ in range(VARIED)])
    for part, px, py in (("train", varied, y.repeat(1 + VARIED)), ("test", tx, ty)):
        np.savez_compressed(os.path.join(args.out, part + ".npz"), x=(px * 255).round().clamp(0, 255).numpy().astype(np.uint8), y=py.numpy())


if __name__ == "__main__":
    main()
