"""Runs a .qlut program by qrun, which this machine needs beside Python; PyTorch it does not need."""

import json
import math
import os
import shutil
import subprocess

import numpy as np


class Program:
    """A program with one input: with Program("net.qlut") as p: p.run(x). x is float32 [N, ...] as the network takes it, or bytes (uint8): pixels,
    or of an input that takes none levels."""

    def __init__(self, path, qrun=None):
        self.path, self.qrun, self.process, self.format = path, qrun or os.environ.get("QRUN") or shutil.which("qrun"), None, None
        if self.qrun is None:
            raise FileNotFoundError("qconv_torch: qrun is neither on the path nor named by the environment variable QRUN")
        told = subprocess.run([self.qrun, "--info", "--json", path], capture_output=True, text=True)
        if told.returncode:
            raise ValueError(f"qconv_torch: {path}: {told.stderr.strip()}")
        self.info = json.loads(told.stdout)["info"]
        self.shape = tuple(self.info["input_shape"])

    def run(self, x):
        """The first output of every sample as the real numbers that it stands for: float64 [N, elements]."""
        return np.array([numbers(r["outputs"][0]) for r in self.results(x)])

    def results(self, x):
        """What qrun says of each sample, as it is: exact integers with their scale, classes and their scores."""
        format, x = ("raw", x) if x.dtype == np.uint8 else ("f32", x.astype("<f4"))
        if math.prod(x.shape[1:]) != math.prod(self.shape):
            raise ValueError(f"qconv_torch: {self.path}: got samples of shape {x.shape[1:]}, want {self.shape}")
        if not np.isfinite(x).all():
            raise ValueError(f"qconv_torch: {self.path}: got numbers that are not finite")
        if self.format != format:
            self.close()
            command = [self.qrun, "--loop", "--format", format, self.path, "-"]
            self.process, self.format = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE), format
        found = []
        for sample in x:
            self.process.stdin.write(sample.tobytes())
            self.process.stdin.flush()
            result = json.loads(self.process.stdout.readline() or '{"error": "qrun has ended, see what it wrote to standard error"}')
            if "error" in result:
                self.close()
                raise ValueError(f"qconv_torch: {self.path}: {result['error']}")
            found.append(result)
        return found

    def close(self):
        if self.process is not None:
            self.process.communicate()
        self.process, self.format = None, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def numbers(output):
    """The real numbers that the integers of an output stand for."""
    scale = output["scale_mant"] * 2.0 ** output["scale_exp"]
    return output.get("numbers") or [scale * (v - output["zero"]) for v in output["values"]]
