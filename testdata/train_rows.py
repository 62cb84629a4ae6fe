#!/usr/bin/env python3
"""Trains recurrent networks that read digits row by row and exports them with PyTorch's exporter.

    python3 testdata/train_rows.py DATA OUT [--units 64] [--epochs 30]

DATA is a folder of MNIST-style gzip'd IDX files, such as testdata/digits. An image is a sequence of 28 steps of 28
values, x = pixel/255. It writes into OUT:
    gru.onnx, lstm.onnx          [N,28,28] -> [N,10] logits of the last step
    gru.ref.npz, lstm.ref.npz    x0: eight inputs, y0: PyTorch's outputs for them
    train.npz, test.npz          x float32 [count][28][28], y int64 [count]
    accuracy.txt                 images that each network has right
Nothing is chosen by the test images: the epochs are fixed, and the network is that of the last one.
"""
import argparse
import os
import warnings

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as F

from train_digits import OPSET, SEED, THREADS, read_set, right


class Rows(nn.Module):
    """One recurrent layer over the rows, and a dense layer behind its last step."""

    def __init__(self, layer, units):
        super().__init__()
        self.layer = layer(28, units, batch_first=True)
        self.dense = nn.Linear(units, 10)

    def forward(self, x):
        steps, _ = self.layer(x)  # [N][28][units]
        return self.dense(steps[:, -1])


def shifted(x, generator):
    """Moves every image by up to two rows and columns, what is new being background."""
    padded = F.pad(x, (2, 2, 2, 2))
    dy, dx = torch.randint(0, 5, (2, len(x)), generator=generator)
    rows = dy[:, None] + torch.arange(28)
    columns = dx[:, None] + torch.arange(28)
    return padded[torch.arange(len(x))[:, None, None], rows[:, :, None], columns[:, None, :]]


def train(net, x, y, epochs, rate=4e-3, batch=64):
    """Trains net with AdamW and a one-cycle rate, on images moved at random."""
    order = torch.Generator().manual_seed(SEED)
    steps = epochs * -(-len(x) // batch)
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    net.train()
    for _ in range(epochs):
        for i in torch.randperm(len(x), generator=order).split(batch):
            optimizer.zero_grad()
            F.cross_entropy(net(shifted(x[i], order)), y[i]).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return net.eval()


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("data")
    args.add_argument("out")
    args.add_argument("--units", type=int, default=64)
    args.add_argument("--epochs", type=int, default=30)
    args = args.parse_args()
    warnings.filterwarnings("ignore", module=r"torch\.onnx")  # the batch is dynamic, and no state is given
    torch.set_num_threads(THREADS)
    os.makedirs(args.out, exist_ok=True)
    train_x, train_y = read_set(args.data, "train")
    test_x, test_y = read_set(args.data, "t10k")
    train_x, test_x = train_x.squeeze(1), test_x.squeeze(1)
    for name, x, y in (("train", train_x, train_y), ("test", test_x, test_y)):
        np.savez_compressed(os.path.join(args.out, name + ".npz"), x=x.numpy(), y=y.numpy())
    lines = []
    for name, layer in (("gru", nn.GRU), ("lstm", nn.LSTM)):
        torch.manual_seed(SEED)
        net = train(Rows(layer, args.units), train_x, train_y, args.epochs)
        path = os.path.join(args.out, name + ".onnx")
        torch.onnx.export(net, test_x[:2], path, opset_version=OPSET, input_names=["input"], output_names=["output"],
                          dynamic_axes={"input": {0: "N"}, "output": {0: "N"}}, do_constant_folding=True)
        onnx.checker.check_model(onnx.load(path), full_check=True)
        with torch.no_grad():
            np.savez_compressed(os.path.join(args.out, name + ".ref.npz"), x0=test_x[:8].numpy(), y0=net(test_x[:8]).numpy())
        lines.append(f"{name}.onnx, {args.units} units: right {right(net, train_x, train_y)} of {len(train_y)} training and "
                     f"{right(net, test_x, test_y)} of {len(test_y)} test images")
        print(lines[-1], flush=True)
        with open(os.path.join(args.out, "accuracy.txt"), "w") as f:
            f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
