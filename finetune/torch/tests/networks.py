"""The networks that levels are compared on, with a few steps of training, and their data."""

import gzip
import io
import os
import sys
import zipfile

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), os.path.join(os.path.dirname(HERE), "examples")]
SHARED = os.environ.get("QCONV_SHARED", os.path.abspath(os.path.join(HERE, "..", "..", "..", "..", "shared")))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 5, bias=False), nn.BatchNorm2d(32),
        nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(800, 64), nn.Tanh(), nn.Dropout(0.2), nn.Linear(64, 10))


class Depthwise(nn.Module):
    """Depthwise and pointwise convolutions, a gate (squeeze and excitation), a concatenation, hard and smooth functions."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 12, 3, 2, 1, bias=False), nn.BatchNorm2d(12), nn.Hardswish())
        self.deep = nn.Sequential(nn.Conv2d(12, 12, 3, 1, 1, groups=12, bias=False), nn.BatchNorm2d(12), nn.ReLU6())
        self.point = nn.Sequential(nn.Conv2d(12, 24, 1, bias=False), nn.BatchNorm2d(24), nn.SiLU())
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(24, 6, 1), nn.GELU(), nn.Conv2d(6, 24, 1), nn.Hardsigmoid())
        self.deep2 = nn.Sequential(nn.Conv2d(24, 24, 3, 2, 1, groups=24, bias=False), nn.BatchNorm2d(24), nn.LeakyReLU(0.1))
        self.fc = nn.Linear(48, 10)

    def forward(self, x):
        x = self.point(self.deep(self.stem(x)))
        x = self.deep2(x * self.gate(x))
        x = torch.cat([x.mean([2, 3]), F.adaptive_max_pool2d(x, 1).flatten(1)], 1)
        return F.log_softmax(self.fc(x), 1)


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ELU(), nn.Conv2d(16, 16, 7), nn.Tanh())
        self.up = nn.Sequential(
            nn.ConvTranspose2d(16, 16, 7), nn.ReLU(), nn.ConvTranspose2d(16, 8, 3, 2, 1, output_padding=1), nn.BatchNorm2d(8), nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 4, 2, 1))

    def forward(self, x):
        return torch.sigmoid(self.up(self.down(x)))


class Line(nn.Module):
    """One dimension: rows of a picture are channels; residual sums of two kinds, an average pooling, a grouped transposed convolution."""

    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(nn.Conv1d(28, 24, 5, padding=2), nn.BatchNorm1d(24), nn.ReLU())
        self.b = nn.Conv1d(24, 24, 3, padding=2, dilation=2, groups=4)
        self.c, self.d = nn.Conv1d(24, 24, 3, 2, 1), nn.Conv1d(24, 24, 1, 2)
        self.up = nn.ConvTranspose1d(24, 16, 4, 2, 1, groups=2)
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = self.a(x.view(x.size(0), 28, 28))
        x = F.relu(x + self.b(x))
        x = F.relu(self.c(x) - self.d(x))
        x = F.softplus(self.up(F.avg_pool1d(x, 2)))
        return self.fc(x.mean(2))


def shared(name):
    """A file of the shared models and data; None where it is not there."""
    path = os.path.join(SHARED, name)
    return path if os.path.exists(path) else None


def digits(part):
    """MNIST digits as bytes [N][1][28][28], and their classes."""
    def read(name, skip):
        with gzip.open(os.path.join(SHARED, "data", "mnist10k", name)) as f:
            return np.frombuffer(f.read(), np.uint8)[skip:]

    return read(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28), read(f"{part}-labels-idx1-ubyte.gz", 8)


def pictures(split, count):
    """CIFAR-10 pictures as bytes [N][3][32][32], and their classes, classes in turns."""
    from PIL import Image

    with zipfile.ZipFile(os.path.join(SHARED, "data", "cifar10.zip")) as z:
        names = sorted((n.split("/")[2], n) for n in z.namelist() if n.startswith(split + "/") and n.endswith(".jpg"))[:count]
        classes = sorted({n.split("/")[1] for _, n in names})
        x = [np.asarray(Image.open(io.BytesIO(z.read(n))).convert("RGB")).transpose(2, 0, 1) for _, n in names]
    return np.stack(x), np.array([classes.index(n.split("/")[1]) for _, n in names])


def loss(net, x, y, values):
    out = net(x)
    return F.mse_loss(out, x) if values else F.cross_entropy(out, y)


def fit(net, x, y, steps, rate, values=False, groups=None, after=lambda: None, batch=64):
    """Trains for some steps."""
    optimizer = torch.optim.Adam(groups or net.parameters(), lr=rate)
    order = np.random.RandomState(0)
    net.train()
    for _ in range(steps):
        pick = order.randint(0, len(x), batch)
        optimizer.zero_grad()
        loss(net, x[pick], y[pick], values).backward()
        optimizer.step()
        after()
    net.eval()
    return net
