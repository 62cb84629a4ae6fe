#!/usr/bin/python3
"""Measures fine-tuning beside PyTorch and float evaluation beside ONNX Runtime; README.md says how."""
import argparse
import datetime
import os
import pathlib
import platform
import re
import subprocess
import time

import torch

from networks import NETWORKS

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BATCH, EVALUATION_BATCH, THREADS = 64, 50, 2


def go_rate(binary, benchmark, seconds):
    """Returns the samples per second of one benchmark of package finetune."""
    out = subprocess.run(
        [binary, "-test.run=^$", f"-test.bench=^{benchmark}$", f"-test.benchtime={seconds}s", f"-test.cpu={THREADS}"],
        cwd=HERE.parent, capture_output=True, text=True, check=True).stdout
    rates = re.findall(r"([\d.]+) images/s", out)
    if len(rates) != 1:
        raise SystemExit(f"compare.py: {benchmark} ran {len(rates)} times:\n{out}")
    return float(rates[0])


class TorchStep:
    """A plain float training step: forward, cross-entropy, backward, Adam."""

    def __init__(self, network, shape):
        torch.manual_seed(1)
        self.network = network().train()
        self.optimizer = torch.optim.Adam(self.network.parameters(), 1e-6)
        self.x = torch.rand(BATCH, *shape)
        self.labels = torch.arange(BATCH) % 10
        self.step()

    def step(self):
        self.optimizer.zero_grad()
        torch.nn.functional.cross_entropy(self.network(self.x), self.labels).backward()
        self.optimizer.step()

    def rate(self, seconds):
        begin, steps = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - begin) < seconds:
            self.step()
            steps += 1
        return steps * BATCH / elapsed


def ort_rate(work, model, seconds):
    out = subprocess.run(
        ["node", HERE / "evaluate.js", model, str(EVALUATION_BATCH), str(THREADS), str(seconds)], capture_output=True, text=True, check=True,
        env={**os.environ, "NODE_PATH": str(work / "node" / "node_modules")}).stdout
    return float(out)


def alternate(rounds, contenders):
    """Returns the best rate of every contender, given as a function, over rounds in which each has its turn."""
    best = [0.0] * len(contenders)
    for _ in range(rounds):
        for i, rate in enumerate(contenders):
            best[i] = max(best[i], rate())
    return best


def install(work, version):
    if not (work / "node" / "node_modules" / "onnxruntime-node").exists():
        subprocess.run(["npm", "install", "--prefix", work / "node", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts",
                        "--loglevel", "error", f"onnxruntime-node@{version}"], check=True)


def command(*args):
    return subprocess.run(args, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--models", type=pathlib.Path, default=ROOT.parent / "shared" / "models", help="folder of the float models")
    p.add_argument("--work", type=pathlib.Path, default=pathlib.Path.home() / ".cache" / "qconv-bench", help="where everything is made")
    p.add_argument("--rounds", type=int, default=4)
    p.add_argument("--seconds", type=float, default=3, help="length of one turn")
    p.add_argument("--ort", default="1.30.0", help="version of onnxruntime-node")
    args = p.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    install(args.work, args.ort)
    torch.set_num_threads(THREADS)
    binary = args.work / "finetune.test"
    command("go", "test", "-c", "-o", str(binary), "./finetune")

    rows = []
    for name, (network, shape) in NETWORKS.items():
        torch_step = TorchStep(network, shape)
        go, other = alternate(args.rounds, [
            lambda: go_rate(binary, f"BenchmarkTrainingStep/{name}/batch={BATCH}", args.seconds),
            lambda: torch_step.rate(args.seconds)])
        rows.append((f"training, {name}", go, f"PyTorch {torch.__version__}", other))
        go, other = alternate(args.rounds, [
            lambda: go_rate(binary, f"BenchmarkExecutor/{name}/batch={EVALUATION_BATCH}", args.seconds),
            lambda: ort_rate(args.work, args.models / f"{name}.onnx", args.seconds)])
        rows.append((f"evaluation, {name}", go, f"ONNX Runtime {args.ort}", other))

    commit = command("git", "rev-parse", "--short", "HEAD")
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    lines = [
        "# Benchmarks", "", "Written by `finetune/bench/compare.py`; [README.md](README.md) says what is measured and how.", "",
        f"- machine: {platform.machine()}, {cpu.group(1) if cpu else 'unknown'}, {THREADS} threads",
        f"- {command('go', 'version').split()[2]}, commit {commit}, {datetime.date.today()}", "",
        "| | qconv, samples/s | the other | samples/s | ratio |", "| --- | ---: | --- | ---: | ---: |"]
    lines += [f"| {what} | {go:,.0f} | {name} | {other:,.0f} | {go / other:.2f} |" for what, go, name, other in rows]
    text = "\n".join(lines) + "\n"
    print(text)
    (HERE / "BENCHMARKS.md").write_text(text)


if __name__ == "__main__":
    main()
