"""Makes a trained float network one that is tuned with levels and codebooks."""

import copy
import hashlib
import json
import os
import shutil
import subprocess

import torch
from torch import fx, nn

from .codebook import KINDS, METHODS
from .graph import Network
from .layers import LINEAR, Clustered, FixedNorm, fold
from .levels import Site, new_levels

SCOPES = ("layer", "network", "global")
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


class Quantized(nn.Module):
    """A network with levels at its sites and weights from codebooks; made by prepare."""

    def __init__(self, net, config, pixels, shapes):
        super().__init__()
        self.net, self.config, self.pixels, self.shapes = net, config, pixels, shapes
        self.sealed = {}  # by layer and site, what freeze left

    def forward(self, *inputs):
        return self.net(*inputs)

    @property
    def sites(self):
        """The values that carry levels, in order."""
        return [m for m in self.net.modules() if isinstance(m, Site)]

    @property
    def layers(self):
        """The layers with clustered weights, in order."""
        return [m for m in self.net.modules() if isinstance(m, Clustered)]

    @property
    def frozen(self):
        return bool(self.sealed)

    def network(self):
        """The operators as qconv sees them."""
        return Network(self.net, self.shapes)

    def get_extra_state(self):
        return {"config": self.config, "sealed": dict(self.sealed)}

    def set_extra_state(self, state):
        if state["config"] != self.config:
            raise ValueError(f"qconv_torch: the checkpoint was prepared with {state['config']}, this network with {self.config}: prepare it alike")
        self.sealed = dict(state["sealed"])


def prepare(module, levels=32, weights=16, codebook="free", scope="layer", *, method="kmeans", input_levels=256, output_levels=256,
            pooled_levels=256, site_levels=None, pixels=None, example=None):
    """Returns a copy of a trained network whose activations take few levels and whose weights come from codebooks.

    levels of hidden values, 2..256 (site_levels: of single sites by name); weights per codebook, 2..65536; codebook "free" or "integer";
    scope "layer", "network" or "global"; pixels, a dict of scale, mean and std, one number or one for each channel each, says that the
    input is (pixel*scale - mean)/std. Batch normalizations are folded with their trained statistics. example, an input, tells the shapes of values; it is
    needed only where tensors of different shapes are added, or reshaped between a layer and its function (export says so).

    Raises ValueError, which names every module that qconv refuses.
    """
    _check(levels, weights, codebook, scope, method, input_levels, output_levels, pooled_levels)
    module = copy.deepcopy(module).eval()
    if isinstance(module, LINEAR):
        module = nn.Sequential(module)
    try:
        net = fx.symbolic_trace(module) if not isinstance(module, fx.GraphModule) else module
    except Exception as e:  # tracing runs the user's code, which may fail in any way
        raise ValueError(f"qconv_torch: the network cannot be traced by torch.fx: {e}") from e
    net.graph.eliminate_dead_code()
    _fold_norms(net)
    shapes = shapes_of(net, example) if example is not None else None
    network = Network(net, shapes)
    problems = network.problems or _refused(network)
    if problems:
        raise ValueError("qconv_torch: qconv has no integer form for\n  " + "\n  ".join(problems))
    counts = {"input": input_levels, "output": output_levels, "pooled": pooled_levels, "hidden": levels}
    own = dict(site_levels or {})
    for op in network.sites:
        _insert(net, op.node, Site(op.name, op.role, own.pop(op.name, counts[op.role])))
    if own:
        raise ValueError(f"qconv_torch: there is no site {sorted(own)[0]!r}; there are {[op.name for op in network.sites]}")
    for name in dict.fromkeys(op.layer for op in network.ops if op.layer):
        layer = net.get_submodule(name)
        _replace(net, name, Clustered(name, layer, weights, codebook, scope).to(layer.weight.device))
    net.delete_all_unused_submodules()
    net.recompile()
    config = {"weights": weights, "codebook": codebook, "scope": scope, "method": method}
    model = Quantized(net, config, pixels, shapes)
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    model.to(device).eval()
    if pixels is not None:
        for site in model.sites:
            if site.role == "input":
                site.set(pixel_levels(pixels, site.count))
    return model


def pixel_levels(pixels, count):
    """The levels that hold all values that pixels 0..255 can take."""
    ends = []
    channels = max(len(v) for v in pixel_lists(pixels).values())
    for c in range(channels):
        scale, mean, std = (v[c % len(v)] for v in pixel_lists(pixels).values())
        ends += [(p * scale - mean) / std for p in (0.0, 255.0)]
    return new_levels(count, min(ends), max(ends))


def pixel_lists(pixels):
    """scale, mean and std as lists of one number or one for each channel."""
    unknown = set(pixels) - {"scale", "mean", "std"}
    if unknown:
        raise ValueError(f"qconv_torch: pixels: got {sorted(unknown)}, want scale, mean, std")
    lists = {}
    for key, default in (("scale", 1.0), ("mean", 0.0), ("std", 1.0)):
        v = pixels.get(key, default)
        lists[key] = [float(x) for x in (v if isinstance(v, (list, tuple)) else [v])]
    lengths = {len(v) for v in lists.values()} - {1}
    if len(lengths) > 1 or 0 in lengths or 0 in lists["std"] or 0 in lists["scale"]:
        raise ValueError(f"qconv_torch: pixels: got {pixels}, want one number or one for each channel, scale and std other than 0")
    return lists


def _check(levels, weights, codebook, scope, method, *counts):
    problems = [f"levels: got {n}, want 2..256" for n in (levels, *counts) if not 2 <= n <= 256]
    if not 2 <= weights <= 65536:
        problems.append(f"weights: got {weights}, want 2..65536")
    for name, got, want in (("codebook", codebook, KINDS), ("scope", scope, SCOPES), ("method", method, METHODS)):
        if got not in want:
            problems.append(f"{name}: got {got!r}, want one of {list(want)}")
    if problems:
        raise ValueError("qconv_torch: prepare: " + "; ".join(problems))


def _refused(network):
    """Operators that the qconv on this machine has no integer form for; nothing where there is none."""
    binary = qconv()
    if binary is None:
        return []
    run = subprocess.run([binary, "ops", "--json"], capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(f"qconv_torch: {binary} ops --json: exit code {run.returncode}: {run.stderr.strip()}")
    known = {o["name"]: o for o in json.loads(run.stdout)}
    problems = []
    for op in network.ops:
        for kind in op.emit.types if op.emit else ():
            entry = known.get(kind, {"note": "unknown to it"})
            if not entry.get("integer"):
                problems.append(f"{op.layer or op.name}: {binary} has no integer form for {kind} ({entry.get('note', '')})")
    return problems


def qconv():
    """The qconv that the environment variable QCONV names, or that is on the path; None for none."""
    return os.environ.get("QCONV") or shutil.which("qconv")


def _fold_norms(net):
    uses = {}
    for node in net.graph.nodes:
        if node.op == "call_module":
            uses[node.target] = uses.get(node.target, 0) + 1
    for node in list(net.graph.nodes):
        if node.op != "call_module" or not isinstance(net.get_submodule(node.target), NORMS):
            continue
        norm, source = net.get_submodule(node.target), node.args[0]
        if norm.running_mean is None:
            raise ValueError(f"qconv_torch: {node.target}: a BatchNorm without running statistics, want track_running_stats=True")
        layer = net.get_submodule(source.target) if source.op == "call_module" else None
        if isinstance(layer, LINEAR) and len(source.users) == 1 and uses[source.target] == 1:
            fold(layer, norm)
            node.replace_all_uses_with(source)
            net.graph.erase_node(node)
        else:
            _replace(net, node.target, FixedNorm(norm))
    net.recompile()


def _replace(net, name, module):
    parent, _, child = name.rpartition(".")
    setattr(net.get_submodule(parent), child, module)


def _insert(net, node, site):
    name = "levels_" + site.name
    net.add_submodule(name, site)
    with net.graph.inserting_after(node):
        levels = net.graph.call_module(name, (node,))
    for user in list(node.users):
        if user is not levels:
            user.replace_input_with(node, levels)


class Shapes(fx.Interpreter):
    """Runs a network and notes the shape of every value."""

    def __init__(self, net):
        super().__init__(net)
        self.shapes = {}

    def run_node(self, n):
        result = super().run_node(n)
        if isinstance(result, torch.Tensor):
            self.shapes[n.name] = list(result.shape)
        return result


def shapes_of(net, example):
    """The shape of every value by name, for one input or a tuple of several."""
    run = Shapes(net)
    with torch.no_grad():
        run.run(*(example if isinstance(example, (tuple, list)) else (example,)))
    return run.shapes


def fingerprint(*tensors):
    """A short hash of the bytes of tensors and numbers."""
    h = hashlib.sha256()
    for t in tensors:
        if t is not None:
            h.update(torch.as_tensor(t).detach().cpu().contiguous().numpy().tobytes())
    return h.hexdigest()[:16]


def seals(model):
    """Fingerprints of the codebook and weights of every layer, and of the levels of every site."""
    found = {f"layer {l.name}": fingerprint(l.ints, l.unit, l.layer.weight, l.layer.bias) for l in model.layers}
    for s in model.sites:
        found[f"site {s.name}"] = fingerprint(torch.tensor([s.levels().step, s.count, s.zero, s.stride], dtype=torch.float64))
    return found
