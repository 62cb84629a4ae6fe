#!/usr/bin/env python3
"""Draws recordings of a worn sensor, and trains two networks on windows of 32 steps of them in PyTorch. Leaves motion/train and motion/test, tables with a row for each
step, motion.onnx (an LSTM, the activity at the end of the window) and steps.onnx (a GRU, the activity at every step). Usage: motion.py"""
import os

import numpy as np
import torch
from torch import nn

STEPS, ACTIVITIES = 32, ("rest", "run", "walk")  # in the order of the alphabet, as qconv numbers them
rng = np.random.default_rng(1)
torch.manual_seed(1)
torch.set_num_threads(1)


def recording(parts):
    """Returns x, y, z of every step, and its activity."""
    x, label = [], []
    for _ in range(parts):
        activity, n = rng.integers(0, 3), rng.integers(60, 120)
        t = np.arange(n)[:, None]
        rate, size = ((0, 0), (1.1, 1.6), (0.5, 0.8))[activity]
        wave = size * np.sin(rate * rng.uniform(0.9, 1.1) * t + rng.uniform(0, 6, 3)) * (1, 0.6, 0.3)
        x.append(wave + (0, 0, 1) + rng.normal(0, 0.25, (n, 3)))
        label += [activity] * n
    return np.concatenate(x).astype(np.float32), np.array(label)


def windows(recordings, hop):
    x = [r[i:i + STEPS] for r, _ in recordings for i in range(0, len(r) - STEPS + 1, hop)]
    y = [l[i:i + STEPS] for _, l in recordings for i in range(0, len(l) - STEPS + 1, hop)]
    return torch.from_numpy(np.array(x)), torch.from_numpy(np.array(y))


class Network(nn.Module):
    def __init__(self, layer, every):
        super().__init__()
        self.layer, self.dense, self.every = layer(3, 16, batch_first=True), nn.Linear(16, 3), every

    def forward(self, x):
        steps = self.layer(x)[0]
        return self.dense(steps if self.every else steps[:, -1])


sets = {}
for part, count in ("train", 12), ("test", 4):
    os.makedirs("motion/" + part, exist_ok=True)
    sets[part] = [recording(8) for _ in range(count)]
    for i, (x, label) in enumerate(sets[part]):
        with open(f"motion/{part}/{i:02}.csv", "w") as f:
            print("time,x,y,z,activity", file=f)
            for t, (row, l) in enumerate(zip(x, label)):
                print(f"{t / 50:.2f},{row[0]:.4f},{row[1]:.4f},{row[2]:.4f},{ACTIVITIES[l]}", file=f)

x, y = windows(sets["train"], 4)
test_x, test_y = windows(sets["test"], 8)
for name, layer, every in ("motion", nn.LSTM, False), ("steps", nn.GRU, True):
    net = Network(layer, every)
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    for epoch in range(8):
        for part in torch.randperm(len(x)).split(64):
            out = net(x[part])
            loss = nn.functional.cross_entropy(out.reshape(-1, 3), (y[part] if every else y[part, -1]).reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    right = net(test_x).argmax(-1) == (test_y if every else test_y[:, -1])
    print(f"{name}.onnx: accuracy in PyTorch {100 * right.float().mean():.1f} %")
    torch.onnx.export(net, x[:1], name + ".onnx", opset_version=17, input_names=["window"], output_names=["scores"],
                      dynamic_axes={"window": {0: "N"}, "scores": {0: "N"}})
