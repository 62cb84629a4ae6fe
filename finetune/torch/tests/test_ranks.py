"""Two processes train what one trains: the same codebooks and ranges, and the same loss for the same global batch."""

import os
import tempfile
import unittest

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import networks  # finds the package
import qconv_torch as q


def net():
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(216, 5))


def data(step):
    g = torch.Generator().manual_seed(step)
    return torch.rand(16, 1, 8, 8, generator=g), torch.randint(5, (16,), generator=g)


def run(rank, world, options, kind="forward", steps=20):
    """Trains on every world-th sample; returns the losses of the global batch, and the network's state."""
    torch.set_num_threads(1)
    model = q.prepare(net(), levels=16, weights=8, **options)
    q.calibrate(model, [data(0)[0][rank::world]])
    schedule = q.Schedule(model, steps, kind, refit=4, period=5)
    whole = DistributedDataParallel(model) if world > 1 else model
    optimizer = torch.optim.Adam(q.parameter_groups(whole, rate=0.01))
    losses = []
    for step in range(steps):
        x, y = data(step)
        loss = nn.functional.cross_entropy(whole(x[rank::world]), y[rank::world])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        loss = loss.detach() / world
        if world > 1:
            dist.all_reduce(loss)
        losses.append(loss.item())
    q.check_ranks(model)
    q.freeze(whole)
    return losses, {k: v for k, v in model.state_dict().items() if isinstance(v, torch.Tensor)}


def rank(rank, world, folder, options, kind):
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=world)
    torch.save(run(rank, world, options, kind), f"{folder}/{rank}.pt")
    dist.barrier()
    dist.destroy_process_group()


def disagree(rank, world, folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=world)
    model = q.prepare(net(), levels=16, weights=8)
    q.calibrate(model, [data(0)[0]])
    if rank == 1:
        model.layers[1].layer.weight.data[0, 0] += 0.1
    try:
        q.refit(model, 3)
        message = "no error"
    except RuntimeError as e:
        message = str(e)
    torch.save(message, f"{folder}/{rank}.pt")
    dist.barrier()
    dist.destroy_process_group()


@unittest.skipUnless(dist.is_available() and dist.is_gloo_available() if hasattr(dist, "is_gloo_available") else dist.is_available(), "needs gloo")
class Ranks(unittest.TestCase):
    def test_two_and_one(self):
        for options, kind in (({}, "forward"), ({"codebook": "integer"}, "forward"), ({"codebook": "integer"}, "periodic"), ({"scope": "network"}, "periodic")):
            with tempfile.TemporaryDirectory() as folder:
                mp.spawn(rank, (2, folder, options, kind), nprocs=2)
                two = [torch.load(f"{folder}/{r}.pt") for r in range(2)]
            one = run(0, 1, options, kind)
            for key in two[0][1]:
                self.assertTrue(torch.equal(two[0][1][key], two[1][1][key]), f"{key} differs between ranks")
            worst = max(abs(a - b) for a, b in zip(one[0], two[0][0]))
            books = all(torch.equal(one[1][k], two[0][1][k]) for k in one[1] if k.endswith(".ints"))
            units = max((one[1][k] / two[0][1][k] - 1).abs().item() for k in one[1] if k.endswith(".unit") or k.endswith(".fixed"))
            print(f"{options or 'free'} {kind}: losses differ by {worst:.1e}, units and steps by {units:.1e}, codebooks {'equal' if books else 'differ'}", flush=True)
            self.assertLess(worst, 1e-5)
            self.assertLess(units, 1e-4)
            self.assertTrue(books)

    def test_disagreement(self):
        with tempfile.TemporaryDirectory() as folder:
            mp.spawn(disagree, (2, folder), nprocs=2)
            for r in range(2):
                self.assertIn("ranks 0 and 1 disagree about layer 4", torch.load(f"{folder}/{r}.pt"))


if __name__ == "__main__":
    unittest.main()
