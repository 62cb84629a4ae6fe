"""Every operator that the package takes: the program has the same sites, the same levels and the same answers."""

import json
import os
import subprocess
import tempfile
import unittest

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import networks
import qconv_torch as q
from qconv_torch.prepare import qconv
from test_exact import compare, convert

torch.set_num_threads(1)
torch.manual_seed(2)


class Net(nn.Module):
    """Something between two layers."""

    def __init__(self, function, channels=8, ends=None, out=8):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, channels, 3, padding=1), ends or nn.Conv2d(out, 4, 1)
        self.function = function if isinstance(function, nn.Module) else None
        self.call = function

    def forward(self, x):
        return self.last(self.call(self.first(x)) if self.function is None else self.function(self.first(x)))


FUNCTIONS = {
    "relu": F.relu, "relu6": F.relu6, "hardtanh": F.hardtanh, "leaky": lambda x: F.leaky_relu(x, 0.2), "elu": F.elu, "sigmoid": torch.sigmoid, "tanh": torch.tanh,
    "silu": F.silu, "mish": F.mish, "gelu": F.gelu, "hardswish": F.hardswish, "hardsigmoid": F.hardsigmoid, "softplus": F.softplus, "softsign": F.softsign,
    "abs": torch.abs, "exp": torch.exp, "clamp": lambda x: x.clamp(-0.2, 0.3), "clamp below": lambda x: torch.clamp(x, min=-0.1),
    "neg": lambda x: -torch.relu(x), "constants": lambda x: (1 - torch.tanh(x)) * 0.7 + 0.2, "divided": lambda x: torch.relu(x) / 3,
    "norm behind": nn.Sequential(nn.ReLU(), nn.BatchNorm2d(8)), "two functions": lambda x: torch.tanh(F.relu(x) - 0.5),
    "max pool": lambda x: F.max_pool2d(F.relu(x), 2, ceil_mode=True), "average": lambda x: F.avg_pool2d(x, 2), "relu of average": lambda x: F.relu(F.avg_pool2d(x, 2)),
    "average, padded": lambda x: F.avg_pool2d(F.relu(x), 3, 2, 1, count_include_pad=False), "average, padding counts": nn.AvgPool2d(3, 2, 1),
    "adaptive": nn.AdaptiveAvgPool2d((3, 1)), "adaptive maximum": nn.AdaptiveMaxPool2d((2, 5)), "global": lambda x: F.relu(F.adaptive_avg_pool2d(x, 1)),
    "mean, kept": lambda x: x.mean([2, 3], keepdim=True), "zero pad": nn.ZeroPad2d((1, 0, 2, 1)), "constant pad": lambda x: F.pad(F.relu(x), (1, 1), value=0.5),
    "reflection": nn.ReflectionPad2d(1), "replication": lambda x: F.pad(F.relu(x), (1, 2, 0, 1), "replicate"), "upsample": nn.Upsample(scale_factor=2),
    "interpolate": lambda x: F.interpolate(F.relu(x), scale_factor=(1, 3)), "swap": lambda x: F.relu(x).transpose(2, 3), "permute": lambda x: torch.relu(x).permute(0, 1, 3, 2),
    "slices": lambda x: F.relu(x)[:, :, 1:4, :-1], "cut channels": lambda x: torch.cat([F.relu(x)[:, 4:], torch.tanh(x)[:, :4]], 1), "view": lambda x: F.relu(x).view(x.size(0), 8, 5, 6),
    "reshape of sizes": lambda x: F.relu(x).reshape(x.shape[0], x.shape[1], -1, 3), "dropout": nn.Sequential(nn.ReLU(), nn.Dropout(0.5)), "identity": nn.Identity(),
    "function of a view": lambda x: F.relu(x.flatten(1)).view(-1, 8, 6, 5), "function of a mean": lambda x: torch.tanh(x.mean([2, 3])).view(-1, 8, 1, 1),
    "function of a pooled view": lambda x: torch.tanh(F.adaptive_avg_pool2d(x, 1).flatten(1)).unflatten(1, (8, 1, 1)), "sum of views": lambda x: F.relu(x.flatten(1) + torch.tanh(x).flatten(1)).view(-1, 8, 6, 5),
    "halves": lambda x: torch.cat([torch.relu(torch.chunk(x, 2, 1)[1]), torch.chunk(F.relu(x), 2, dim=1)[0]], 1), "product": lambda x: torch.relu(x) * torch.sigmoid(x.mean([2, 3], keepdim=True)),
    "larger": lambda x: torch.maximum(F.relu(x), torch.tanh(x)), "smaller": lambda x: torch.minimum(F.relu(x), torch.tanh(x)),
    "sum of levels": lambda x: F.relu(x) + torch.tanh(x), "difference": lambda x: torch.sub(F.relu(x), torch.tanh(x)), "square": lambda x: torch.relu(x) * torch.relu(x),
    "spelled swish": lambda x: x * torch.sigmoid(1.7 * x), "spelled of an input": lambda x: x / (1 + torch.abs(x)), "two of three": lambda x: torch.cat([torch.relu(x) + torch.tanh(x), x], 1)[:, 4:12],
}
OTHERS = {
    "shuffle": Net(nn.PixelShuffle(2), out=2), "depthwise": Net(nn.Conv2d(8, 8, 3, groups=8)), "dilated": Net(nn.Sequential(nn.Conv2d(8, 8, 3, padding=2, dilation=2), nn.ReLU())),
    "same": Net(nn.Sequential(nn.Conv2d(8, 8, (2, 3), padding="same"), nn.ReLU())), "transposed": Net(nn.Sequential(nn.ConvTranspose2d(8, 6, 3, (2, 3), 1, (1, 0), 2), nn.ReLU()), out=6),
    "transposed, dilated": Net(nn.Sequential(nn.ConvTranspose2d(8, 8, 2, dilation=2, bias=False), nn.BatchNorm2d(8), nn.Tanh())),
    "dense": Net(F.relu, ends=nn.Sequential(nn.Flatten(), nn.Linear(240, 16), nn.Sigmoid(), nn.Linear(16, 5), nn.Softmax(1))),
    "output with levels": Net(F.relu, ends=nn.Sequential(nn.Conv2d(8, 3, 1), nn.Sigmoid())), "one layer twice": None,
}


class Twice(nn.Module):
    """A layer that is used twice, and a residual sum of three."""

    def __init__(self):
        super().__init__()
        self.first, self.again, self.last = nn.Conv2d(3, 6, 1), nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(6, 2, 1)
        self.other = nn.Conv2d(6, 6, 1)

    def forward(self, x):
        x = F.relu(self.first(x))
        x = F.relu(x + self.again(x))
        return self.last(F.relu(self.again(x) + x + self.other(x)))


OTHERS["one layer twice"] = Twice()


class Ignorant(nn.Module):
    def forward(self, x, y):
        return torch.relu(x)


class Several(nn.Module):
    """Two inputs, three outputs, of which one is read inside, and work for nothing."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.unused = nn.Conv2d(3, 4, 3), nn.Linear(4, 6), nn.Conv2d(3, 1, 1)

    def forward(self, x, y):
        self.unused(x)
        features = F.relu(self.a(x))
        scores = self.b(features.mean([2, 3]) + y)
        return features, F.softmax(scores, 1), {"tanh": torch.tanh(scores)}


@unittest.skipUnless(qconv() and os.environ.get("QRUN"), "needs QCONV and QRUN")
class Operators(unittest.TestCase):
    def check(self, name, net):
        torch.manual_seed(1)
        for m in net.modules():
            if isinstance(m, nn.BatchNorm2d):
                m.running_mean.uniform_(-0.1, 0.3), m.running_var.uniform_(0.5, 2), nn.init.uniform_(m.weight, 0.5, 1), nn.init.uniform_(m.bias)
        pixels = np.random.RandomState(0).randint(0, 256, (12, 3, 6, 5), dtype=np.uint8)
        x = torch.tensor(pixels) / 255.0
        model = q.prepare(net, levels=16, weights=9, pixels={"scale": 1 / 255}, example=x)
        q.calibrate(model, [x], method="max")
        float_net = net.eval()
        q.freeze(model)
        with tempfile.TemporaryDirectory() as folder:
            path, traced = os.path.join(folder, "net.q.onnx"), os.path.join(folder, "trace.q.onnx")
            q.export(model, path, x[:2])
            q.export(model, traced, x[:1], trace=True)
            sites = json.loads(subprocess.run([qconv(), "inspect", path, "--json"], capture_output=True, text=True, check=True).stdout)["levels"]
            self.assertEqual({s["value"] for s in sites}, {s.name for s in model.sites})
            with q.Program(convert(traced)) as program:
                for site, (_, different, ties) in compare(model, program, pixels).items():
                    self.assertEqual(different, ties, f"{name}: {site}")
            with q.Program(convert(path)) as program:
                got = program.results(pixels)
        want = model(x).detach().numpy().reshape(len(x), -1)
        if isinstance(getattr(net, "last", None), nn.Sequential) and isinstance(net.last[-1], nn.Softmax):
            got = np.array([r["outputs"][0]["normalized"] for r in got])
        else:
            got = np.array([q.program.numbers(r["outputs"][0]) for r in got])
        far = np.abs(got - want) > 1e-4 * np.abs(want).max()
        self.assertLess(far.mean(), 0.01, name)  # a tie before it moves an output
        noise = np.square(want - float_net(x).detach().numpy().reshape(want.shape)).mean() / want.var()
        self.assertLess(noise, 0.4, f"{name}: the network with levels is another one than that without")

    def test_several(self):
        torch.manual_seed(1)
        x, y = torch.rand(8, 3, 6, 5), torch.randn(8, 4)
        model = q.prepare(Several(), levels=16)
        q.calibrate(model, [(x[:4], y[:4]), (x[4:], y[4:])])
        q.freeze(model)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "net.q.onnx")
            q.export(model, path, (x, y))
            sites = json.loads(subprocess.run([qconv(), "inspect", path, "--json"], capture_output=True, text=True, check=True).stdout)["levels"]
            self.assertEqual([s["value"] for s in sites], [s.name for s in model.sites])
            program = convert(path)
            np.savez(os.path.join(folder, "in.npz"), x=x.numpy(), y=y.numpy())
            features = os.path.join(folder, "out.npy")
            subprocess.run([qconv(), "run", program, "--input", os.path.join(folder, "in.npz"), "-o", features, "-q"], check=True, capture_output=True)
            np.testing.assert_allclose(np.load(features).reshape(-1), model(x, y)[0].detach().numpy().reshape(-1), atol=1e-5)
        with self.assertRaisesRegex(ValueError, "y: an input that nothing reads"):
            q.prepare(Ignorant())

    def test_functions(self):
        for name, function in FUNCTIONS.items():
            with self.subTest(name):
                torch.manual_seed(2)
                self.check(name, Net(function))

    def test_layers(self):
        for name, net in OTHERS.items():
            with self.subTest(name):
                self.check(name, net)


if __name__ == "__main__":
    unittest.main()
