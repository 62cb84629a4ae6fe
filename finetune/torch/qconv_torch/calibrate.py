"""Chooses the levels of sites from the values that they take, as finetune/calibrate.go does."""

import itertools
import math

import torch
import torch.distributed as dist
import torch.nn.functional as F

from .levels import new_levels
from .train import all_reduce, distributed, refit, unwrap

BINS = 4096
METHODS = ("auto", "mse", "percentile", "max")


class Histogram:
    """Counts the values of a site: first their range, then how many lie in each of equal bins; exact zeros apart."""

    def __init__(self, name):
        self.name = name
        self.lo = self.hi = 0.0
        self.zeros = 0.0
        self.counts = None

    def add(self, x):
        x = x.detach().reshape(-1)
        if self.counts is None:
            lo, hi = x.min().item(), x.max().item()
            if not math.isfinite(lo) or not math.isfinite(hi):
                raise ValueError(f"qconv_torch: calibrate: {self.name!r} takes values that are not finite")
            self.lo, self.hi = min(self.lo, lo), max(self.hi, hi)
        elif self.hi > self.lo:
            self.zeros += (x == 0).sum().item()
            self.counts += torch.histc(x[x != 0].double().cpu(), BINS, self.lo, self.hi)

    def begin(self):
        """Ends the first pass; ranks agree on the range."""
        if distributed():
            low, self.hi = all_reduce([-self.lo, self.hi], dist.ReduceOp.MAX)
            self.lo = -low
        self.counts = torch.zeros(BINS, dtype=torch.float64)

    def end(self):
        """Ends the second pass; ranks add their counts."""
        *counts, self.zeros = all_reduce([*self.counts.tolist(), self.zeros])
        self.counts = torch.tensor(counts, dtype=torch.float64)
        width = (self.hi - self.lo) / BINS
        self.centres = self.lo + (torch.arange(BINS, dtype=torch.float64) + 0.5) * width

    def percentile(self, p):
        """The range that leaves out the share 1-p/100 of values on each side."""
        counts, width = self.counts.clone(), (self.hi - self.lo) / BINS
        counts[min(int(-self.lo / width), BINS - 1)] += self.zeros
        out = counts.sum().item() * (1 - p / 100)
        first = int((torch.cumsum(counts, 0) > out).float().argmax())
        last = BINS - 1 - int((torch.cumsum(counts.flip(0), 0) > out).float().argmax())
        lo, hi = min(self.lo + first * width, 0.0), max(self.lo + (last + 1) * width, 0.0)
        return (lo, hi) if hi > lo else (self.lo, self.hi)

    def error(self, count, lo, hi):
        """The mean squared distance of the values from the levels over a range."""
        l = new_levels(count, lo, hi)
        k = torch.floor((self.centres / l.step + l.zero) / l.stride + 0.5).clamp(0, count - 1) * l.stride - l.zero
        d = self.centres - k * l.step
        zero = l.step**2 * self.zeros if l.stride == 2 else 0.0
        return (self.counts @ (d * d)).item() + zero

    def best(self, count):
        """The range whose levels have the smallest error: its ends are moved in turns over fractions of the full range."""
        found = [math.inf, self.lo, self.hi]

        def attempt(lo, hi):
            if min(lo, 0) < max(hi, 0):
                found[:] = min(found, [self.error(count, lo, hi), lo, hi], key=lambda f: f[0])

        cuts = 64
        for i in range(1, cuts + 1):
            attempt(self.lo * i / cuts, self.hi * i / cuts)
        for _ in range(2):
            if self.lo < 0:
                for i in range(cuts + 1):
                    attempt(self.lo * i / cuts, found[2])
            if self.hi > 0:
                for i in range(cuts + 1):
                    attempt(found[1], self.hi * i / cuts)
        step = 1 / (2 * cuts)
        while step > 1 / 2048:
            lo, hi = found[1:]
            for a, b in ((0, step), (0, -step), (step, 0), (-step, 0)):
                attempt(lo + a * self.lo, hi + b * self.hi)
            step /= 2
        return found[1], found[2]


def calibrate(model, data, samples=1000, method="auto", percentile=99.9):
    """Sets the levels of all sites that have none, from some samples, and finds the first codebooks. Returns the method used.

    data gives batches: tensors, tuples of one for each input, or such with labels behind them. "auto" takes of "mse" and "percentile" the one whose outputs
    are nearer to those of the float network. Every rank of a distributed run gives batches of its own, and all get the same levels.
    """
    model = unwrap(model)
    if method not in METHODS:
        raise ValueError(f"qconv_torch: calibrate: method: got {method!r}, want one of {list(METHODS)}")
    open_sites = [s for s in model.sites if not s.ready]
    batches, seen = [], 0
    for inputs in _inputs(model, data):
        batches.append(inputs)
        seen += len(inputs[0])
        if seen >= samples:
            break
    if not batches:
        raise ValueError("qconv_torch: calibrate: got no samples")
    was_training = model.training
    model.eval()
    ready = [s for s in model.sites if s.ready]
    try:
        with torch.no_grad():
            for s in ready:
                s.ready = False  # ranges are those of the float network
            teacher = _observe(open_sites, model, batches)
            for s in ready:
                s.ready = True
            for s in open_sites:
                s.observer.end()
            wanted = ["mse", "percentile"] if method == "auto" else [method]
            if len(wanted) > 1 and open_sites:
                losses = []
                for m in wanted:
                    _set(open_sites, m, percentile)
                    losses.append(_divergence(model, batches, teacher))
                wanted = [wanted[losses.index(min(losses))]]
            _set(open_sites, wanted[0], percentile)
    finally:
        for s in model.sites:
            s.observer = None
        model.train(was_training)
    refit(model)
    return wanted[0]


def _inputs(model, data):
    n = sum(s.role == "input" for s in model.sites)
    device = model.sites[0].fixed.device
    for batch in data:
        batch = batch if isinstance(batch, (tuple, list)) else (batch,)
        yield tuple(x.to(device) for x in itertools.islice(batch, n))


def _observe(sites, model, batches):
    """Two passes: ranges, then counts. Returns the outputs of the float network for the first samples."""
    for s in sites:
        s.observer = Histogram(s.name)
    for pass_ in range(2):
        outputs = []
        for inputs in batches:
            outputs.append(_first(model(*inputs)))
        if pass_ == 0:
            for s in sites:
                s.observer.begin()
    return outputs


def _first(y):
    return y[0] if isinstance(y, (tuple, list)) else y


def _set(sites, method, percentile):
    for s in sites:
        h = s.observer
        lo, hi = h.lo, h.hi
        if lo == hi == 0:
            lo, hi = 0.0, 1.0  # never active: any range will do
        elif s.role != "input" and method == "percentile":
            lo, hi = h.percentile(percentile)
        elif s.role != "input" and method == "mse":
            lo, hi = h.best(s.count)
        s.set(new_levels(s.count, lo, hi))


def _divergence(model, batches, teacher):
    """How far the outputs move when values are rounded, on some 256 samples: nats for classes, squared difference for values."""
    total, seen = 0.0, 0
    observers = [(s, s.observer) for s in model.sites]
    for s, _ in observers:
        s.observer = None
    for inputs, want in zip(batches, teacher):
        got = _first(model(*inputs))
        if want.dim() == 2 and want.shape[1] <= 1000 and not model_values(model):
            total += F.kl_div(F.log_softmax(got, 1), F.log_softmax(want, 1), log_target=True, reduction="sum").item()
        else:
            total += ((got - want) ** 2).flatten(1).mean(1).sum().item()
        seen += len(want)
        if seen >= 256:
            break
    for s, o in observers:
        s.observer = o
    total, seen = all_reduce([total, float(seen)])
    return total / seen


def model_values(model):
    """Whether the outputs are numbers rather than scores: they have levels."""
    return any(op.site for op in model.network().outputs)
