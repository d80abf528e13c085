"""Trains the network of a run in PyTorch on the same images, split and schedule, for a comparison.

python torch_images_job.py RUN --threads 2 [--seed 1] [--minutes 5]

RUN is the folder of a finished run on own images: `run.json` has the network, the size of the images and the settings,
`samples.csv` the files with their classes and parts. The augmentation is that of the run, written with torchvision:
crop, affine transform, flip, colour jitter and erasing. Prints seconds per epoch, accuracy and balanced accuracy.
"""

import argparse
import copy
import csv
import json
import math
import pathlib
import time

import numpy
import torch
from PIL import Image, ImageOps
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from torch_model import build

parser = argparse.ArgumentParser()
parser.add_argument("run", type=pathlib.Path)
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--epochs", type=int, help="number of epochs [default: that of the run]")
parser.add_argument("--minutes", type=float, help="stop the schedule so that training takes this long")
parser.add_argument("--workers", type=int, default=2, help="processes that prepare images")
options = parser.parse_args()

record = json.loads((options.run / "run.json").read_text())
config, network = record["config"], record["architecture"]
height, width, channels = network["input"]
folder = pathlib.Path(record["own_images"]["path"])
folder = folder if folder.is_dir() else folder.parent
torch.set_num_threads(options.threads)
torch.manual_seed(options.seed)


def decode(path):
    """Returns an image in the size of the network: its aspect ratio is kept, the rest is black."""
    with Image.open(path) as image:
        image = ImageOps.exif_transpose(image).convert("RGB" if channels == 3 else "L")
        return numpy.asarray(ImageOps.pad(image, (width, height), Image.Resampling.BOX))


class Images(Dataset):
    def __init__(self, rows, transform):
        self.pixels = [decode(folder / row["file"]) for row in rows]
        self.labels = [classes.index(row["class"]) for row in rows]
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.transform(self.pixels[index]), self.labels[index]


with open(options.run / "samples.csv", newline="") as file:
    # Files that were left out have no part.
    rows = [row for row in csv.DictReader(file) if row["part"]]
classes = sorted({row["class"] for row in rows})
to_float = v2.ToDtype(torch.float32, scale=True)


def augmentation(settings):
    """Returns the transforms of the run's augmentation, in its order."""
    settings = {name: value for name, value in settings.items() if name not in ("kind", "fill")}
    transforms = []
    if crop := settings.pop("crop", None):
        aspect = [width / height * side for side in crop["aspect"]]
        transforms.append(v2.RandomResizedCrop((height, width), scale=crop["area"], ratio=aspect))
    if affine := settings.pop("affine", None):
        shift = affine["translate"]
        move = v2.RandomAffine(
            affine["rotation"], (shift, shift), affine["scale"], affine["shear"] or None,
            v2.InterpolationMode.BILINEAR,
        )
        transforms.append(v2.RandomApply([move], affine["probability"]))
    transforms.append(v2.RandomHorizontalFlip(settings.pop("horizontal_flip", 0)))
    if jitter := settings.pop("color_jitter", None):
        changes = (jitter[name] for name in ("brightness", "contrast", "saturation", "hue"))
        transforms.append(v2.RandomApply([v2.ColorJitter(*changes)], jitter["probability"]))
    transforms.append(to_float)
    if erasing := settings.pop("erasing", None):
        transforms.append(v2.RandomErasing(erasing["probability"], erasing["area"], erasing["aspect"], "random"))
    if settings:
        raise SystemExit(f"unsupported augmentation: {', '.join(settings)}")
    return transforms


parts = {part: [row for row in rows if row["part"] == part] for part in ("train", "test")}
start = time.perf_counter()
train = Images(parts["train"], v2.Compose([v2.ToImage(), *augmentation(config.get("augmentation") or {})]))
test = Images(parts["test"], v2.Compose([v2.ToImage(), to_float]))
decode_seconds = time.perf_counter() - start
loader = DataLoader(
    train, config["batch_size"], shuffle=True, num_workers=options.workers,
    persistent_workers=options.workers > 0,
)

if config.get("optimizer") != "adamw" or not config["schedule"].startswith("cosine"):
    raise SystemExit("expected a run with AdamW and the schedule cosine")
for setting in ("logit_adjustment", "sampling", "cutouts"):
    if config.get(setting):
        raise SystemExit(f"unsupported setting: {setting}")
model = build(network).to(memory_format=torch.channels_last)
for module in model.modules():
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
optimizer = torch.optim.AdamW(
    model.parameters(), lr=config["learning_rate"], weight_decay=config["weight_decay"], eps=1e-7
)
loss_of = nn.CrossEntropyLoss(label_smoothing=config.get("label_smoothing", 0.0))
decay = config.get("ema_decay", 0.0)
average = copy.deepcopy(model)
warm_up = next((int(part.split(":")[1]) for part in config["schedule"].split("+") if part.startswith("warmup")), 0)


def factor(step, total):
    """Returns the factor of the learning rate: linear warm-up, then half a cosine."""
    if step < warm_up:
        return (step + 1) / warm_up
    progress = (step - warm_up) / max(total - warm_up, 1)
    return (1 + math.cos(math.pi * min(progress, 1))) / 2


def epoch(number, total):
    model.train()
    for index, (images, labels) in enumerate(loader):
        step = number * len(loader) + index
        for group in optimizer.param_groups:
            group["lr"] = config["learning_rate"] * factor(step, total)
        optimizer.zero_grad(set_to_none=True)
        loss_of(model(images.to(memory_format=torch.channels_last)), labels).backward()
        optimizer.step()
        keep = min(decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, value in zip(average.state_dict().values(), model.state_dict().values()):
                if mean.is_floating_point():
                    mean.lerp_(value, 1 - keep)


epochs, seconds = options.epochs or config["epochs"], []
number = 0
while number < epochs:
    start = time.perf_counter()
    epoch(number, epochs * len(loader))
    seconds.append(time.perf_counter() - start)
    number += 1
    if options.minutes and number == 2:
        epochs = max(int(60 * options.minutes / seconds[1]), 3)

average.eval()
hits, counts = numpy.zeros(len(classes)), numpy.zeros(len(classes))
with torch.inference_mode():
    for images, labels in DataLoader(test, 100):
        found = average(images.to(memory_format=torch.channels_last)).argmax(1)
        for label, answer in zip(labels.tolist(), found.tolist()):
            counts[label] += 1
            hits[label] += label == answer
print(json.dumps({
    "version": torch.__version__,
    "seed": options.seed,
    "epochs": epochs,
    "decode_seconds": decode_seconds,
    "seconds_per_epoch": float(numpy.median(seconds[1:] or seconds)),
    "test_images": int(counts.sum()),
    "accuracy": float(hits.sum() / counts.sum()),
    "balanced_accuracy": float((hits[counts > 0] / counts[counts > 0]).mean()),
}))
