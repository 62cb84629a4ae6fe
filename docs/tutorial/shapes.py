#!/usr/bin/env python3
"""Trains a small network in PyTorch on pictures of shapes, and leaves what qconv needs: shapes.onnx, and the folder pictures/ with train/ and
test/ of four classes. Usage: shapes.py [PICTURES OF EACH CLASS]"""
import os
import sys

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import nn

CLASSES = ["circle", "cross", "square", "triangle"]
rng = np.random.default_rng(1)
torch.manual_seed(1)


def draw(kind):
    """A shape of any size, place and colour on a noisy background, 32x32 pixels."""
    pixels = rng.integers(0, 90, (32, 32, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    pen, r = ImageDraw.Draw(image), rng.integers(5, 11)
    x, y = rng.integers(r, 32 - r, 2)
    colour = tuple(int(v) for v in rng.integers(120, 256, 3))
    if kind == "circle":
        pen.ellipse([x - r, y - r, x + r, y + r], fill=colour)
    elif kind == "square":
        pen.rectangle([x - r, y - r, x + r, y + r], fill=colour)
    elif kind == "triangle":
        pen.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill=colour)
    else:
        pen.line([x - r, y, x + r, y], fill=colour, width=3)
        pen.line([x, y - r, x, y + r], fill=colour, width=3)
    return image


def write(part, count):
    pictures, labels = [], []
    for label, kind in enumerate(CLASSES):
        os.makedirs(f"pictures/{part}/{kind}", exist_ok=True)
        for i in range(count):
            image = draw(kind)
            image.save(f"pictures/{part}/{kind}/{i:04}.png")
            pictures.append(np.asarray(image).transpose(2, 0, 1))
            labels.append(label)
    return torch.tensor(np.stack(pictures)).float() / 255, torch.tensor(labels)


count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
x, y = write("train", count)
test_x, test_y = write("test", count // 2)

net = nn.Sequential(
    nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
    nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, len(CLASSES)))
optimizer = torch.optim.Adam(net.parameters(), 3e-3)
for epoch in range(30):
    for part in torch.randperm(len(x)).split(32):
        loss = nn.functional.cross_entropy(net(x[part]), y[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
net.eval()
print("accuracy in PyTorch: %.1f %%" % (100 * (net(test_x).argmax(1) == test_y).float().mean()))
torch.onnx.export(net, x[:1], "shapes.onnx", input_names=["image"], output_names=["scores"], dynamic_axes={"image": {0: "N"}, "scores": {0: "N"}})
