"""ResNet-8 for CIFAR-10, the image classification network of MLPerf Tiny; raw pixels 0..255 in, scores out."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class ResNet8(nn.Module):
    def __init__(self):
        super().__init__()
        sizes = [(3, 16, 3), (16, 16, 3), (16, 16, 3), (16, 32, 3), (32, 32, 3), (16, 32, 1), (32, 64, 3), (64, 64, 3), (32, 64, 1)]
        strides = [1, 1, 1, 2, 1, 2, 2, 1, 2]
        self.c = nn.ModuleList(nn.Conv2d(i, o, k, s, padding=1 if k == 3 and s == 1 else 0) for (i, o, k), s in zip(sizes, strides))
        self.b = nn.ModuleList(nn.BatchNorm2d(n, eps=1e-3) for n in (16, 16, 16, 32, 32, 64, 64))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        c, b = self.c, self.b
        x = F.relu(b[0](c[0](x)))
        x = F.relu(x + b[2](c[2](F.relu(b[1](c[1](x))))))
        for first, norm in ((3, 3), (6, 5)):  # the pictures' right and bottom borders are padded, as Keras does
            y = F.relu(b[norm](c[first](F.pad(x, (0, 1, 0, 1)))))
            x = F.relu(c[first + 2](x) + b[norm + 1](c[first + 1](y)))
        return self.fc(torch.flatten(F.avg_pool2d(x, 8), 1))


def load(path):
    """The network with the weights of an ONNX file, or a state_dict."""
    net = ResNet8().eval()
    if path.endswith(".onnx"):
        import onnx
        from onnx import numpy_helper

        state = {i.name: torch.from_numpy(np.array(numpy_helper.to_array(i))) for i in onnx.load(path).graph.initializer}
        net.load_state_dict({k: state[k] for k in net.state_dict() if not k.endswith("num_batches_tracked")}, strict=False)
    else:
        net.load_state_dict(torch.load(path, map_location="cpu"))
    return net
