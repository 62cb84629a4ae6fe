"""The benchmarked architectures in PyTorch, BatchNormalization folded: their speed does not depend on their weights."""
from torch import nn


class Residual(nn.Module):
    """Two 3x3 convolutions beside the identity or a strided 1x1 convolution, as in ResNet-8."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Identity() if stride == 1 else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x):
        return nn.functional.relu(self.second(nn.functional.relu(self.first(x))) + self.shortcut(x))


def resnet8():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), Residual(16, 16, 1), Residual(16, 32, 2), Residual(32, 64, 2),
        nn.AvgPool2d(8), nn.Flatten(), nn.Linear(64, 10))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 128), nn.ReLU(), nn.Linear(128, 10))


# By model file: the network, and the shape of one sample.
NETWORKS = {"resnet8_cifar10": (resnet8, (3, 32, 32)), "mnist_lenet": (lenet, (1, 28, 28))}
