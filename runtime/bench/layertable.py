#!/usr/bin/env python3
"""Writes the results of the sweep of layer kinds.

    layertable.py WORK LAYERS.md   puts the tables into the file, and layers.svg and layers.png beside it
    layertable.py WORK -           prints the tables; the pictures go to WORK

A ratio is ONNX Runtime's time through qconv's. ONNX Runtime's is the better of a model of the layer and of the layer as it is within a network,
less what a call takes.
"""
import json
import math
import os
import sys

import heatmap
import tables

PROGRAMS = {"w16": "W=16 integer", "w16free": "W=16 free", "w256": "W=256"}
OTHERS = {"fp32": "FP32", "int8": "INT8"}
TELLING = 0.1  # what is less than this share of a call is not told from it


def read(work):
    """Returns the layers in order, each with its ratios by program and contender, None where the call hides it."""
    with open(os.path.join(work, "layers.json"), encoding="utf8") as f:
        facts = json.load(f)
    with open(os.path.join(work, "layers.measured.json"), encoding="utf8") as f:
        results = json.load(f)
    with open(os.path.join(work, "layers.about.json"), encoding="utf8") as f:
        about = json.load(f)
    for r in results:
        r.update(facts[r["name"]])
        # The quietest round counts: another process can only make a round slower.
        best = {name: min(medians) for name, medians in r["medians"].items()}
        r["ns"] = {p: best[p] for p in PROGRAMS}
        told = {}
        for o in OTHERS:
            plain, bare = (best[o + form] - best["call"] for form in ("_plain", "_bare"))
            r["ns"][o] = max(min(plain, bare / r["copies"]), 0)
            told[o] = bare >= TELLING * best["call"]
        r["ratios"] = {(p, o): r["ns"][o] / max(r["ns"][p], 1) if told[o] else None for p in PROGRAMS for o in OTHERS}
    return results, about


def mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def summary(layers):
    rows = []
    for p, program in PROGRAMS.items():
        for o, other in OTHERS.items():
            told = [(r["ratios"][p, o], r["name"]) for r in layers if r["ratios"][p, o] is not None]
            if told:
                ratios = [ratio for ratio, _ in told]
                least = min(told)
                rows.append([f"{program} against {other}", str(len(told)), f"{100 * sum(x >= 1 for x in ratios) / len(told):.0f} %",
                             f"{100 * sum(x >= 0.5 for x in ratios) / len(told):.0f} %", f"{mean(ratios):.2f}", f"{least[0]:.2f}, {least[1]}"])
    return tables.table(["", "layers", "at or above 1", "at or above 0.5", "geometric mean", "least"], rows)


def row(r):
    kernels = ", ".join(dict.fromkeys(layer["kernel"] for layer in r["programs"]["w16"]["layers"]))
    shown = [f"{r['ns'][name] / 1000:.1f}" for name in [*OTHERS, *PROGRAMS]]
    return [r["name"], kernels, f"{r['macs']:,}"] + shown + ["" if x is None else f"{x:.2f}" for x in r["ratios"].values()]


HEAD = ["layer", "kernels of W=16", "MACs"] + [f"{o}, µs" for o in OTHERS.values()] + [f"{p}, µs" for p in PROGRAMS.values()] + \
    [f"{p} / {o}" for p in PROGRAMS.values() for o in OTHERS.values()]


def weak(layers):
    """Returns a table of the layers that are slower than in floating point at W=16 integer, the worst first."""
    slower = [r for r in layers if (r["ratios"]["w16", "fp32"] or 1) < 1]
    return tables.table(HEAD, [row(r) for r in sorted(slower, key=lambda r: r["ratios"]["w16", "fp32"])])


def draw(layers, svg, png):
    picture = heatmap.Picture()
    lengths = [r for r in layers if r["kind"].startswith(("dense", "1-D"))]
    maps = [r for r in layers if r not in lengths]
    top = heatmap.GAP
    for o, other in OTHERS.items():
        for group, axis in ((maps, "rows, columns"), (lengths, "features, length")):
            kinds = list(dict.fromkeys(r["kind"] for r in group))
            columns = sorted({r["map"] for r in group}, reverse=group is maps)
            left, height = heatmap.GAP, 0
            for p, program in PROGRAMS.items():
                ratios = {(r["kind"], r["map"]): r["ratios"][p, o] for r in group}
                size = heatmap.panel(picture, left, top, f"{program} against {other}", axis if left == heatmap.GAP else None, kinds, columns, ratios)
                left, height = left + size[0] + heatmap.GAP, size[1]
            if kinds:
                top += height + heatmap.GAP
    picture.svg(svg)
    picture.png(png)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    work, path = sys.argv[1:]
    layers, about = read(work)
    text = tables.about(about, ["machine", "kernels", "onnxruntime", "node", "go", "commit", "date", "command", "core", "rounds", "milliseconds"])
    parts = {"summary": text + "\n\n" + summary(layers), "weak": weak(layers), "layers": tables.table(HEAD, [row(r) for r in layers])}
    if path == "-":
        print("\n\n".join(parts.values()))
        draw(layers, os.path.join(work, "layers.svg"), os.path.join(work, "layers.png"))
        return
    with open(path, encoding="utf8") as f:
        text = f.read()
    for name, content in parts.items():
        text = tables.replace(text, name, content)
    with open(path, "w", encoding="utf8") as f:
        f.write(text)
    folder = os.path.dirname(path)
    draw(layers, os.path.join(folder, "layers.svg"), os.path.join(folder, "layers.png"))


if __name__ == "__main__":
    main()
