#!/usr/bin/python3
"""Measures what every choice of `qconv finetune` costs, and writes RECIPES.md; README.md says how.

    recipes.py [ROW...]     all rows, or those whose names are given, which keep their places in the tables; the others stay as they are
"""
import argparse
import datetime
import json
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# Rows: flags of finetune, or of convert where the first word is "convert". A word file:STEM is the network that the row of
# that stem left; where it is the first, it is what is tuned. LONG is what a network that
# will be shipped is worth; the other rows have the default number of steps.
LONG = "--steps 2000"
FEW = "--codebook integer --units channel --normalize --loss both --batch 32 --teacher file:labels__teacher"
ROWS = {
    # What sizes cost.
    "W=16 integer": f"--weights 16 --codebook integer {LONG}",
    "W=8 integer": f"--weights 8 --codebook integer {LONG}",
    "W=64": f"--weights 64 {LONG}",
    "W=256": f"--weights 256 {LONG}",
    "A=16 W=16 integer": f"--levels 16 --weights 16 --codebook integer {LONG}",
    # Labels.
    "labels: float": f"--levels 256 --schedule none --loss labels {LONG}",
    "labels: W=16 integer": f"--weights 16 --codebook integer --loss labels {LONG}",
    # Other roads.
    "forward, W=16": "--weights 16",
    "forward, W=64": "--weights 64",
    "periodic, W=16": "--weights 16 --schedule periodic --steps 600",
    "network scope, W=16": "--weights 16 --scope network",
    # One raw codebook for all weights and biases: the paper's schedule, and in every pass.
    "the paper's, W=1000": "--weights 1000 --scope global --schedule periodic --steps 600",
    "the paper's, W=256": "--weights 256 --scope global --schedule periodic --steps 700",
    "the paper's, W=100": "--weights 100 --scope global --schedule periodic --steps 800",
    "raw, W=100": "--weights 100 --scope global --steps 700",
    "raw, W=32": "--weights 32 --scope global --steps 700",
    "raw, W=16": "--weights 16 --scope global --steps 500 --refit 50",
    "cheap, W=16": "--weights 16 --codebook cheap",
    "half pruned, W=16": "--weights 16 --prune 0.5",
    "A=8 W=16": "--levels 8 --weights 16",
    "two levels, two weights": "--levels 2 --weights 2",
    # Few levels and few weights with labels: each from a richer network.
    "labels: teacher": "--levels 256 --schedule none --loss labels --steps 1200",
    "labels: A=4 W=4": f"file:labels__teacher {FEW} --levels 4 --weights 4 --steps 2000",
    "labels: A=4 ternary": f"file:labels__A_4_W_4 {FEW} --levels 4 --weights 3 --steps 1500 --rate 2.5e-3",
    "labels: A=2 W=2, ends W=16": f"file:labels__A_4_W_4 {FEW} --levels 2 --weights 2 --end-weights 16 --steps 4500 --rate 2e-3 --range-rate 5e-4",
    # Layer by layer: as many bytes, and the networks that have one number of weights everywhere.
    "300 steps, W=4 integer": "--weights 4 --codebook integer --steps 300",
    "300 steps, W=4 integer by channel": "--weights 4 --codebook integer --units channel --normalize --steps 300",
    "300 steps, 19,500 bytes": "--budget 19500 --steps 300",
    "300 steps, W=8 integer": "--weights 8 --codebook integer --steps 300",
    "300 steps, 27 KB": "--budget 27KB --steps 300",
    "post-training, W=4 integer": "convert --samples 1000 --weights 4 --codebook integer",
    "post-training, 19,500 bytes": "convert --samples 1000 --budget 19500",
    "post-training, W=8 integer": "convert --samples 1000 --weights 8 --codebook integer",
    "post-training, 27 KB": "convert --samples 1000 --budget 27KB",
    # Without a training run.
    "post-training, W=64": "convert --samples 1000 --weights 64",
    "post-training, W=16": "convert --samples 1000 --weights 16",
    "post-training, W=16 integer": "convert --samples 1000 --weights 16 --codebook integer",
    "fast, W=256": "convert --weights 256 --fast",
    "fast, W=64": "convert --weights 64 --fast",
    "fast, W=16": "convert --weights 16 --fast",
    "fast, W=16 integer": "convert --samples 1000 --weights 16 --codebook integer --fast",
}

# The same on a MobileNet: table entries are the different products and the levels of all layers together (`qconv inspect`).
BOTH = "--loss both --augment crop=4,flip"
T320 = f"--levels 32 --weights 16 --codebook integer --input-levels 64 --pooled-levels 32 {BOTH}"
T40 = f"--teacher MODEL --levels 8 --weights 7 --codebook integer --input-levels 8 --pooled-levels 8 --units channel --normalize {BOTH}"
MOBILENET = {
    "mobilenet: W=16 integer": f"--weights 16 --codebook integer {LONG}",
    "mobilenet: 320 table entries": f"{T320} --steps 2500",
    "mobilenet: 320 table entries, 1500 steps more": f"file:mobilenet__320_table_entries --teacher MODEL {T320} --steps 1500 --rate 2e-3",
    "mobilenet: 40 table entries": f"file:mobilenet__320_table_entries {T40} --steps 3000",
    "mobilenet: 40 table entries, 2000 steps more": f"file:mobilenet__40_table_entries {T40} --steps 2000 --rate 2.5e-3",
}


class Measurement:
    def __init__(self, args, model):
        self.qconv, self.model, self.work = args.work / "qconv", model, args.work
        self.train, self.test = f"{args.data}/cifar10.zip#train", f"{args.data}/cifar10.zip#test"

    def call(self, *args):
        return json.loads(subprocess.run([self.qconv, *args, "--json"], capture_output=True, text=True, check=True).stdout)

    def row(self, name, flags):
        """Tunes, converts and evaluates; returns the cells of a table's row for the .qlut file on the test images."""
        stem = self.work / "".join(c if c.isalnum() else "_" for c in name)
        words = [f"{self.work}/{w[5:]}.q.onnx" if w.startswith("file:") else w for w in flags.split()]
        words = [str(self.model) if w == "MODEL" else w for w in words]
        model = words.pop(0) if flags.startswith("file:") else self.model
        made = f"{stem}.qlut"
        if words[0] == "convert":
            self.call("convert", self.model, "--calib", self.train, *words[1:], "-o", made)
        else:
            self.call("finetune", model, "--data", self.train, *words, "-o", f"{stem}.q.onnx")
            if "none" in words:  # weights are still floats
                made = f"{stem}.q.onnx"
            else:
                self.call("convert", f"{stem}.q.onnx", "-o", made)
        e = self.call("eval", made, "--data", self.test, "--against", self.model)
        self.float = e["against"]["accuracy"]
        cells = [name, f"`{flags}`", f"{100 * e['accuracy']:.2f}", f"{100 * e['agreement']:.2f}", "-", "-", "-"]
        if made.endswith(".qlut"):
            i = self.call("inspect", made)
            cells[4:] = f"{i['file_bytes']:,}", f"{i['bits_per_weight']:.2f}", f"{i['table_entries']['total']:,}"
        return cells


TITLES = ["", "flags", "accuracy, %", "agreement, %", ".qlut, bytes", "bits per weight", "table entries"]


def known_rows():
    """The rows of RECIPES.md as it is, by name, and the float accuracies by network."""
    text = (HERE / "RECIPES.md").read_text()
    rows = {}
    for line in text.splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) >= 6 and cells[1].startswith("`"):
            rows[cells[0]] = cells + ["-"] * (len(TITLES) - len(cells))
    return rows, dict(re.findall(r"^- (.*), in floating point: ([\d.]+) %", text, re.M))


def table(names, rows):
    lines = ["| " + " | ".join(TITLES) + " |", "| --- | --- |" + " ---: |" * (len(TITLES) - 2)]
    lines += ["| " + " | ".join(rows[n]) + " |" for n in names if n in rows]
    return "\n".join(lines)


def write(rows, floats):
    (HERE / "RECIPES.md").write_text("\n".join([
        "# What the choices of finetune cost", "",
        "Written by `finetune/bench/recipes.py`; [README.md](README.md) says what is measured and how.", "",
        *[f"- {network}, in floating point: {accuracy} %" for network, accuracy in floats.items()], f"- {datetime.date.today()}", "",
        "## ResNet-8", "", table(ROWS, rows), "", "## MobileNet, half as wide, for 32x32 pixels", "", table(MOBILENET, rows), ""]))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("rows", nargs="*", metavar="ROW", help="names of rows; all without any")
    p.add_argument("--models", type=pathlib.Path, default=ROOT.parent / "shared" / "models", help="folder of the float models")
    p.add_argument("--mobilenet", type=pathlib.Path, help="what tools/cifar_mobilenet.py of the shared folder exported; rows of MobileNet need it")
    p.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared" / "data", help="folder of the data")
    p.add_argument("--work", type=pathlib.Path, default=pathlib.Path.home() / ".cache" / "qconv-bench" / "recipes", help="where everything is made")
    args = p.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    subprocess.run(["go", "build", "-o", args.work / "qconv", "./cmd/qconv"], cwd=ROOT, check=True)
    rows, floats = known_rows()
    resnet = Measurement(args, args.models / "resnet8_cifar10.onnx")
    mobilenet = Measurement(args, args.work / "mobilenet.q.onnx")
    if args.mobilenet:
        mobilenet.call("import", args.mobilenet, "--scale", "1/255", "--mean", ".4914,.4822,.4465", "--std", ".2470,.2435,.2616", "-o", mobilenet.model)
    for name in args.rows or [*ROWS, *(MOBILENET if args.mobilenet else [])]:
        network, m, flags = ("ResNet-8", resnet, ROWS[name]) if name in ROWS else ("MobileNet", mobilenet, MOBILENET[name])
        rows[name] = m.row(name, flags)
        floats[network] = f"{100 * m.float:.2f}"
        print(*rows[name], sep=" | ", flush=True)
        write(rows, floats)


if __name__ == "__main__":
    main()
