"""Programs that qrun runs, and what convert says of files that do not fit."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import torch
from torch import nn

import networks
import qconv_torch as q
from qconv_torch.prepare import qconv
from test_exact import compare, convert

torch.set_num_threads(1)


@unittest.skipUnless(qconv() and os.environ.get("QRUN"), "needs QCONV and QRUN")
class Programs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "net.q.onnx")
        self.pixels = np.random.RandomState(0).randint(0, 256, (6, 3, 6, 5), dtype=np.uint8)
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3, bias=False), nn.Sigmoid())
        self.model = q.prepare(net, levels=8, weights=9, pixels={"scale": 1 / 255, "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3]})
        self.x = self.scale(self.pixels)
        q.calibrate(self.model, [self.x])
        q.freeze(self.model)

    def scale(self, pixels):
        mean, std = (torch.tensor(v).reshape(3, 1, 1) for v in ([0.4, 0.5, 0.6], [0.2, 0.25, 0.3]))
        return (torch.from_numpy(pixels) / 255.0 - mean) / std

    def test_run(self):
        q.export(self.model, self.path, self.x[:1])
        want = self.model(self.x).detach().numpy().reshape(6, -1)
        with q.Program(convert(self.path)) as program:
            for x in (self.pixels, self.x.numpy(), self.pixels[:2]):  # a program may be used again, also for another kind of input
                np.testing.assert_allclose(program.run(x), want[: len(x)], atol=1e-6)
            with self.assertRaisesRegex(ValueError, r"got samples of shape \(2, 6, 5\), want \(3, 6, 5\)"):
                program.run(self.x[:, :2].numpy())
            with self.assertRaisesRegex(ValueError, "finite|NaN"):
                program.run(np.full((1, 3, 6, 5), np.nan, np.float32))
            self.assertEqual(program.run(self.pixels[:1]).shape, (1, want.shape[1]))

    def test_without_torch(self):
        """Who only evaluates needs no PyTorch."""
        q.export(self.model, self.path, self.x[:1])
        np.save(self.path + ".npy", self.pixels)
        code = (
            "import sys; sys.modules['torch'] = None\nimport numpy as np, qconv_torch as q\n"
            f"print(q.Program({convert(self.path)!r}).run(np.load({self.path + '.npy'!r})).shape)\nq.prepare"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=os.path.dirname(networks.HERE))
        self.assertEqual(run.stdout, f"(6, {self.model(self.x)[0].numel()})\n", run.stderr)
        self.assertIn("prepare needs PyTorch", run.stderr)

    def test_bad_programs(self):
        with self.assertRaisesRegex(ValueError, "nothere"):
            q.Program("/tmp/nothere.qlut").run(self.pixels)
        with open(self.path, "w") as f:
            f.write("no program")
        with self.assertRaisesRegex(ValueError, "net.q.onnx"):
            q.Program(self.path).run(self.pixels)
        with self.assertRaises(FileNotFoundError):
            q.Program(self.path, qrun="/tmp/no-qrun").run(self.pixels)

    def test_trace_finds_faults(self):
        """The comparison of levels would see a bias that is off by a hundredth of a level."""
        q.export(self.model, self.path, self.x[:1], trace=True)
        with q.Program(convert(self.path)) as program:
            good = compare(self.model, program, self.pixels)
            step = self.model.sites[1].levels().step
            self.model.layers[0].layer.bias.data += step / 100
            bad = compare(self.model, program, self.pixels)
        self.assertEqual([v[1] - v[2] for v in good.values()], [0, 0])
        self.assertGreater(bad["_1"][1] - bad["_1"][2], 0)

    def test_missing_levels(self):
        for change, message in ((lambda m: m["qconv.levels"].pop("_1"), "has none for \"_1\""), (lambda m: m["qconv.levels"].update(y=m["qconv.levels"]["_1"]), "has some for \"y\""),
                                (lambda m: m["qconv.weights"].pop("2.weight"), "no codebook for \"2.weight\"")):
            module = sys.modules["qconv_torch.export"]  # its function has the same name
            original = module._metadata

            def broken(*args):
                meta = original(*args)
                parsed = {k: json.loads(meta[k]) for k in ("qconv.levels", "qconv.weights")}
                change(parsed)
                return {**meta, **{k: json.dumps(v) for k, v in parsed.items()}}

            module._metadata = broken
            try:
                q.export(self.model, self.path, self.x[:1])
            finally:
                module._metadata = original
            run = subprocess.run([qconv(), "convert", self.path, "-o", self.path + ".qlut"], capture_output=True, text=True)
            self.assertEqual(run.returncode, 3, run.stderr)
            self.assertIn(message, run.stderr)
            self.assertFalse(os.path.exists(self.path + ".qlut"))


if __name__ == "__main__":
    unittest.main()
