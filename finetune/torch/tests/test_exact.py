"""The levels that the program computes are those of the network in evaluation mode."""

import copy
import json
import os
import subprocess
import tempfile
import unittest
from importlib.util import find_spec

import numpy as np
import torch

import networks
import qconv_torch as q
from qconv_torch.prepare import pixel_lists, qconv

torch.set_num_threads(1)


def compare(model, program, pixels):
    """Counts elements, and those whose level differs, by site: [all, different, of these explained by the rounding of float32].

    Every site gets the program's levels of the sites before it, so that a difference is told where it arises. The real number before rounding, in float64,
    says whether the program or float32 is right; an explained difference is one where float64 agrees with the program, or lies within 1e-6 of a level from a tie.
    """
    found = {}
    double = copy.deepcopy(model).double()
    seen = []

    def force(levels, name):
        def hook(module, inputs, output):
            seen.append((name, inputs[0]))
            if name not in levels:
                return output
            l = module.levels()
            return (torch.from_numpy(levels[name]).to(output.dtype) - l.zero).reshape(output.shape) * module.step()

        return hook

    results = program.results(pixels)
    levels = {o["name"]: np.array([r["outputs"][i]["values"] for r in results], dtype=np.int64) for i, o in enumerate(results[0]["outputs"]) if o["levels"]}
    values = {}
    for net in (model, double):
        seen.clear()
        hooks = [s.register_forward_hook(force(levels, s.name)) for s in net.sites]
        with torch.no_grad():
            net(scaled(pixels, net.pixels, net.sites[0].step().dtype))
        for h in hooks:
            h.remove()
        values[net] = dict(seen)
    for s in model.sites:
        l = s.levels()
        if s.name not in levels:
            continue
        x, exact = values[model][s.name].reshape(-1), values[double][s.name].reshape(-1)
        t = exact / l.step
        own = (torch.floor(x / s.step() + 0.5).clamp(l.low, l.high) + l.zero).long()
        right = (torch.floor(t + 0.5).clamp(l.low, l.high) + l.zero).long()
        program_levels = torch.from_numpy(levels[s.name].reshape(-1))
        different = own != program_levels
        tie = (t + 0.5 - torch.round(t + 0.5)).abs()
        explained = different & (tie < 1e-4) & ((right == program_levels) | (tie < 1e-6))
        found[s.name] = [len(x), int(different.sum()), int(explained.sum())]
    return found


def scaled(bytes, pixels, dtype=torch.float32):
    """Pixels as the network takes them."""
    scale, mean, std = (torch.tensor(v, dtype=dtype).reshape(-1, 1, 1) for v in pixel_lists(pixels).values())
    return (torch.tensor(bytes).to(dtype) * scale - mean) / std


def convert(path):
    out = path.replace(".q.onnx", ".qlut")
    run = subprocess.run([qconv(), "convert", path, "-o", out], capture_output=True, text=True)
    if run.returncode:
        raise AssertionError(run.stderr)
    return out


@unittest.skipUnless(qconv() and os.environ.get("QRUN") and networks.shared("data"), "needs QCONV, QRUN and the shared data")
class Exact(unittest.TestCase):
    STEPS = int(os.environ.get("QCONV_TORCH_STEPS", "60"))
    SAMPLES = int(os.environ.get("QCONV_TORCH_SAMPLES", "500"))
    TRACED = int(os.environ.get("QCONV_TORCH_TRACED", "24"))

    def setUp(self):
        torch.manual_seed(1)

    def check(self, name, net, data, test, pixels, values=False, trained=False, **options):
        (x, y), (tx, ty) = data, test
        scale = lambda b: scaled(b, pixels)
        x, y = scale(x), torch.from_numpy(y.astype(np.int64))
        if not trained:
            networks.fit(net, x, y, self.STEPS, 3e-3, values)
        model = q.prepare(net, pixels=pixels, **options)
        q.calibrate(model, [x[:200]])
        schedule = q.Schedule(model, self.STEPS, refit=10)
        networks.fit(model, x, y, self.STEPS, 0, values, q.parameter_groups(model, rate=2e-3), schedule.step)
        q.freeze(model)
        with tempfile.TemporaryDirectory() as folder:
            plain, traced = os.path.join(folder, "net.q.onnx"), os.path.join(folder, "trace.q.onnx")
            q.export(model, plain, x[:1])
            q.export(model, traced, x[:1], trace=True)
            inspected = json.loads(subprocess.run([qconv(), "inspect", plain, "--json"], capture_output=True, text=True, check=True).stdout)
            self.assertEqual({l["value"] for l in inspected["levels"]}, {s.name for s in model.sites})
            with q.Program(convert(traced)) as program:
                found = compare(model, program, tx[: self.TRACED])
            with q.Program(convert(plain)) as program:
                got = program.run(tx[: self.SAMPLES])
        self.assertEqual(set(found), {s.name for s in model.sites if s.role != "input"})
        elements, different, explained = (sum(v[i] for v in found.values()) for i in range(3))
        with torch.no_grad():
            want = torch.cat([model(scale(b)) for b in np.array_split(tx[: self.SAMPLES], 10)]).numpy().reshape(len(got), -1)
        if values:
            figures = [float(((v - scale(tx[: self.SAMPLES]).numpy().reshape(len(v), -1)) ** 2).mean()) for v in (want, got)]
            agreement = float((np.abs(want - got) < 1e-6).mean())
            self.assertLess(abs(figures[0] - figures[1]), 1e-4)
        else:
            figures = [float((v.argmax(1) == ty[: self.SAMPLES]).mean()) for v in (want, got)]
            agreement = float((want.argmax(1) == got.argmax(1)).mean())
            # Classes may differ where the program's scores are equal, or where a tie inside has moved a score.
            row, (a, b) = np.arange(len(got)), (want.argmax(1), got.argmax(1))
            unequal = (a != b) & (got[row, b] - got[row, a] > 1e-5 * np.abs(got).max())
            print(f"{name}: {(a != b).sum()} classes differ, {(a != b).sum() - unequal.sum()} of them where two scores are equal")
            self.assertLessEqual(unequal.mean(), 0.001 + 1 / len(got))
            self.assertLessEqual(abs(figures[0] - figures[1]), max(0.001, 1 / self.SAMPLES) + 1e-9)
        print(f"{name:24} levels {elements:9}  different {different:3}  ties {explained:3}  samples {self.SAMPLES}  PyTorch {figures[0]:.4f}  program {figures[1]:.4f}  agreement {agreement:.4f}", flush=True)
        self.assertEqual(different, explained, found)
        self.assertLess(different, elements * 1e-4)

    def mnist(self, name, net, pixels={"scale": 1 / 255}, **options):
        self.check(name, net, networks.digits("train"), networks.digits("t10k"), pixels, **options)

    def test_lenet(self):
        self.mnist("lenet", networks.lenet(), {"scale": 1 / 255, "mean": 0.1307, "std": 0.3081}, weights=16, codebook="integer")

    def test_depthwise(self):
        self.mnist("depthwise", networks.Depthwise(), weights=64)

    def test_autoencoder(self):
        self.mnist("auto-encoder", networks.AutoEncoder(), values=True, weights=32, scope="network")

    def test_line(self):
        self.mnist("line", networks.Line(), weights=16, codebook="integer")

    def test_line_free(self):
        self.mnist("line, free", networks.Line(), weights=256, scope="global")

    @unittest.skipUnless(networks.shared("models/resnet8_cifar10.onnx") and find_spec("onnx") and find_spec("PIL"), "needs the pretrained ResNet-8, onnx and Pillow")
    def test_resnet8(self):
        import resnet8

        net = resnet8.load(networks.shared("models/resnet8_cifar10.onnx"))
        data = networks.pictures("train", 640), networks.pictures("test", self.SAMPLES)
        self.check("resnet8", net, *data, {}, trained=True, weights=16, codebook="integer")


if __name__ == "__main__":
    unittest.main()
