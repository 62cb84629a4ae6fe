#!/usr/bin/env python3
"""Computes features of a short sound in another way, for the tests of package features.

    /usr/bin/python3 finetune/features/testdata/reference.py

writes reference.npz beside itself: samples, int16, and an array of every case that cases() names, float64 [frames][values]. STFT is torch.stft (of PyTorch 1.13);
the rest is NumPy, from the definitions in the documentation of torchaudio and tf.signal, neither of which is used. Transforms are
products with whole matrices here, and bands are drawn point by point.
"""
import os

import numpy as np
import torch

RATE = 16000


def sound():
    """Returns a rising tone with noise, and silence at its end."""
    rng = np.random.default_rng(1)
    t = np.arange(1500) / RATE
    x = 0.4 * np.sin(2 * np.pi * (300 + 9000 * t) * t) + 0.05 * rng.normal(size=t.size)
    x = np.concatenate([x, np.zeros(600)])
    return np.clip(np.round(x * 32768), -32768, 32767).astype(np.int16)


def slaney_mel(hz):
    return hz * 3 / 200 if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)


def slaney_hz(mel):
    return mel * 200 / 3 if mel < 15 else 1000 * np.exp(np.log(6.4) / 27 * (mel - 15))


def htk_mel(hz):
    return 2595 * np.log10(1 + hz / 700)


def htk_hz(mel):
    return 700 * (10 ** (mel / 2595) - 1)


def triangle(x, left, centre, right):
    if left < x <= centre:
        return (x - left) / (centre - left)
    if centre < x < right:
        return (right - x) / (right - centre)
    return 0.0


def torch_bands(bins, n_mels, f_min, f_max, rate, slaney, norm):
    mel, hz = (slaney_mel, slaney_hz) if slaney else (htk_mel, htk_hz)
    points = [hz(m) for m in np.linspace(mel(f_min), mel(f_max), n_mels + 2)]
    out = np.zeros((bins, n_mels))
    for b, f in enumerate(np.linspace(0, rate // 2, bins)):
        for m in range(n_mels):
            out[b, m] = triangle(f, *points[m:m + 3]) * (2 / (points[m + 2] - points[m]) if norm else 1)
    return out


def tensorflow_bands(bins, n_mels, f_min, f_max, rate):
    def mel(hz):
        return 1127 * np.log(1 + hz / 700)
    points = np.linspace(mel(f_min), mel(f_max), n_mels + 2)
    out = np.zeros((bins, n_mels))
    for b, f in enumerate(np.linspace(0, rate / 2, bins)):
        for m in range(n_mels):
            out[b, m] = triangle(mel(f), *points[m:m + 3]) if b > 0 else 0
    return out


def cosines(n_mels, n_mfcc, orthonormal):
    """DCT-II by the inverse of its definition: columns of an orthogonal matrix where it is orthonormal."""
    k, m = np.meshgrid(np.arange(n_mfcc), np.arange(n_mels))
    out = 2 * np.cos(np.pi * k * (2 * m + 1) / (2 * n_mels)) / np.sqrt(2 * n_mels)
    if orthonormal:
        out[:, 0] /= np.sqrt(2)
    return out


def torch_spectrum(x, n_fft, win, hop, center, power):
    window = torch.hann_window(win, periodic=True, dtype=torch.float64)
    s = torch.stft(torch.from_numpy(x), n_fft, hop, win, window, center=center, pad_mode="reflect", normalized=False,
                   onesided=True, return_complex=True)
    return s.abs().pow(power).numpy().T


def tensorflow_spectrum(x, win, hop, n_fft, power):
    n = win + (1 - win % 2) - 1  # tf.signal.hann_window(periodic=True): of an odd length it is symmetric
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(win) / n)
    frames = [np.fft.rfft(x[i:i + win] * window, n_fft) for i in range(0, len(x) - win + 1, hop)]
    return np.abs(np.array(frames)) ** power


def db(x, top=None):
    y = 10 * np.log10(np.maximum(x, 1e-10))
    return y if top is None else np.maximum(y, y.max() - top)


def cases(x):
    """Yields the description of each case, and its features."""
    s = torch_spectrum(x, 400, 400, 160, True, 2)
    yield "spectrogram:n_fft=64,hop=300", torch_spectrum(x, 64, 64, 300, True, 2)
    yield "spectrogram:n_fft=50,win=33,hop=401,center=false,power=1", torch_spectrum(x, 50, 33, 401, False, 1)
    yield "mel:hop=160,n_mels=12", s @ torch_bands(201, 12, 0, 8000, RATE, False, False)
    yield "mel:hop=160,n_mels=12,mel_scale=slaney,norm=slaney,f_min=100,f_max=7000", s @ torch_bands(201, 12, 100, 7000, RATE, True, True)
    yield "logmel:n_fft=512,win=400,hop=200,n_mels=10", db(torch_spectrum(x, 512, 400, 200, True, 2) @ torch_bands(257, 10, 0, 8000, RATE, False, False))
    yield "logmel:hop=160,n_mels=8,log=ln,mean=-2,std=3", (np.log(s @ torch_bands(201, 8, 0, 8000, RATE, False, False) + 1e-6) + 2) / 3
    mels = s @ torch_bands(201, 23, 0, 8000, RATE, False, False)
    yield "mfcc:hop=160,n_mels=23,n_mfcc=13", db(mels, 80) @ cosines(23, 13, True)
    yield "mfcc:hop=160,n_mels=23,n_mfcc=13,log=ln", np.log(mels + 1e-6) @ cosines(23, 13, True)
    s = tensorflow_spectrum(x, 480, 320, 512, 1)
    mels = np.log(s @ tensorflow_bands(257, 40, 20, 4000, RATE) + 1e-6)
    yield "mfcc:style=tensorflow,win=480,hop=320,n_mels=40,f_min=20,f_max=4000,n_mfcc=10", mels @ cosines(40, 10, False)
    yield "logmel:style=tensorflow,frame_length=480,frame_step=320,num_mel_bins=40,lower_edge_hertz=20,upper_edge_hertz=4000", mels
    yield "spectrogram:style=tensorflow,win=255,hop=512", tensorflow_spectrum(x, 255, 512, 256, 1)


def main():
    samples = sound()
    arrays = dict(cases(samples / 32768))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.npz")
    np.savez_compressed(path, samples=samples, names=np.frombuffer("\n".join(arrays).encode(), np.uint8),
                        **{f"case{i}": v for i, v in enumerate(arrays.values())})
    for name, v in arrays.items():
        print(f"{v.shape[0]:3} frames of {v.shape[1]:3}: {name}")
    print(f"{os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
