#!/usr/bin/env python3
"""Writes the pictures of this folder, or with a folder as argument more of them there: pictures of all kinds and sizes. Needs numpy and Pillow with WebP."""
import os
import sys

import numpy
from PIL import Image


def picture(w, h, channels, seed):
    """Waves, a hard edge, and noise in one corner: something for every mode of prediction."""
    rng = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:h, 0:w].astype(float)
    p = numpy.stack([127 + 120 * numpy.sin(x / (3 + 5 * c) + y / (7 - c) + seed) * numpy.cos(y / (11 + 3 * c)) for c in range(channels)], -1)
    p[(x + 2 * y > w) & (x < w * 2 / 3)] *= 0.4
    noise = (x > w / 2) & (y > h / 2)
    p[noise] += rng.normal(0, 50, p.shape)[noise]
    p = p.clip(0, 255).astype(numpy.uint8)
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    return Image.fromarray(p[:, :, 0] if channels == 1 else p, mode)


def few(w, h, n, seed):
    """A picture of n colours in flat areas, which is written with a palette."""
    y, x = numpy.mgrid[0:h, 0:w]
    colours = numpy.random.default_rng(seed).integers(0, 256, (n, 3)).astype(numpy.uint8)
    return Image.fromarray(colours[(x // 5 * 3 + y // 4 + x * y // 40) % n], "RGB")


def small():
    yield "lossy", picture(45, 35, 3, 1), dict(quality=60)
    yield "alpha", picture(33, 18, 4, 2), dict(quality=50)
    yield "lossless", picture(24, 17, 3, 3), dict(lossless=True)
    yield "palette", few(31, 22, 7, 4), dict(lossless=True)
    yield "gray", picture(17, 16, 1, 5), dict(quality=80)
    yield "dot", picture(1, 1, 3, 6), dict(quality=75)
    yield "exif", picture(20, 30, 3, 7), dict(quality=30, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")


def wide():
    """Smooth pictures of 700x500, for the tests of what memory decoding takes."""
    y, x = numpy.mgrid[0:500, 0:700]
    p = numpy.stack([x * 255 // 699, y * 255 // 499, (x + y) // 5 % 256, 255 - x * 255 // 699], -1).astype(numpy.uint8)
    rgb = Image.fromarray(p[:, :, :3], "RGB")
    yield "wide-lossy", rgb, dict(quality=0)
    yield "wide-alpha", Image.fromarray(p, "RGBA"), dict(quality=0, alpha_quality=0)
    yield "wide-lossless", rgb, dict(lossless=True)
    yield "wide-palette", Image.fromarray(p[:, :, :3] // 64 * 64, "RGB").quantize(16).convert("RGB"), dict(lossless=True)


def many():
    k = 0
    for w, h in [(1, 1), (2, 3), (1, 40), (40, 1), (16, 17), (33, 65), (127, 63)]:
        for channels in (1, 3, 4):
            for q in (0, 35, 75, 100):
                k += 1
                yield f"lossy{k}", picture(w, h, channels, k), dict(quality=q, method=k % 7, alpha_quality=(100, 60, 0)[k % 3])
            for q in (0, 60):
                k += 1
                yield f"lossless{k}", picture(w, h, channels, k), dict(quality=q, lossless=True, method=k % 5, exact=k % 2 == 0)
        for n in (2, 3, 5, 17, 200):
            k += 1
            yield f"palette{k}", few(w, h, n, k), dict(lossless=True, method=k % 5)
    yield "large-alpha", picture(300, 200, 4, 1), dict(quality=70)
    yield "large-lossy", picture(640, 480, 3, 1), dict(quality=80)
    yield "large-lossless", picture(300, 200, 3, 2), dict(lossless=True)


if __name__ == "__main__":
    folder, pictures = (sys.argv[1], many()) if len(sys.argv) > 1 else (os.path.dirname(os.path.abspath(__file__)), [*small(), *wide()])
    for name, image, options in pictures:
        image.save(os.path.join(folder, name + ".webp"), **options)
    if len(sys.argv) == 1:
        frames = [picture(8, 8, 3, 8), picture(8, 8, 3, 9)]
        frames[0].save(os.path.join(folder, "animation.webp"), save_all=True, append_images=frames[1:], quality=20)
