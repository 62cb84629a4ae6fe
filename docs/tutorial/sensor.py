#!/usr/bin/env python3
"""Trains a one-dimensional network in PyTorch on windows of 64 values of a sensor, and leaves what qconv needs: sensor.onnx, train.csv and
test.csv, whose last column is the class (0 quiet, 1 hum, 2 knock). Usage: sensor.py [WINDOWS]"""
import sys

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(1)
torch.manual_seed(1)


def windows(count):
    label = rng.integers(0, 3, count)
    t = np.arange(64)
    x = rng.normal(0, 0.3, (count, 64))
    for i in range(count):
        if label[i] == 1:
            x[i] += np.sin(t * rng.uniform(0.3, 0.9) + rng.uniform(0, 6)) * rng.uniform(0.5, 2)
        elif label[i] == 2:
            at = rng.integers(0, 48)
            x[i, at:] += rng.uniform(2, 5) * np.exp(-(t[at:] - at) / 4)
    return x.astype(np.float32), label


def write(name, x, label):
    with open(name, "w") as f:
        print(",".join(["v%d" % i for i in range(64)] + ["label"]), file=f)
        for row, l in zip(x, label):
            print(",".join(["%.4f" % v for v in row] + [str(l)]), file=f)


count = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
x, label = windows(count)
test_x, test_label = windows(1000)
write("train.csv", x, label)
write("test.csv", test_x, test_label)

net = nn.Sequential(
    nn.Conv1d(1, 8, 7, stride=2, padding=3), nn.ReLU(), nn.Conv1d(8, 16, 5, stride=2, padding=2), nn.ReLU(),
    nn.Flatten(), nn.Linear(16 * 16, 24), nn.Tanh(), nn.Linear(24, 3))
optimizer = torch.optim.Adam(net.parameters(), 2e-3)
inputs, targets = torch.tensor(x)[:, None], torch.tensor(label)
for epoch in range(10):
    for part in torch.randperm(count).split(32):
        loss = nn.functional.cross_entropy(net(inputs[part]), targets[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
right = net(torch.tensor(test_x)[:, None]).argmax(1).numpy() == test_label
print("accuracy in PyTorch: %.1f %%" % (100 * right.mean()))
torch.onnx.export(net, inputs[:1], "sensor.onnx", input_names=["window"], output_names=["scores"], dynamic_axes={"window": {0: "N"}, "scores": {0: "N"}})
