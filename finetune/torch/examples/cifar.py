"""From a pretrained ResNet-8 to a program of integers, on one process or several:

    python cifar.py --data cifar10.zip --net resnet8.onnx -o resnet8.qlut
    torchrun --nproc_per_node 2 cifar.py --data cifar10.zip --net resnet8.onnx -o resnet8.qlut
"""
import argparse, io, os, subprocess, zipfile
import numpy as np
import torch, torch.distributed as dist, torch.nn.functional as F
from PIL import Image
import qconv_torch as q
from resnet8 import load

flags = argparse.ArgumentParser()
flags.add_argument("--data", required=True), flags.add_argument("--net", required=True), flags.add_argument("-o", default="resnet8.qlut")
flags.add_argument("--steps", type=int, default=500), flags.add_argument("--batch", type=int, default=64), flags.add_argument("--test", type=int, default=2000)
args = flags.parse_args()
rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
if world > 1:
    dist.init_process_group("gloo")

zipped = zipfile.ZipFile(args.data)
names = {s: sorted(n for n in zipped.namelist() if n.startswith(s) and n.endswith(".jpg")) for s in ("train", "test")}
classes = sorted({n.split("/")[1] for n in names["train"]})

def pictures(chosen):
    return torch.from_numpy(np.stack([np.asarray(Image.open(io.BytesIO(zipped.read(n)))) for n in chosen]).transpose(0, 3, 1, 2))

def accuracy(run):
    chosen = names["test"][:: max(len(names["test"]) // args.test, 1)]
    answers = np.concatenate([run(pictures(chosen[i : i + 100])) for i in range(0, len(chosen), 100)]).argmax(1)
    return f"{np.mean(answers == [classes.index(n.split('/')[1]) for n in chosen]):.2%}"

teacher = load(args.net)
order = np.random.RandomState(1).permutation(names["train"])  # the same on all ranks
model = q.prepare(teacher, levels=32, weights=16, codebook="integer", pixels={})
q.calibrate(model, [pictures(order[rank:1000:world]).float()])
optimizer = torch.optim.Adam(q.parameter_groups(model))
rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: q.rate_at(step, args.steps))
schedule = q.Schedule(model, args.steps)
net = torch.nn.parallel.DistributedDataParallel(model) if world > 1 else model
for step in range(args.steps):
    x = pictures(order[(step * args.batch + np.arange(rank, args.batch, world)) % len(order)]).float()
    with torch.no_grad():
        target = F.log_softmax(teacher(x) / 2, 1)
    loss = 4 * F.kl_div(F.log_softmax(net(x) / 2, 1), target, log_target=True, reduction="batchmean")
    optimizer.zero_grad(), loss.backward(), optimizer.step(), rates.step(), schedule.step()
    if rank == 0 and step % 50 == 0:
        print(f"step {step}: loss {loss.item():.4f}", flush=True)
q.freeze(model.eval())
tuned = args.o.replace(".qlut", ".tuned.q.onnx")
q.export(model, tuned, pictures(order[:1]).float(), labels=classes)
if rank == 0:
    subprocess.run([os.environ.get("QCONV", "qconv"), "convert", tuned, "-o", args.o], check=True)
    with torch.no_grad(), q.Program(args.o) as program:
        print("float", accuracy(lambda x: teacher(x.float()).numpy()), "tuned", accuracy(lambda x: model(x.float()).numpy()), "program", accuracy(lambda x: program.run(x.numpy())))
