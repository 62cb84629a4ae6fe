#!/usr/bin/env python3
"""Writes the results of the benchmarks as tables: tables.py WORK BENCHMARKS.md

A table stands between two comments of BENCHMARKS.md that name it and is replaced there; one whose
results WORK lacks is left as it is. run calls this.
"""
import json
import os
import re
import sys

PROGRAMS = {"w16": "W=16", "w256": "W=256"}
CONTENDERS = {  # of instructions, by target
    "armv5": {"int8-reference": "int8, reference loops", "int8": "int8, blocked MLA", "float": "soft float"},
    "arm64": {"int8-reference": "int8, reference loops", "int8": "int8, SMULL+SADALP",
              "int8-dot": "int8, SDOT", "float": "float, FMLA"},
}
TITLES = {"armv5": "ARMv5 without FPU (GOARM=5)", "arm64": "arm64"}


def table(head, rows):
    """Returns a Markdown table, the first column to the left, the others to the right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)] + rows
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def about(facts, names):
    """Returns a list of the facts of a measurement."""
    return "\n".join(f"- {name.replace('_', ' ')}: {facts[name]}" for name in names if name in facts)


def microseconds(nanoseconds):
    return f"{nanoseconds / 1000:.1f}"


def speed(results, facts):
    rows = []
    for r in results:
        # The quietest round counts: another process can only make a round slower.
        best = {name: min(medians) for name, medians in r["medians"].items()}
        ort = {name: best[name] - best["call"] for name in ("fp32", "int8")}
        row = [r["name"], f"{r['programs']['w16']['macs']:,}", microseconds(ort["fp32"]), microseconds(ort["int8"])]
        row += [microseconds(best[p]) for p in PROGRAMS]
        row += [f"{ort[other] / best[p]:.2f}" for p in PROGRAMS for other in ("fp32", "int8")]
        rows.append(row)
    head = ["network", "MACs", "ORT FP32, µs", "ORT INT8, µs"] + [f"{p}, µs" for p in PROGRAMS.values()]
    head += [f"{p} vs {other}" for p in PROGRAMS.values() for other in ("FP32", "INT8")]
    calls = [min(r["medians"]["call"]) for r in results]
    text = about(facts, ["machine", "onnxruntime", "node", "go", "commit", "date", "command", "core", "rounds", "milliseconds"])
    text += f"\n- subtracted from ONNX Runtime's times for the call: {microseconds(min(calls))} to {microseconds(max(calls))} µs"
    return text + "\n\n" + table(head, rows)


def instructions(results, facts):
    parts = [about(facts, ["qemu", "gcc", "go", "commit", "date", "command", "inferences"])]
    networks = list(dict.fromkeys(r["network"] for r in results))
    found = {(r["target"], r["network"], r["name"]): r for r in results}

    def per_mac(r):
        if r is None:
            return ""
        counts = r["sections"][1:-1]
        return f"{sum(counts) / len(counts) / r['macs']:.2f}"

    for target, contenders in CONTENDERS.items():
        names = {**PROGRAMS, **contenders}
        rows = [[n] + [per_mac(found.get((target, n, name))) for name in names] for n in networks]
        parts.append(f"{TITLES[target]}, instructions per multiply-accumulate:\n\n" + table(["network"] + list(names.values()), rows))
    rows = [[n] + [f"{found[t, n, p]['sections'][0] / 1e6:.1f}" for t in TITLES for p in PROGRAMS] for n in networks]
    head = ["network"] + [f"{t}, {p}" for t in TITLES for p in PROGRAMS.values()]
    parts.append("Start of the program, loading and preparing the network, millions of instructions:\n\n" + table(head, rows))
    return "\n\n".join(parts)


def replace(text, name, content):
    """Puts content between the comments of text that name it."""
    pattern = rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)"
    new, count = re.subn(pattern, lambda m: m[1] + "\n" + content + "\n\n" + m[2], text, flags=re.S)
    if count != 1:
        sys.exit(f"tables.py: {count} places for table {name!r}, want 1")
    return new


def read(work, name):
    """Returns the results and the facts about them, or None."""
    for suffix, parse in ((".json", json.loads), (".jsonl", lambda text: [json.loads(line) for line in text.splitlines()])):
        path = os.path.join(work, name + suffix)
        if os.path.exists(path):
            with open(path, encoding="utf8") as f, open(os.path.join(work, name + ".about.json"), encoding="utf8") as g:
                return parse(f.read()), json.load(g)
    return None


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    work, path = sys.argv[1:]
    with open(path, encoding="utf8") as f:
        text = f.read()
    for name, write in (("speed", speed), ("instructions", instructions)):
        found = read(work, name)
        if found is not None:
            text = replace(text, name, write(*found))
    with open(path, "w", encoding="utf8") as f:
        f.write(text)


if __name__ == "__main__":
    main()
