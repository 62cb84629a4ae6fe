#!/usr/bin/env python3
"""Measures the tables of docs/reliability.md and writes them into it.

    python3 docs/reliability.py [--fuzz LOG]     make reliability

Needs Go, QEMU (see .ci/run) and, for the table of attacks, ../shared. LOG is what `make fuzz` printed; without it
the table of fuzzing stays as it is.
"""
import argparse
import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reliability.md"
ATTACKS = ROOT.parent / "shared" / "attacks"


def output(*command):
    """What a command prints; it must succeed."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(c) for c in row) + " |" for row in rows])


def machines():
    """Layers and networks compared with their definition, by machine and instruction set."""
    rows = []
    for line in output("runtime/differential/run").splitlines():
        if line.startswith("differential: "):
            r = json.loads(line.removeprefix("differential: "))
            kernels = ", ".join(f"{k} {n}" for k, n in sorted(r["kernels"].items()))
            rows.append([r["machine"], r["set"], r["layers"], r["networks"], kernels, r["failures"]])
    return table(["machine", "instructions", "layers", "networks", "layers by kernel, or way to run them", "failures"], rows)


def edits():
    """Programs that were broken on purpose."""
    text = output("go", "test", "./runtime", "-run", "Flips|Edits|Rules", "-v", "-count=1", "-edits", "40000")
    names = {"bits": "single bits turned", "length": "files cut short", "chunks": "chunks doubled, dropped, swapped, spliced, resized",
             "fields": "fields changed, checksums mended"}
    rows = []
    for kind, found in re.findall(r"edits of (\w+): (\{.*\})", text):
        e = json.loads(found)
        rows.append([names[kind], e["Tried"], e["Refused"], e["Ran"], e["Differed"]])
    for count in re.findall(r"rules: (\d+) programs", text):
        rows.append(["one rule of FORMAT.md broken", count, count, 0, 0])
    return table(["programs", "tried", "refused", "ran alike in all kernels", "differed"], rows)


def kills():
    """Commands that were killed at random moments."""
    text = output("go", "test", "./cmd/qconv", "-run", "^TestKill$", "-v", "-count=1", "-timeout", "30m", "-kills", "200")
    rows = []
    for found in re.findall(r"kill command=(.*) kills=(\d+) old=(\d+) new=(\d+) ended=\d+ leftovers=(\d+) failures=(\d+)", text):
        rows.append(list(found))
    return table(["command", "kills", "old file left", "new file left", "leftovers, cleaned later", "failures"], rows)


def attacks():
    """Time and memory of inputs that once did harm."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["go", "build", "-o", folder, "./cmd/qconv", "./cmd/qrun"], cwd=ROOT, check=True)
        tools = Path(folder)
        model, program = tools / "digits.q.onnx", ROOT / "runtime/testdata/digits.qlut"
        subprocess.run([tools / "qconv", "import", ROOT / "testdata/digits.onnx", "-o", model], check=True, capture_output=True)
        for path in sorted(ATTACKS.iterdir()):
            commands = {
                ".onnx": [[tools / "qconv", "import", path, "-o", tools / "out.q.onnx"]],
                ".qlut": [[tools / "qrun", "--selftest", path], [tools / "qrun", "--bench", path], [tools / "qconv", "inspect", path]],
                ".gz": [[tools / "qconv", "eval", model, "--data", path], [tools / "qrun", program, path]],
                ".npz": [[tools / "qconv", "eval", model, "--data", path], [tools / "qconv", "convert", model, "--calib", path, "-o", tools / "out.qlut"]],
            }.get(path.suffix, [])
            for command in commands:
                started = time.monotonic()
                child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                _, status, usage = os.wait4(child.pid, 0)
                name = f"{Path(command[0]).name} {command[1] if str(command[1])[0] != '/' else ''}".strip()
                rows.append([path.name, name, os.waitstatus_to_exitcode(status), f"{time.monotonic() - started:.2f} s", f"{usage.ru_maxrss / 1024:.0f} MB"])
    return table(["file", "command", "exit", "time", "memory"], rows)


def fuzzing(log):
    """Inputs tried by every target, from what `make fuzz` printed."""
    rows, target = [], None
    for line in Path(log).read_text().splitlines():
        if line.startswith("== "):
            target = line[3:]
        elif found := re.search(r"elapsed: (\S+), execs: (\d+)", line):
            last = [target, found[1], found[2]]
            if rows and rows[-1][0] == target:
                rows[-1] = last
            else:
                rows.append(last)
    return table(["target", "time", "inputs"], rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fuzz")
    parser.add_argument("--only", help="one table")
    o = parser.parse_args()
    parts = {"machines": machines, "edits": edits, "kills": kills, "attacks": attacks, "fuzzing": lambda: fuzzing(o.fuzz)}
    if not o.fuzz:
        del parts["fuzzing"]
    if not ATTACKS.is_dir():
        del parts["attacks"]
    page = PAGE.read_text()
    for name, measure in parts.items():
        if o.only in (None, name):
            page, n = re.subn(rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m: m[1] + measure() + "\n" + m[2], page, flags=re.S)
            if n != 1:
                raise SystemExit(f"{PAGE} has {n} tables {name}, want 1")
            PAGE.write_text(page)


if __name__ == "__main__":
    main()
