#!/usr/bin/env python3
"""Makes synthetic log-mel vectors for the anomaly detection auto-encoder: logmel.py OUT.npz [SAMPLES] [--seed N]

Each sample is 5 frames of 128 bands in dB, frame after frame: a machine's steady spectrum that falls with
frequency, a few slowly varying bumps, and noise that differs from frame to frame. They are no recordings: they
exercise tuning and arithmetic, not the detection of anomalies. OUT.npz holds x, float32 [SAMPLES][640]. The
same arguments give the same arrays.
"""
import argparse

import numpy as np

FRAMES, BANDS = 5, 128


def spectra(rng, samples):
    band = np.arange(BANDS) / BANDS
    x = -12 - 18 * band + rng.normal(0, 1.5, (samples, 1, 1))
    for _ in range(4):
        place, width = rng.uniform(0, 1, (samples, 1, 1)), rng.uniform(0.02, 0.2, (samples, 1, 1))
        x = x + rng.normal(0, 4, (samples, 1, 1)) * np.exp(-(((band - place) / width) ** 2))
    x = x + 3 * np.sin(2 * np.pi * (3 * band + rng.uniform(0, 1, (samples, 1, 1))))
    return x + rng.normal(0, 2, (samples, FRAMES, BANDS))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("samples", nargs="?", type=int, default=4000)
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    x = spectra(np.random.default_rng(args.seed), args.samples)
    np.savez(args.out, x=x.reshape(args.samples, -1).astype(np.float32))


if __name__ == "__main__":
    main()
