"""Writes tar archives of N small pictures with classes in the layout of WebDataset, 100,000 in each:

    python3 million.py digits-images.idx.gz digits-labels.idx.gz 1000000 FOLDER

The pictures are those of an MNIST file, over and over, as PNG. docs/cluster.md has the memory that qconv takes to evaluate them.
"""
import gzip, io, os, sys, tarfile

import numpy as np
from PIL import Image

images, labels, count, folder = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
EACH = 100_000  # samples of an archive


def entry(name, data):
    """is a file of an archive with its header; tarfile itself is slower by far."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    return info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512)


def png(pixels):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "png")
    return out.getvalue()


pixels = np.frombuffer(gzip.open(images).read()[16:], np.uint8).reshape(-1, 28, 28)
classes = gzip.open(labels).read()[8:]
pool = [(png(p), str(c).encode()) for p, c in zip(pixels, classes)]
os.makedirs(folder, exist_ok=True)
for first in range(0, count, EACH):
    with open(f"{folder}/digits-{first // EACH:03d}.tar", "wb") as f:
        for i in range(first, min(first + EACH, count)):
            picture, label = pool[i % len(pool)]
            f.write(entry(f"{i:07d}.png", picture) + entry(f"{i:07d}.cls", label))
        f.write(bytes(1024))
