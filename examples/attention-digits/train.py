#!/usr/bin/env python3
"""Trains an attention network that reads digits row by row, and exports it with PyTorch's exporter.

    train.py DATA OUT [--epochs N] [--width C] [--heads H] [--blocks B]

DATA is a folder of MNIST files (train-images-idx3-ubyte.gz and so on). OUT gets
    attention.onnx          x [N,28,28] in 0..1, a row of pixels at each of 28 positions; logits [N,10]
    train.npz, test.npz     x: float32 [N,28,28], y: labels
and the accuracy is printed.
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


def read_idx(path):
    """Returns the elements of a gzip'd IDX file of unsigned bytes, in its shape."""
    with gzip.open(path) as f:
        data = f.read()
    if data[:3] != b"\0\0\x08":
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    shape = np.frombuffer(data, ">u4", data[3], 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def read_set(folder, prefix):
    """Returns pictures [count][28][28] in 0..1 and labels [count]."""
    x = read_idx(os.path.join(folder, prefix + "-images-idx3-ubyte.gz")).astype(np.float32) / 255
    y = read_idx(os.path.join(folder, prefix + "-labels-idx1-ubyte.gz")).astype(np.int64)
    return torch.from_numpy(x), torch.from_numpy(y)


class Block(nn.Module):
    """x + attention(norm(x)), then that + mlp(norm(that))."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x):
        positions, width = x.shape[1], x.shape[2]
        q, k, v = (t.reshape(-1, positions, self.heads, self.size).transpose(1, 2) for t in self.qkv(self.norm1(x)).chunk(3, dim=-1))
        p = torch.softmax(q @ k.transpose(-1, -2) / self.size ** 0.5, dim=-1)
        x = x + self.out((p @ v).transpose(1, 2).reshape(-1, positions, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Network(nn.Module):
    def __init__(self, width, heads, blocks):
        super().__init__()
        self.embed = nn.Linear(28, width)
        self.places = nn.Parameter(0.1 * torch.randn(28, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.embed(x) + self.places)).mean(1))


def vary(x, generator):
    """Shifts every picture by up to two pixels either way."""
    padded = F.pad(x, (2, 2, 2, 2))
    at = torch.randint(0, 5, (len(x), 2), generator=generator)
    return torch.stack([padded[i, r:r + 28, c:c + 28] for i, (r, c) in enumerate(at.tolist())])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--blocks", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)  # more threads add up in another order
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    x, y = read_set(args.data, "train")
    tx, ty = read_set(args.data, "t10k")
    net = Network(args.width, args.heads, args.blocks)
    steps = args.epochs * (len(x) // BATCH)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(args.epochs):
        order, varied = torch.randperm(len(x), generator=generator), vary(x, generator)
        for at in range(0, len(x) - BATCH + 1, BATCH):
            batch = order[at:at + BATCH]
            loss = F.cross_entropy(net(varied[batch]), y[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    net.eval()
    with torch.no_grad():
        right = (net(tx).argmax(1) == ty).float().mean().item()
    print(f"attention: {100 * right:.2f} % of {len(ty)} test digits, {sum(p.numel() for p in net.parameters())} parameters")
    os.makedirs(args.out, exist_ok=True)
    torch.onnx.export(net, x[:1], os.path.join(args.out, "attention.onnx"), input_names=["input"], output_names=["output"],
                      dynamic_axes={"input": {0: "N"}, "output": {0: "N"}}, opset_version=17)
    for part, px, py in (("train", x, y), ("test", tx, ty)):
        np.savez_compressed(os.path.join(args.out, part + ".npz"), x=px.numpy(), y=py.numpy())


if __name__ == "__main__":
    main()
