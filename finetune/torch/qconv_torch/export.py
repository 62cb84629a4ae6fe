"""Writes a frozen network as ONNX with the metadata that qconv convert reads; docs/torch.md is the contract."""

import hashlib
import json
import os
import tempfile

import numpy as np
import torch

from .graph import Network
from .onnxfile import File
from .operators import Unsupported
from .prepare import pixel_lists, seals, shapes_of
from .train import check_ranks, distributed, unwrap
from .version import VERSION

PRODUCER = "qconv_torch " + VERSION


def export(model, path, example, labels=None, trace=False):
    """Writes a frozen network to path, an ONNX file whose batch is open.

    example is an input, or a tuple of several, of any batch. labels are the names of classes. trace makes every site an output, to compare the program's
    levels with those of the network (not the file to deploy). The file appears whole or not at all; of a distributed run rank 0 writes it.
    Raises RuntimeError where anything was changed after freeze, and ValueError for what ONNX or qconv cannot say.
    """
    model = unwrap(model)
    if not model.frozen:
        raise RuntimeError("qconv_torch: export: the network is still in training: call freeze first")
    now = seals(model)
    changed = [k for k, v in model.sealed.items() if now.get(k) != v]
    if changed:
        raise RuntimeError(f"qconv_torch: export: changed after freeze: {', '.join(changed)}; load the checkpoint made after freeze, or freeze anew from one in training")
    check_ranks(model)
    if distributed() and torch.distributed.get_rank() != 0:
        return
    try:
        data = _encode(model, example, labels, trace)
    except Unsupported as e:
        raise ValueError(f"qconv_torch: export: {e}") from None
    _write(path, data)


def _encode(model, example, labels, trace):
    was_training = model.training
    sizes = shapes_of(model.eval().net, example)
    model.train(was_training)
    net, file = model.network(), File()
    known = [op.name for op in Network(model.net, sizes).sites]
    if known != [op.name for op in net.sites]:
        wrong = sorted(set(known) ^ {op.name for op in net.sites})
        raise Unsupported(f"with the shapes of the example, levels at {', '.join(wrong)} are otherwise: call prepare with example=, so that it knows them")
    shapes = lambda name: sizes[name.replace(".flat", "")]
    for op in net.ops:
        if op.kind == "input":
            continue
        op.emit.write(file, [i.name for i in op.inputs], op.name, shapes)
    outputs = [op for op in net.outputs]
    if trace:
        outputs += [op for op in net.sites if op not in outputs and op.kind != "input"]
    outputs = [_declare(file, op, sizes, trace) for op in outputs]
    inputs = [(op.name, [None, *sizes[op.name][1:]]) for op in net.inputs]
    plain = file.encode(inputs, outputs, {})
    return file.encode(inputs, outputs, _metadata(model, labels, hashlib.sha256(plain).hexdigest()))


def _declare(file, op, sizes, trace):
    size = sizes[op.name][1:]
    if op.name not in file.alias:
        return op.name, [None, *size]
    if trace and op.site:  # levels stand before the positions, all one, are dropped
        return op.name, [None, *size, *[1] * (len(sizes[op.inputs[0].name]) - 1 - len(size))]
    return file.alias[op.name], [None, *size]


def _metadata(model, labels, source):
    levels = {}
    for site in model.sites:
        l = site.levels()
        levels[site.name] = {"count": l.count, "step": l.step, "zero": l.zero, "stride": l.stride}
    books, weights, at = [], {}, {}
    for layer in model.layers:
        ints = np.unique(layer.ints.cpu().numpy()).tolist()
        key = tuple(ints) if model.config["scope"] != "layer" else layer.name
        if key not in at:
            at[key] = len(books)
            books.append(ints)
        weights[layer.name + ".weight"] = {"codebook": at[key], "unit": layer.unit.item()}
    meta = {"qconv.levels": levels, "qconv.codebooks": books, "qconv.weights": weights, "qconv.exact": True, "qconv.preprocess": {}, "qconv.labels": labels}
    if model.pixels is not None:
        meta["qconv.preprocess"] = {**pixel_lists(model.pixels), "given": True}
    meta = {k: json.dumps(v) for k, v in meta.items()}
    return {**meta, "qconv.source": source, "qconv.producer": PRODUCER}


def _write(path, data):
    folder = os.path.dirname(os.path.abspath(path))
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".qconv_torch-")
    except OSError as e:
        raise type(e)(f"qconv_torch: export: {path}: {e.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
