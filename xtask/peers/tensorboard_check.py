"""Reads the event file of a run with TensorBoard and compares it with history.csv.

python tensorboard_check.py RUN
"""

import csv
import pathlib
import sys

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = pathlib.Path(sys.argv[1])
with open(run / "history.csv", newline="") as file:
    history = list(csv.DictReader(file))
events = EventAccumulator(str(run))
events.Reload()
for tag, column in {
    "loss/train": "loss",
    "loss/validation": "val_loss",
    "accuracy/train": "accuracy",
    "accuracy/validation": "val_accuracy",
}.items():
    found = [event.value for event in events.Scalars(tag)]
    expected = [np.float32(row[column]) for row in history]
    if found != expected:
        sys.exit(f"{tag}: TensorBoard reads {found}, history.csv contains {expected}")
    print(f"{tag:22} {len(found)} equal epochs")
steps = [event.step for event in events.Scalars("step/loss")]
if steps != sorted(set(steps)):
    sys.exit(f"step/loss: the steps {steps} are not increasing")
print(f"{'step/loss':22} {len(steps)} steps, last step {steps[-1]}")
