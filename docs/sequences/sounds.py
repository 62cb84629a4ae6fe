#!/usr/bin/env python3
"""Draws sounds of half a second, and trains two networks on them in PyTorch. Leaves sounds/train and sounds/test, WAV files in folders by class, bird.onnx (a GRU over MFCC
as tf.signal computes them) and raw.onnx (convolutions over the samples). Usage: sounds.py"""
import os
import sys
import wave

import numpy as np
import torch
from torch import nn

here = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "finetune", "features", "testdata"))
from reference import cosines, tensorflow_bands, tensorflow_spectrum

RATE, SAMPLES, CLASSES = 16000, 8000, ("chirp", "hum", "knock")
rng = np.random.default_rng(1)
torch.manual_seed(1)
torch.set_num_threads(1)


def sound(kind):
    t = np.arange(SAMPLES) / RATE
    at = rng.uniform(0.1, 0.35)
    if kind == "chirp":
        x = np.sin(2 * np.pi * (rng.uniform(1500, 2500) + 4000 * t) * t) * np.exp(-((t - at) / 0.05) ** 2)
    elif kind == "hum":
        x = 0.7 * np.sin(2 * np.pi * rng.uniform(150, 350) * t + rng.uniform(0, 6))
    else:
        x = np.where(t > at, np.exp(-(t - at) / 0.02), 0) * rng.normal(size=SAMPLES)
    return np.clip(np.round((0.5 * x + rng.normal(0, 0.02, SAMPLES)) * 32768), -32768, 32767).astype(np.int16)


def mfcc(x, bands=tensorflow_bands(257, 40, 20, 4000, RATE), table=cosines(40, 10, False)):
    return np.log(tensorflow_spectrum(x / 32768, 480, 320, 512, 1) @ bands + 1e-6) @ table


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru, self.dense = nn.GRU(10, 16, batch_first=True), nn.Linear(16, len(CLASSES))

    def forward(self, x):
        return self.dense(self.gru(x / 10)[0][:, -1])


raw = nn.Sequential(nn.Conv1d(1, 8, 64, stride=16), nn.ReLU(), nn.Conv1d(8, 16, 16, stride=8), nn.ReLU(), nn.AvgPool1d(8), nn.Flatten(), nn.Linear(112, len(CLASSES)))
data = {}
for part, count in ("train", 60), ("test", 30):
    data[part] = [(sound(c), k) for k, c in enumerate(CLASSES) for _ in range(count)]
    for i, (x, k) in enumerate(data[part]):
        os.makedirs(f"sounds/{part}/{CLASSES[k]}", exist_ok=True)
        with wave.open(f"sounds/{part}/{CLASSES[k]}/{i:03}.wav", "wb") as f:
            f.setparams((1, 2, RATE, 0, "NONE", ""))
            f.writeframes(x.tobytes())
for name, net, inputs in ("bird", Words(), mfcc), ("raw", raw, lambda x: x[None] / 32768):
    x, y, test_x, test_y = (torch.tensor(np.array(v), dtype=d) for part in ("train", "test")
                            for v, d in (([inputs(s) for s, _ in data[part]], torch.float32), ([k for _, k in data[part]], torch.int64)))
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    for epoch in range(30):
        for i in torch.randperm(len(x)).split(30):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[i]), y[i]).backward()
            optimizer.step()
    print(f"{name}.onnx: accuracy in PyTorch {100 * (net(test_x).argmax(1) == test_y).float().mean():.1f} %")
    torch.onnx.export(net, x[:1], name + ".onnx", opset_version=17, input_names=["sound"], output_names=["scores"],
                      dynamic_axes={"sound": {0: "N"}, "scores": {0: "N"}})
