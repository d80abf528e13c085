"""Computes with Keras the reference numbers of the optimizer and the loss, without a network.

Writes optimization.json beside this script. README.md names the versions and the command.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

# Without this folder in the path: it has a file named like the package that is imported.
HERE = Path(__file__).resolve().parent
sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

STEPS = 12
VALUES = 6
SETTINGS = {
    "learning_rate": 0.01,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "epsilon": 1e-7,
    "weight_decay": 0.1,
    "clip_norm": 1.5,
}


def numbers(values):
    return np.asarray(values, np.float64).tolist()


def adamw(random):
    start = random.normal(size=VALUES).astype(np.float32)
    # Some gradients are longer than the maximum norm, and one value is always zero.
    gradients = random.normal(size=(STEPS, VALUES)).astype(np.float32)
    gradients[:, -1] = 0
    optimizer = keras.optimizers.AdamW(
        learning_rate=SETTINGS["learning_rate"],
        weight_decay=SETTINGS["weight_decay"],
        beta_1=SETTINGS["beta_1"],
        beta_2=SETTINGS["beta_2"],
        epsilon=SETTINGS["epsilon"],
        global_clipnorm=SETTINGS["clip_norm"],
    )
    variable = keras.Variable(start)
    after = []
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient)], [variable])
        after.append(numbers(variable))
    return SETTINGS | {"start": numbers(start), "gradients": numbers(gradients), "after": after}


def loss(random):
    classes = 4
    logits = (3 * random.normal(size=(5, classes))).astype(np.float32)
    labels = np.array([2, 0, 3, 2, 1])
    weights = np.array([0.5, 2.0, 1.25, 0.75], np.float32)
    smoothing = 0.1
    # The reduction of Model.fit with class_weight: the sum divided by the batch size.
    loss_of = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    one_hot = np.eye(classes, dtype=np.float32)[labels]
    variable = tf.Variable(logits)
    with tf.GradientTape() as tape:
        value = loss_of(one_hot, variable, sample_weight=weights[labels])
    return {
        "label_smoothing": smoothing,
        "class_weights": numbers(weights),
        "logits": numbers(logits),
        "labels": labels.tolist(),
        "loss": float(value),
        "gradient": numbers(tape.gradient(value, variable)),
    }


def main():
    random = np.random.default_rng(5)
    golden = {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "adamw": adamw(random),
        "loss": loss(random),
    }
    path = HERE / "optimization.json"
    path.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
