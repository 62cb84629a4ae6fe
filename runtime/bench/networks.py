#!/usr/bin/env python3
"""Knows the networks of the benchmarks, and makes their files.

    networks.py list                    the names
    networks.py make NAME WORK SHARED   WORK/NAME/source.onnx, calibration.npz and samples.f32

calibration.npz holds an array for each input, called as it is; samples.f32 the same for measure: float32,
little-endian, all inputs of a sample, then those of the next. Networks come from three places:

- trained ones of SHARED/models, with the eight inputs beside them;
- architectures that testdata/architectures.py exports: random weights, one smooth random picture;
- public files of SHARED/real-models and SHARED/sequences: trained, with the generated noise beside them.
"""
import os
import subprocess
import sys

import numpy as np
import onnx

HERE = os.path.dirname(os.path.abspath(__file__))
ARCHITECTURES_PY = os.path.join(HERE, "..", "..", "testdata", "architectures.py")

TRAINED = ("resnet8_cifar10", "vww_mobilenetv1_025", "ad_autoencoder", "mnist_lenet")

# ARCHITECTURES: the height and width of the input.
ARCHITECTURES = {"resnet18": 64, "mobilenet_v2_x0_35": 96, "squeezenet1_1": 64, "shufflenet_v2_x0_5": 96, "mnasnet0_5": 96}

# FILES: the file of a public network, and dimensions that are set, by input.
FILES = {
    "face_rfb320": ("real-models/Ultra-Light-Fast-Generic-Face-Detector-1MB__version-RFB-320_simplified", {}),
    "face_yunet": ("real-models/libfacedetection.train__yunet_n_320_320", {}),
    "kws_micro": ("real-models/emx-onnx-cgen__micro_kws_m_static_fp32", {}),
    "wakeword": ("real-models/be-more-hailo__wakeword", {}),
    "tcn_streaming": ("real-models/esp-dl__model", {}),
    "tcn_causal": ("sequences/tcn_causal", {}),
    "super_resolution": ("real-models/qonnx__float_model", {"input": (1, 3, 32, 32)}),
    "text_segmentation": ("real-models/CCF-BDCI-2024-TPU-ocr-deploy__ch_PP-OCRv3_det_infer", {"x": (1, 3, 96, 96)}),
    "speech_two_inputs": ("sequences/DTLN__model_2", {}),
}


def export(name, folder):
    """Exports an architecture."""
    subprocess.run([sys.executable, ARCHITECTURES_PY, folder, name, "--size", str(ARCHITECTURES[name]), "--opset", "13", "--batch", "1"],
                   check=True, stdout=sys.stderr)
    os.replace(os.path.join(folder, name + ".onnx"), os.path.join(folder, "source.onnx"))
    reference = os.path.join(folder, name + ".ref.npz")
    x = np.load(reference)["x0"]
    os.remove(reference)
    return [x]


def link(path, folder):
    """Puts the file at path into folder as source.onnx."""
    target = os.path.join(folder, "source.onnx")
    if os.path.lexists(target):
        os.remove(target)
    os.symlink(os.path.abspath(path), target)


def public(name, folder, shared):
    """Takes a public network; where its sizes are set, the input is noise as well."""
    file, shapes = FILES[name]
    path = os.path.join(shared, file)
    if not shapes:
        link(path + ".onnx", folder)
        reference = np.load(path + ".ref.npz")
        return [reference["in." + i] for i in inputs_of(path + ".onnx")]
    model = onnx.load(path + ".onnx")
    for value in model.graph.input:
        if value.name in shapes:
            for dim, size in zip(value.type.tensor_type.shape.dim, shapes[value.name]):
                dim.dim_value = size
    del model.graph.value_info[:]
    for value in model.graph.output:
        for i, dim in enumerate(value.type.tensor_type.shape.dim):
            dim.dim_param = f"{value.name}.{i}"
    onnx.save(model, os.path.join(folder, "source.onnx"))
    return [np.random.default_rng(1).random(shapes[i]) for i in inputs_of(path + ".onnx")]


def inputs_of(path):
    """Returns the names of the inputs of a network."""
    graph = onnx.load(path).graph
    constants = {t.name for t in graph.initializer}
    return [i.name for i in graph.input if i.name not in constants]


def make(name, work, shared):
    folder = os.path.join(work, name)
    os.makedirs(folder, exist_ok=True)
    if name in TRAINED:
        link(os.path.join(shared, "models", name + ".onnx"), folder)
        arrays = [np.load(os.path.join(shared, "models", name + ".ref.npz"))["x0"]]
    elif name in ARCHITECTURES:
        arrays = export(name, folder)
    elif name in FILES:
        arrays = public(name, folder, shared)
    else:
        sys.exit(f"networks.py: there is no network {name!r}, want {' '.join(names())}")
    arrays = [a.astype("<f4") for a in arrays]
    inputs = inputs_of(os.path.join(folder, "source.onnx"))
    np.savez(os.path.join(folder, "calibration.npz"), **dict(zip(inputs, arrays)))
    with open(os.path.join(folder, "samples.f32"), "wb") as f:
        for sample in zip(*arrays):
            for part in sample:
                f.write(part.tobytes())


def names():
    return [*TRAINED, *ARCHITECTURES, *FILES]


def main():
    if sys.argv[1:] == ["list"]:
        print(" ".join(names()))
    elif len(sys.argv) == 5 and sys.argv[1] == "make":
        make(*sys.argv[2:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
