#!/usr/bin/env python3
"""A second reader of .qlut files, written from ../FORMAT.md and nothing else.

    reader.py MODEL.qlut... --selftest      check each file and run its self-tests
    reader.py MODEL.qlut... --input FILE    samples as raw bytes or .npy of uint8: all outputs as JSON
    reader.py MODEL.qlut... --dump          what each file holds, as JSON
    reader.py MODEL.qlut... --check         check each file

--input may be repeated, once for each model. Every model gets one line. Exit codes are 0,
1 for a self-test that fails, 2 for a wrong call, and 3 for a file that is not valid.

It needs Python 3.8 and numpy. The folder qlut holds the parts, each named after the
sections of FORMAT.md it follows; they are meant as an example for a reader in another
language, so they are plain rather than fast.
"""

import argparse
import json
import sys

sys.dont_write_bytecode = True

import numpy as np

from qlut.chunks import Record, elements, parse
from qlut.execute import indices_of, initial, run, selftest
from qlut.fields import Invalid, need


def plain_data(v):
    """Records and arrays as what JSON knows."""
    return vars(v) if isinstance(v, Record) else v.tolist()


def samples_of(p, name):
    data = np.load(name, allow_pickle=False) if name.endswith(".npy") else np.fromfile(name, np.uint8)
    need(data.dtype in (np.uint8, np.float32), f"{name} holds {data.dtype}, want uint8 or float32")
    size = sum(elements(p.tensors[i.tensor]) for i in p.inputs)
    need(data.size and data.size % size == 0, f"{name} has {data.size} bytes, want samples of {size}")
    return data.reshape(-1, size)


def do(options, model, sample_file):
    """Returns the line for a model and the exit code."""
    with open(model, "rb") as file:
        p = parse(file.read())
    if options.dump:
        return json.dumps(p, default=plain_data), 0
    if options.input:
        outputs, states = [], initial(p)
        for sample in samples_of(p, sample_file):
            results, after = run(p, indices_of(p, sample), states)
            outputs.append([o.tolist() for o in results])
            states = after if options.stream else states
        return json.dumps({"names": [o.name for o in p.outputs], "samples": outputs}), 0
    if options.check:
        return f"{model}: valid", 0
    fault = selftest(p)
    return f"{model}: {fault or f'{len(p.tests)} self-tests passed'}", 1 if fault else 0


def main():
    parser = argparse.ArgumentParser(description="Reads and runs .qlut files as FORMAT.md says.")
    parser.add_argument("models", nargs="+", metavar="MODEL.qlut")
    job = parser.add_mutually_exclusive_group(required=True)
    job.add_argument("--selftest", action="store_true", help="check the file and run its self-tests")
    job.add_argument("--input", action="append", metavar="FILE", help="run samples, raw bytes or .npy of uint8")
    job.add_argument("--dump", action="store_true", help="print what the file holds as JSON")
    job.add_argument("--check", action="store_true", help="check the file and no more")
    parser.add_argument("--stream", action="store_true", help="the samples are the steps of one stream, not the first step each")
    options = parser.parse_args()
    inputs = options.input or [None] * len(options.models)
    if len(inputs) != len(options.models):
        parser.error("want one --input for each model")
    worst = 0
    for model, sample_file in zip(options.models, inputs):
        try:
            line, code = do(options, model, sample_file)
        except (Invalid, OSError, ValueError) as fault:
            line, code = f"{model}: {fault}", 3
        print(line)
        worst = max(worst, code)
    return worst


if __name__ == "__main__":
    sys.exit(main())
