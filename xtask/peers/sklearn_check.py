"""Compares the metrics of `modiste evaluate --json` with those of scikit-learn for the same predictions.

python sklearn_check.py PREDICTIONS.csv EVALUATION.json
"""

import csv
import json
import sys

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
    top_k_accuracy_score,
)

TOLERANCE = 1e-6

with open(sys.argv[1], newline="") as file:
    header, *rows = csv.reader(file)
with open(sys.argv[2]) as file:
    metrics = json.load(file)
classes = header[4:]
labels = list(range(len(classes)))
truth = np.array([classes.index(row[1]) for row in rows])
probabilities = np.array([[float(cell) for cell in row[4:]] for row in rows])
answers = probabilities.argmax(axis=1)
assert (answers == [classes.index(row[2]) for row in rows]).all(), "the predicted classes differ"

precision, recall, f1, support = precision_recall_fscore_support(
    truth, answers, labels=labels, zero_division=0
)
sure, right = probabilities.max(axis=1), answers == truth
accuracy_of_bins, confidence_of_bins = calibration_curve(right, sure, n_bins=15, strategy="uniform")
bins = [bin for bin in metrics["reliability"] if bin["images"] > 0]
share = np.array([bin["images"] for bin in bins]) / len(truth)
per_class = metrics["per_class"]
normalized = probabilities / probabilities.sum(axis=1, keepdims=True)

worst = 0.0
for name, ours, theirs in [
    ("accuracy", metrics["accuracy"], accuracy_score(truth, answers)),
    ("confusion", metrics["confusion"], confusion_matrix(truth, answers, labels=labels)),
    ("precision", [c["precision"] for c in per_class], precision),
    ("recall", [c["recall"] for c in per_class], recall),
    ("F1", [c["f1"] for c in per_class], f1),
    ("support", [c["images"] for c in per_class], support),
    ("macro F1", metrics["macro_f1"], f1_score(truth, answers, labels=labels, average="macro")),
    ("loss", metrics["loss"], log_loss(truth, normalized, labels=labels)),
    *(
        (f"top {k}", top, top_k_accuracy_score(truth, probabilities, k=k, labels=labels))
        for k, top in enumerate(metrics["top_k"], start=1)
    ),
    ("accuracy of bins", [bin["accuracy"] for bin in bins], accuracy_of_bins),
    ("confidence of bins", [bin["confidence"] for bin in bins], confidence_of_bins),
    (
        "calibration error",
        metrics["calibration_error"],
        (share * np.abs(accuracy_of_bins - confidence_of_bins)).sum(),
    ),
]:
    difference = float(np.abs(np.asarray(ours, float) - np.asarray(theirs, float)).max())
    worst = max(worst, difference)
    print(f"{name:20} {difference:.1e}")
if not worst <= TOLERANCE:
    sys.exit(f"the largest difference to scikit-learn is {worst:.1e}")
