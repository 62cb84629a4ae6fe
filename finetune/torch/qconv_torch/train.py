"""What happens beside the steps of an optimizer: codebooks follow the weights, and in the end all is frozen."""

import math

import numpy as np
import torch
import torch.distributed as dist

from . import codebook
from .graph import accumulators, leveled, result_levels
from .prepare import Quantized, seals

WARM = 3  # iterations by which codebooks follow the weights at a time


def unwrap(model):
    """The prepared network itself, out of DistributedDataParallel or torch.compile."""
    while not isinstance(model, Quantized):
        inner = getattr(model, "module", None) or getattr(model, "_orig_mod", None)
        if inner is None:
            raise TypeError(f"qconv_torch: got {type(model).__name__}, want what prepare returned")
        model = inner
    return model


def distributed():
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def all_reduce(values, op=None):
    """Adds float64 numbers over all ranks, or takes another reduction of them; returns them as they are where there is one process."""
    if not distributed():
        return values
    t = torch.tensor(values, dtype=torch.float64, device="cuda" if dist.get_backend() == "nccl" else "cpu")
    dist.all_reduce(t, op or dist.ReduceOp.SUM)
    return t.tolist()


def check_ranks(model):
    """Raises RuntimeError, which names the first layer or site that is not the same on all ranks."""
    if not distributed():
        return
    model = unwrap(model)
    own = seals(model)
    all_ranks = [None] * dist.get_world_size()
    dist.all_gather_object(all_ranks, own)
    for key in own:
        for rank, other in enumerate(all_ranks):
            if other.get(key) != all_ranks[0].get(key):
                raise RuntimeError(f"qconv_torch: ranks 0 and {rank} disagree about {key}: train through DistributedDataParallel, from the same checkpoint")


def refit(model, iterations=None):
    """Moves the codebooks to the present weights: from scratch the first time, then by some iterations (None: as many as it takes).

    Trained units, those of integer codebooks of single layers, stay. All ranks get the codebooks of rank 0, after a check that they agree.
    """
    model = unwrap(model)
    if model.frozen:
        raise RuntimeError("qconv_torch: refit: the network is frozen")
    if any(not s.ready for s in model.sites):
        raise RuntimeError(f"qconv_torch: refit: site {next(s.name for s in model.sites if not s.ready)!r} has no levels: calibrate first")
    check_ranks(model)
    for group in _groups(model):
        _fit(model, group, iterations)
    if distributed():
        for layer in model.layers:
            for t in (layer.ints, layer.unit, layer.bias_unit, *([layer.log_unit.data] if layer.trains_unit else [])):
                dist.broadcast(t, 0)


def _groups(model):
    return [[l] for l in model.layers] if model.config["scope"] == "layer" else [model.layers]


def _array(p):
    return p.detach().cpu().double().reshape(-1).numpy()


def _fit(model, group, iterations):
    c = model.config
    for layer in group:
        for what, p in (("weights", layer.layer.weight), ("biases", layer.layer.bias)):
            if p is not None and not torch.isfinite(p).all():
                raise RuntimeError(f"qconv_torch: {what} of {layer.name} are not finite any more")
    if group[0].fitted and group[0].trains_unit and not group[0].open:
        return
    scales = [_scale(model, layer) for layer in group]
    pool = [_array(l.layer.weight) / s for l, s in zip(group, scales)]
    if c["scope"] == "global":
        pool += [_array(l.layer.bias) for l in group if l.layer.bias is not None]
    warm = None
    first = group[0]
    if first.fitted:
        ints = np.unique(first.ints.cpu().numpy())
        warm = ints * (first.bias_unit.item() if c["scope"] != "layer" else first.unit.item())
    ints, unit = codebook.fit(np.concatenate(pool), c["weights"], c["codebook"], c["method"], c["scope"], warm, iterations or 300)
    for layer, scale in zip(group, scales):
        layer.set(ints, unit * scale, unit)


def _scale(model, layer):
    """By what a layer's weights are divided before they share a codebook."""
    scope = model.config["scope"]
    if scope == "network":
        rms = float(np.sqrt(np.mean(_array(layer.layer.weight) ** 2)))
        return rms or 1.0
    if scope == "global":
        # Raw weights are those of a network whose inputs reach to 1.
        for op in model.network().ops:
            if op.layer == layer.name and op.inputs[0].kind == "input":
                l = _site(model, op.inputs[0]).levels()
                return 1 / max(-l.low * l.step, l.high * l.step)
    return 1.0


def _site(model, op):
    return model.net.get_submodule("levels_" + op.name)


class Schedule:
    """When codebooks follow the weights. Call step after every step of the optimizer.

    "forward": weights are clustered in every pass, and codebooks follow them every so many steps (refit) in the first half of training.
    "periodic", the paper's: training is unconstrained, and every so many steps (period) each weight is replaced by its centre; freeze does so a last time.
    """

    def __init__(self, model, steps, kind="forward", refit=100, period=0):
        if kind not in ("forward", "periodic"):
            raise ValueError(f"qconv_torch: schedule: got {kind!r}, want forward or periodic")
        self.model, self.steps, self.kind, self.refit = model, steps, kind, refit
        self.period = period or min(max(1, steps // 50), 1000)
        self.done = 0
        if kind == "periodic":
            for layer in unwrap(model).layers:
                layer.open = True

    def step(self):
        self.done += 1
        if self.kind == "forward":
            if self.refit and self.done % self.refit == 0 and 2 * self.done <= self.steps:
                refit(self.model, WARM)
        elif self.done % self.period == 0 and self.done < self.steps:
            cluster(self.model)

    def state_dict(self):
        return {"done": self.done, "kind": self.kind, "steps": self.steps}

    def load_state_dict(self, state):
        if (state["kind"], state["steps"]) != (self.kind, self.steps):
            raise ValueError(f"qconv_torch: schedule: the checkpoint is of {state['kind']} over {state['steps']} steps, want {self.kind} over {self.steps}")
        self.done = state["done"]


def cluster(model):
    """Fits the codebooks anew and replaces every weight by its centre."""
    refit(model)
    for layer in unwrap(model).layers:
        open_, layer.open = layer.open, False
        with torch.no_grad():
            w, b = layer.clustered(), layer.clustered_bias()
            layer.layer.weight.copy_(w)
            if b is not None:
                layer.layer.bias.copy_(b)
        layer.open = open_


def parameter_groups(model, rate=5e-3, range_rate=3e-3):
    """Groups for an optimizer such as Adam, with the learning rates of qconv finetune.

    Weights and biases move by a part of their root mean square, as folded normalizations leave layers of very different size; steps and units, by their
    logarithm, at range_rate. Both move faster where there are fewer than 16 values. Each group has initial_lr for schedulers.
    """
    model, groups = unwrap(model), []

    def add(p, lr):
        if p is not None and p.requires_grad:
            groups.append({"params": [p], "lr": lr, "initial_lr": lr})

    def rms(p):
        return p.detach().double().pow(2).mean().sqrt().item() or 1.0

    for layer in model.layers:
        coarse = max(1.0, 16 / layer.weights)
        add(layer.layer.weight, rate * rms(layer.layer.weight) * coarse)
        if layer.layer.bias is not None:
            add(layer.layer.bias, rate * rms(layer.layer.bias) * (coarse if layer.scope == "global" else 1))
        if layer.trains_unit:
            add(layer.log_unit, range_rate)
    for site in model.sites:
        if site.trained:
            add(site.log_step, range_rate * max(1.0, 16 / site.count))
    known = {id(p) for g in groups for p in g["params"]}
    for p in model.parameters():
        if id(p) not in known:
            add(p, rate * rms(p))
    return groups


def rate_at(step, steps, warmup=20):
    """The part of its full size that a learning rate has: it rises, then falls to zero along half a cosine."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1)))


def freeze(model):
    """Makes the network what the program computes, in evaluation mode, and ends training.

    Weights take their centres, after a last clustering of the periodic schedule. Where several terms meet in an accumulator, the units of
    weights are moved by less than 1/16 level of the result so that all are whole multiples of one; biases become multiples of it.
    """
    model = unwrap(model)
    if model.frozen:
        raise RuntimeError("qconv_torch: freeze: the network is frozen already")
    if any(l.open for l in model.layers):
        cluster(model)
    if any(not l.fitted for l in model.layers) or any(not s.ready for s in model.sites):
        raise RuntimeError("qconv_torch: freeze: there are sites without levels or layers without a codebook: calibrate first")
    check_ranks(model)
    for site in model.sites:
        site.freeze()
    for layer in model.layers:
        layer.freeze()
        if not layer.layer.weight.any():
            raise RuntimeError(f"qconv_torch: freeze: all weights of {layer.name} have become zero: give the codebook more values, or each layer its own")
    net = model.network()
    uses = {}
    for op in net.ops:
        uses[op.layer] = uses.get(op.layer, 0) + 1
    for op in accumulators(net):
        _settle(model, net.terms(op), op, uses)
    model.eval()
    model.sealed = seals(model)


def _settle(model, terms, op, uses):
    """Matches the units of the terms of an accumulator, and makes the bias a multiple of the common one."""
    found = []
    for term, factor in terms:
        layer, window = None, 1
        if term.kind == "linear" and not term.site or term is op:
            if term.layer:
                layer = model.net.get_submodule(term.layer)
            elif term.window is None or isinstance(term.window, str):
                return  # an average whose window depends on the size: nothing is known here
            else:
                window = term.window
            source = term.inputs[0]
        else:
            source = term
        unit = _site(model, leveled(source)).levels().step * abs(factor) / window
        found.append((layer, factor, unit))
    if any(l is not None and uses[l.name] > 1 for l, _, _ in found) or all(l is None for l, _, _ in found):
        return
    units = [u * (1 if l is None else l.unit.item()) for l, _, u in found]
    common = units[0]
    if len(found) > 1:
        site = result_levels(op)
        common = _match(found, units, 256 if site is None else _site(model, site).count)
        if common is None:
            return
    biased = [(l, f) for l, f, _ in found if l is not None and l.layer.bias is not None]
    if not biased:
        return
    total = sum(f * l.layer.bias.double() for l, f in biased)
    with torch.no_grad():
        for layer, _ in biased[1:]:
            layer.layer.bias.zero_()
        layer, factor = biased[0]
        layer.layer.bias.copy_(torch.round(total / common) * common / factor)


def _match(found, units, levels):
    """The unit whose whole multiples have the fewest signed binary digits, of which the layers' units then are; None where there is none."""
    finest, best, least = min(units), None, math.inf
    for shift in range(9):
        unit = math.ldexp(finest, -shift)
        whole = [_whole(u / unit, 1 / 16 / levels) for u in units]
        digits = sum(bin(k ^ (3 * k)).count("1") for k in whole)  # of the non-adjacent form
        if all(whole) and digits < least:
            best, least = (unit, whole), digits
    if best is None:
        return None
    unit, whole = best
    fixed = [i for i, (layer, _, _) in enumerate(found) if layer is None]
    if fixed:
        unit = units[fixed[0]] / whole[fixed[0]]
    for i, ((layer, _, step), k) in enumerate(zip(found, whole)):
        if i in fixed:
            if abs(units[i] / (k * unit) - 1) > 1e-9:
                return None  # two that cannot be moved: the program has a finer unit
            continue
        with torch.no_grad():
            positions = torch.round(layer.layer.weight.double() / layer.unit)
            layer.unit.fill_(k * unit / step)
            layer.layer.weight.copy_(positions * layer.unit)
    return unit


def _whole(ratio, tolerance):
    """The whole number within tolerance of a ratio of 1 or more with the fewest signed binary digits; 0 if there is none."""
    if ratio > 1 << 24:
        return 0
    candidates = range(math.ceil(ratio * (1 - tolerance)), math.floor(ratio * (1 + tolerance)) + 1)
    return min(candidates, key=lambda k: (bin(k ^ (3 * k)).count("1"), abs(k - ratio)), default=0)
