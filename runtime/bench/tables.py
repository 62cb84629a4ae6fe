#!/usr/bin/env python3
"""Writes the results of the benchmarks as tables.

    tables.py WORK BENCHMARKS.md   puts all that WORK has into the file
    tables.py WORK NAME            prints one: speed, arm, profile or instructions

A table stands between two comments of BENCHMARKS.md that name it and is replaced there; one whose
results WORK lacks is left as it is. run calls this.
"""
import json
import os
import re
import statistics
import sys

PROGRAMS = {"w16": "W=16", "w256": "W=256"}
CONTENDERS = {  # of instructions, by target
    "armv5": {"int8-reference": "int8, reference loops", "int8": "int8, blocked MLA", "float": "soft float"},
    "arm64": {"int8-reference": "int8, reference loops", "int8": "int8, SMULL+SADALP",
              "int8-dot": "int8, SDOT", "float": "float, FMLA"},
}
TITLES = {"armv5": "ARMv5 without FPU (GOARM=5)", "arm64": "arm64"}
CPUS = {"cortex-a53": "A53", "cortex-a72": "A72", "cortex-a76": "A76"}
KINDS = {"fp32": "FP32", "int8": "INT8"}


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


def found_in(results):
    """Returns the networks of counts in their order, and the counts by network and contender."""
    networks = [n for n in dict.fromkeys(r["network"] for r in results) if n != "trivial"]
    return networks, {(r["network"], r["name"]): r for r in results}


def inference(r):
    """Returns what the main thread does for an inference of one of our programs: instructions, loads, stores."""
    return r["sections"][-2][:3]


def call(r):
    """Returns the median of what the main thread does for a call of ONNX Runtime; the garbage collector is in few of them.

    The first half of the calls is the warm-up.
    """
    calls = r["sections"][1:-1]
    return [statistics.median(column) for column in zip(*calls[len(calls) // 2:])][:3]


def millions(n):
    return "" if n is None else f"{n / 1e6:.2f}" if n < 1e8 else f"{n / 1e6:.0f}"


def ratio(a, b):
    return "" if a is None or b is None else f"{a / b:.2f}"


def arm(results, facts):
    networks, found = found_in(results)

    def cost(network, name, what=0):
        """Returns instructions (0), loads (1) or stores (2) of an inference, or None."""
        r = found.get((network, name))
        if r is None:
            return None
        if name in ours:
            return inference(r)[what]
        return call(r)[what] - call(found["trivial", name.replace("int8", "fp32")])[what]

    ours = [f"{t}-{p}" for t in TITLES for p in PROGRAMS]
    theirs = [f"{k}-{c}" for k in KINDS for c in CPUS]
    about_program = {n: next((found[n, o]["about"] for o in ours if (n, o) in found), {}) for n in networks}
    macs = {n: about_program[n].get("macs", 0) for n in networks}

    parts = [about(facts, ["qemu", "onnxruntime", "go", "commit", "date", "command", "inferences"])]
    rows = []
    for n in networks:
        w16 = cost(n, "arm64-w16")
        row = [n, f"{macs[n] / 1e6:.2f}"] + [millions(cost(n, c)) for c in ("arm64-w16", "arm64-w256", *theirs)]
        rows.append(row + [ratio(w16, cost(n, c)) for c in ("fp32-cortex-a76", "int8-cortex-a53", "int8-cortex-a76")])
    head = ["network", "MACs", "W=16", "W=256"] + [f"{KINDS[k]} {CPUS[c]}" for k in KINDS for c in CPUS]
    head += ["W=16 / FP32 A76", "W=16 / INT8 A53", "W=16 / INT8 A76"]
    parts.append("arm64, millions of instructions of an inference; ratios below 1: qconv takes fewer:\n\n" + table(head, rows))

    columns = [(c, w) for c in ("arm64-w16", "fp32-cortex-a76", "int8-cortex-a53", "int8-cortex-a76", "armv5-w16") for w in (1, 2)]
    rows = [[n] + [millions(cost(n, c, w)) for c, w in columns] for n in networks]
    names = {"arm64-w16": "W=16", "fp32-cortex-a76": "FP32 A76", "int8-cortex-a53": "INT8 A53", "int8-cortex-a76": "INT8 A76", "armv5-w16": "ARMv5, W=16"}
    parts.append("Instructions that load and that store, millions for an inference:\n\n" +
                 table(["network"] + [names[c] + (", loads", ", stores")[w - 1] for c, w in columns], rows))

    rows = []
    for n in networks:
        row = [n, f"{about_program[n].get('weights', 0):,}"]
        row += [ratio(cost(n, f"armv5-{p}"), macs[n] or None) for p in PROGRAMS]
        for p in PROGRAMS:
            r = found.get((n, f"armv5-{p}"))
            load = r and r["sections"][1][0] + r["sections"][1][3]
            row += [millions(load), ratio(load and load, r and r["about"]["weights"])]
        rows.append(row)
    head = ["network", "weights"] + [f"{p}, per MAC" for p in PROGRAMS.values()]
    head += [f"load {p}, {unit}" for p in PROGRAMS.values() for unit in ("millions", "per weight")]
    parts.append(TITLES["armv5"] + ", instructions; loading is Open and NewRunner, on all threads:\n\n" + table(head, rows))
    return "\n\n".join(parts)


def profile(results, facts):
    """Returns a table of layers for every network: instructions of each contender, and for each multiply-accumulate."""
    networks, found = found_in(results)
    parts = []
    for n in networks:
        contenders = {name: r for (network, name), r in found.items() if network == n}
        counts = {c: r["sections"][-1 - len(r["about"]["layers"]):-1] for c, r in contenders.items()}
        rows = []
        for i, layer in enumerate(next(iter(contenders.values()))["about"]["layers"]):
            row = [layer["name"]]
            for c, r in contenders.items():
                k = counts[c][i][0]
                row += [r["about"]["layers"][i]["kernel"], f"{k:,}", ratio(k, layer["macs"] or None)]
            rows.append(row)
        total = ["all"]
        for c, r in contenders.items():
            k = sum(s[0] for s in counts[c])
            total += ["", f"{k:,}", ratio(k, r["about"]["macs"] or None)]
        head = ["layer"] + [text for c in contenders for text in (f"{c}", "instructions", "per MAC")]
        parts.append(f"{n}:\n\n" + table(head, rows + [total]))
    return "\n\n".join(parts)


def instructions(results, facts):
    parts = [about(facts, ["qemu", "gcc", "go", "commit", "date", "command", "inferences"])]
    networks, found = found_in(results)

    def per_mac(network, name):
        r = found.get((network, name))
        return "" if r is None else f"{inference(r)[0] / r['about']['macs']:.2f}"

    for target, contenders in CONTENDERS.items():
        names = {**PROGRAMS, **contenders}
        rows = [[n] + [per_mac(n, f"{target}-{name}") for name in names] for n in networks]
        parts.append(f"{TITLES[target]}, instructions per multiply-accumulate:\n\n" + table(["network"] + list(names.values()), rows))
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
            facts = os.path.join(work, name + ".about.json")
            with open(path, encoding="utf8") as f:
                return parse(f.read()), json.load(open(facts, encoding="utf8")) if os.path.exists(facts) else {}
    return None


TABLES = {"speed": speed, "arm": arm, "instructions": instructions}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    work, path = sys.argv[1:]
    if path in {**TABLES, "profile": profile}:
        found = read(work, path) or sys.exit(f"tables.py: {work} has no results of {path}: run {path}")
        print({**TABLES, "profile": profile}[path](*found))
        return
    with open(path, encoding="utf8") as f:
        text = f.read()
    for name, write in TABLES.items():
        found = read(work, name)
        if found is not None:
            text = replace(text, name, write(*found))
    with open(path, "w", encoding="utf8") as f:
        f.write(text)


if __name__ == "__main__":
    main()
