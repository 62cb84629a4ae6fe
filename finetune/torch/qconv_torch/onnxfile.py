"""Writes ONNX files. The few messages of onnx.proto that a network needs are encoded here, so that nothing but PyTorch is needed."""

import struct

import numpy as np

IR_VERSION, OPSET = 8, 17
FLOAT, INT64 = 1, 7


def _varint(v):
    v &= (1 << 64) - 1
    out = bytearray()
    while v > 0x7F:
        out.append(v & 0x7F | 0x80)
        v >>= 7
    out.append(v)
    return bytes(out)


def _int(number, v):
    return _varint(number << 3) + _varint(v)


def _bytes(number, v):
    v = v.encode() if isinstance(v, str) else v
    return _varint(number << 3 | 2) + _varint(len(v)) + v


def _attribute(name, v):
    if isinstance(v, float):
        return _bytes(1, name) + _varint(2 << 3 | 5) + struct.pack("<f", v) + _int(20, 1)
    if isinstance(v, int):
        return _bytes(1, name) + _int(3, v) + _int(20, 2)
    if isinstance(v, str):
        return _bytes(1, name) + _bytes(4, v) + _int(20, 3)
    return _bytes(1, name) + b"".join(_int(8, i) for i in v) + _int(20, 7)


def _tensor(name, a):
    kind = INT64 if a.dtype == np.int64 else FLOAT
    raw = a.astype("<i8" if kind == INT64 else "<f4").tobytes()
    return b"".join(_int(1, d) for d in a.shape) + _int(2, kind) + _bytes(8, name) + _bytes(9, raw)


def _value(name, shape):
    dims = [_bytes(2, "N") if d is None else _int(1, d) for d in shape]
    tensor = _int(1, FLOAT) + _bytes(2, b"".join(_bytes(1, d) for d in dims))
    return _bytes(1, name) + _bytes(2, _bytes(1, tensor))


class File:
    """A network that is being written: nodes in order, constants, and what is known of values."""

    def __init__(self):
        self.nodes, self.constants = [], {}
        self.alias = {}  # the name under which readers find a value, where it is not its own

    def node(self, kind, inputs, output, **attributes):
        """Adds a node with one output and returns the output's name."""
        inputs = [self.alias.get(v, v) if v not in (output,) else v for v in inputs]
        body = b"".join(_bytes(1, v) for v in inputs) + _bytes(2, output) + _bytes(3, output) + _bytes(4, kind)
        self.nodes.append(body + b"".join(_bytes(5, _attribute(k, v)) for k, v in attributes.items()))
        return output

    def constant(self, a):
        """Adds an unnamed constant and returns its name."""
        name = f"constant{len(self.constants)}"
        self.constants[name] = np.asarray(a)
        return name

    def weights(self, name, p):
        """Adds a parameter, once, and returns its name."""
        self.constants[name] = p.detach().cpu().float().numpy()
        return name

    def encode(self, inputs, outputs, metadata):
        """The file's bytes. inputs and outputs are (name, shape), None for the batch."""
        graph = b"".join(_bytes(1, n) for n in self.nodes) + _bytes(2, "network")
        graph += b"".join(_bytes(5, _tensor(k, v)) for k, v in self.constants.items())
        graph += b"".join(_bytes(11, _value(*v)) for v in inputs) + b"".join(_bytes(12, _value(*v)) for v in outputs)
        model = _int(1, IR_VERSION) + _bytes(2, "qconv_torch") + _bytes(7, graph) + _bytes(8, _int(2, OPSET))
        return model + b"".join(_bytes(14, _bytes(1, k) + _bytes(2, v)) for k, v in metadata.items())
