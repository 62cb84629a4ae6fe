"""The parts of the package by themselves: no program of qconv is needed."""

import copy
import io
import os
import stat
import tempfile
import unittest
from unittest import mock

import numpy as np
import torch
from torch import nn

import networks
import qconv_torch as q
from qconv_torch import codebook
from qconv_torch.graph import Network
from qconv_torch.levels import round_levels

torch.set_num_threads(1)


def small():
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))


def prepared(**options):
    model = q.prepare(small(), **{"levels": 16, "weights": 8, **options})
    q.calibrate(model, [x8()])
    return model


def x8():
    return torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(5))


def train(model, steps, schedule=None, optimizer=None):
    optimizer = optimizer or torch.optim.Adam(q.parameter_groups(model, rate=0.02))
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(x8()) - 1).pow(2).mean()
        loss.backward()
        optimizer.step()
        if schedule:
            schedule.step()
    model.eval()
    return loss.item()


class TestLevels(unittest.TestCase):
    def test_grid(self):
        self.assertEqual(q.new_levels(32, 0, 6.2), q.Levels(32, 6.2 / 31, 0, 1))
        self.assertEqual(q.new_levels(5, -1.2, 2.8), q.Levels(5, 1.0, 1, 1))
        self.assertEqual(q.new_levels(2, -1, 3), q.Levels(2, 3, 1, 2))
        for lo, hi in ((0, 0), (0, float("inf")), (float("nan"), 1)):
            with self.assertRaisesRegex(ValueError, "empty or not finite"):
                q.new_levels(4, lo, hi)

    def test_rounding(self):
        x = torch.tensor([-9.0, -1.5, -0.5, 0.5, 0.49, 1.5, 2.5, 99.0])
        got = round_levels(x, torch.tensor(1.0), -1, 2)
        self.assertEqual(got.tolist(), [-1, -1, 0, 1, 0, 2, 2, 2])  # halves go up
        self.assertEqual(round_levels(torch.tensor([-0.1, 0.0]), torch.tensor(2.0), -1, 1, 2).tolist(), [-2, 2])

    def test_gradient(self):
        x = torch.tensor([-2.0, 0.3, 0.6, 9.0], requires_grad=True)
        step = torch.tensor(0.5, requires_grad=True)
        round_levels(x, step, -1, 2).backward(torch.tensor([1.0, 10.0, 100.0, 1000.0]))
        self.assertEqual(x.grad.tolist(), [0, 10, 100, 0])
        # -1 below, (1-0.6) and (1-1.2) inside, 2 above
        self.assertAlmostEqual(step.grad.item(), -1 + 10 * 0.4 - 100 * 0.2 + 1000 * 2, places=3)


class TestCodebook(unittest.TestCase):
    def setUp(self):
        self.w = np.random.RandomState(0).laplace(size=4000) * 0.1

    def error(self, ints, unit):
        values = ints * unit
        return np.mean((self.w - values[codebook.nearest(values, self.w)]) ** 2)

    def test_kinds(self):
        for kind, method, most in (("free", "kmeans", 4.0e-4), ("free", "laplacian", 4.5e-4), ("integer", "kmeans", 7.0e-4)):
            ints, unit = codebook.fit(self.w, 16, kind, method)
            self.assertLessEqual(len(ints), 16)
            self.assertTrue((np.diff(ints) > 0).all())
            self.assertLess(self.error(ints, unit), most, (kind, method))
            if kind == "integer":
                self.assertEqual(ints.tolist(), list(range(-8, 8)))
            else:
                self.assertEqual(np.abs(ints).max(), 127)

    def test_kmeans_is_stationary(self):
        centres = codebook._kmeans(np.sort(self.w), 6, None, 300)
        at = codebook.nearest(centres, self.w)
        np.testing.assert_allclose(centres, [self.w[at == k].mean() for k in range(6)], atol=1e-12)

    def test_few_values(self):
        ints, unit = codebook.fit(np.array([0.5, -0.25, 0.5]), 16)
        np.testing.assert_allclose(ints * unit, [-0.25, 0.5], atol=0.5 / 254)
        self.assertEqual(codebook.fit(np.zeros(3), 4)[0].tolist(), [0])
        self.assertIn(0, codebook.fit(self.w, 64)[0])


class TestNetwork(unittest.TestCase):
    def test_fold(self):
        net = small()
        net[1].running_mean.uniform_(-1, 1), net[1].running_var.uniform_(0.5, 2)
        nn.init.uniform_(net[1].weight), nn.init.uniform_(net[1].bias)
        net.eval()
        model = q.prepare(net)  # without levels it is the float network
        torch.testing.assert_close(model(x8()), net(x8()), rtol=1e-4, atol=1e-5)
        self.assertEqual([s.name for s in model.sites], ["input_1", "_2"])

    def test_sites(self):
        model = q.prepare(networks.Line())
        roles = {s.name: s.role for s in model.sites}
        self.assertEqual(list(roles.values()), ["input", "hidden", "hidden", "hidden", "pooled", "hidden", "pooled"])
        net = Network(model.net)
        sums = [[t.layer or t.name for t, _ in net.terms(op)] for op in net.ops if op.factors]
        self.assertEqual(sums, [["a_2", "b"], ["c", "d"]])

    def test_refused(self):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first, self.norm, self.rnn = nn.Conv2d(1, 2, 1), nn.InstanceNorm2d(2), nn.LSTM(4, 4)

            def forward(self, x):
                return self.rnn(self.norm(self.first(x)))[0] + torch.cumsum(x, 1)

        with self.assertRaises(ValueError) as caught:
            q.prepare(Net())
        for name in ("norm (InstanceNorm2d)", "rnn (LSTM)", "cumsum"):
            self.assertIn(name, str(caught.exception))

    def test_asks_qconv(self):
        with tempfile.TemporaryDirectory() as folder:
            fake = os.path.join(folder, "qconv")
            with open(fake, "w") as f:
                f.write('#!/bin/sh\n[ "$*" = "ops --json" ] && echo \'[{"name":"Conv","integer":true},{"name":"Relu","integer":false,"note":"float only"},{"name":"Gemm","integer":true},{"name":"Flatten","integer":true},{"name":"Reshape","integer":true}]\'\n')
            os.chmod(fake, stat.S_IRWXU)
            with mock.patch.dict(os.environ, {"QCONV": fake}), self.assertRaisesRegex(ValueError, "_2: .*no integer form for Relu .float only"):
                q.prepare(small())

    def test_arguments(self):
        with self.assertRaisesRegex(ValueError, "levels: got 1, want 2..256; weights: got 1.*codebook: got 'cheap'.*scope: got 'x'"):
            q.prepare(small(), levels=1, weights=1, codebook="cheap", scope="x")
        with self.assertRaisesRegex(ValueError, "scale and std other than 0"):
            q.prepare(small(), pixels={"std": [1, 0]})
        with self.assertRaisesRegex(ValueError, "no site 'y'"):
            q.prepare(small(), site_levels={"y": 8})


class TestTraining(unittest.TestCase):
    def test_learns(self):
        for options in ({}, {"codebook": "integer"}, {"scope": "network"}, {"scope": "global", "weights": 32}, {"method": "laplacian"}, {"codebook": "integer", "weights": 4, "levels": 2}):
            model = prepared(**options)
            first = (model(x8()) - 1).pow(2).mean().item()
            self.assertLess(train(model, 60, q.Schedule(model, 60, refit=10)), 0.3 * first, options)
            before = model(x8())
            q.freeze(model)
            self.assertLess((model(x8()) - before).abs().max().item(), 0.15, options)
            weights = options.get("weights", 8)
            shared = set()
            for l in model.layers:
                values = torch.unique((l.layer.weight.double() / l.unit).round())
                self.assertLessEqual(len(values), weights)
                self.assertTrue(set(values.tolist()) <= set(l.ints.tolist()))
                shared |= set(l.ints.tolist())
            if options.get("scope") in ("network", "global"):
                self.assertLessEqual(len(shared), weights)

    def test_periodic(self):
        model = prepared()
        schedule = q.Schedule(model, 30, "periodic", period=10)
        many = lambda: min(len(torch.unique(l.layer.weight)) for l in model.layers)
        train(model, 9, schedule)
        self.assertGreater(many(), 8)  # unconstrained
        schedule.step()
        self.assertLessEqual(many(), 8)  # each weight has its centre's value
        train(model, 5, schedule)
        self.assertGreater(many(), 8)
        q.freeze(model)
        self.assertLessEqual(many(), 8)

    def test_checkpoint(self):
        model = prepared(codebook="integer")
        schedule = q.Schedule(model, 40)
        optimizer = torch.optim.Adam(q.parameter_groups(model, rate=0.02))
        train(model, 20, schedule, optimizer)
        stored = io.BytesIO()
        torch.save([model.state_dict(), optimizer.state_dict(), schedule.state_dict()], stored)
        train(model, 20, schedule, optimizer)
        q.freeze(model)
        stored.seek(0)
        again = q.prepare(small(), levels=16, weights=8, codebook="integer")
        state = torch.load(stored)
        again.load_state_dict(state[0])
        schedule2, optimizer2 = q.Schedule(again, 40), torch.optim.Adam(q.parameter_groups(again, rate=0.02))
        optimizer2.load_state_dict(state[1]), schedule2.load_state_dict(state[2])
        train(again, 20, schedule2, optimizer2)
        q.freeze(again)
        self.assertTrue(torch.equal(model(x8()), again(x8())))
        frozen = q.prepare(small(), levels=16, weights=8, codebook="integer")
        frozen.load_state_dict(model.state_dict())
        self.assertTrue(torch.equal(model(x8()), frozen(x8())))
        self.assertTrue(frozen.frozen)
        with self.assertRaisesRegex(ValueError, "prepare it alike"):
            q.prepare(small(), codebook="free").load_state_dict(state[0])

    def test_order_of_calls(self):
        model = q.prepare(small())
        for call, message in ((q.refit, "no levels: calibrate first"), (q.freeze, "calibrate first"), (lambda m: q.export(m, "/nowhere/x", x8()), "call freeze first")):
            with self.assertRaisesRegex(RuntimeError, message):
                call(model)
        q.calibrate(model, [x8()])
        q.freeze(model)
        for call in (q.refit, q.freeze):
            with self.assertRaisesRegex(RuntimeError, "frozen"):
                call(model)

    def test_bad_samples(self):
        model = q.prepare(small())
        for data, message in (([], "got no samples"), ([torch.full((1, 1, 8, 8), float("nan"))], "'input_1' takes values that are not finite")):
            with self.assertRaisesRegex(ValueError, message):
                q.calibrate(model, data)
        q.calibrate(model, [(x8(), torch.zeros(8))])  # labels are left alone
        q.freeze(model)
        with self.assertRaisesRegex(OSError, "export: /nowhere/x.onnx: No such file"):
            q.export(model, "/nowhere/x.onnx", x8())

    def test_changed_after_freeze(self):
        model = prepared()
        q.freeze(model)
        with tempfile.TemporaryDirectory() as folder:
            for change, name in ((lambda m: m.layers[1].ints.add_(1), "layer 4"), (lambda m: m.layers[0].layer.bias.data.add_(1), "layer 0"), (lambda m: m.sites[1].fixed.mul_(2), "site _2")):
                other = copy.deepcopy(model)
                change(other)
                with self.assertRaisesRegex(RuntimeError, f"changed after freeze: {name}"):
                    q.export(other, os.path.join(folder, "x.onnx"), x8())
                self.assertEqual(os.listdir(folder), [])
            q.export(model, os.path.join(folder, "x.onnx"), x8())
            self.assertEqual(os.listdir(folder), ["x.onnx"])
            try:
                import onnx
            except ImportError:
                return
            onnx.checker.check_model(os.path.join(folder, "x.onnx"), full_check=True)

    def test_unequal_sum(self):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.a = nn.Conv2d(1, 4, 1)

            def forward(self, x):
                return torch.relu(torch.relu(self.a(x)) + x)

        model = q.prepare(Net())
        q.calibrate(model, [x8()])
        q.freeze(model)
        with self.assertRaisesRegex(ValueError, "levels at add are otherwise: call prepare with example="):
            q.export(model, os.path.join(tempfile.gettempdir(), "never.onnx"), x8())
        self.assertEqual([s.name for s in q.prepare(Net(), example=x8()).sites], ["x", "relu", "add", "relu_1"])

    @unittest.skipUnless(hasattr(torch, "compile"), "torch.compile needs PyTorch 2")
    def test_compile(self):
        for options in ({}, {"codebook": "integer"}):
            model = prepared(**options)
            twin = copy.deepcopy(model)
            compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
            losses = [train(m, 5, q.Schedule(m, 5), torch.optim.Adam(q.parameter_groups(m))) for m in (compiled, twin)]
            self.assertAlmostEqual(*losses, places=6)
            q.freeze(compiled)
            self.assertTrue(model.frozen)
            torch.testing.assert_close(compiled(x8()), model(x8()))


if __name__ == "__main__":
    unittest.main()
