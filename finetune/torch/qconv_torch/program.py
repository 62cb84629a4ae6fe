"""Runs a .qlut program by qrun, which this machine needs beside Python; PyTorch it does not need."""

import json
import os
import shutil
import subprocess

import numpy as np


class Program:
    """A running program: with Program("net.qlut") as p: p.run(x). x is float32 [N, ...] as the network takes it, or pixels as uint8."""

    def __init__(self, path, qrun=None):
        self.path, self.qrun = path, qrun or os.environ.get("QRUN") or shutil.which("qrun")
        if self.qrun is None:
            raise FileNotFoundError("qconv_torch: qrun is neither on the path nor named by the environment variable QRUN")
        self.process, self.format = None, None

    def _start(self, format):
        self.close()
        command = [self.qrun, "--loop", "--format", format, self.path, "-"]
        self.process, self.format = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE), format

    def run(self, x):
        """A list of the first output of every sample: a float64 array of the real numbers that it stands for, [N, elements]."""
        return np.stack([np.array(numbers(r["outputs"][0])) for r in self.results(x)])

    def results(self, x):
        """What qrun says of each sample, as it is: exact integers with their scale, classes and their scores."""
        x = np.ascontiguousarray(x)
        format = "raw" if x.dtype == np.uint8 else "f32"
        if self.format != format or self.process.poll() is not None:
            self._start(format)
        found = []
        for sample in x if format == "raw" else x.astype("<f4"):
            try:
                self.process.stdin.write(sample.tobytes())
                self.process.stdin.flush()
            except BrokenPipeError:
                pass
            line = self.process.stdout.readline()
            result = json.loads(line) if line else {"error": self.process.communicate()[1].decode().strip()}
            if "error" in result:
                self.close()
                raise ValueError(f"qconv_torch: {self.path}: {result['error']}")
            found.append(result)
        return found

    def close(self):
        if self.process is not None:
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass
            self.process.wait()
        self.process, self.format = None, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def numbers(output):
    """The real numbers that the integers of an output stand for."""
    if "numbers" in output:
        return output["numbers"]
    scale = output["scale_mant"] * 2.0 ** output["scale_exp"]
    return [scale * (v - output["zero"]) for v in output["values"]]
