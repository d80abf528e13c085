"""Architectures as `modiste architectures NAME` prints them, and functions that the programs share."""

import argparse
import json
import time

import numpy

MOMENTUM, LEARNING_RATE = 0.9, 1e-3
WARM_UP = 3


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--network", required=True, help="JSON file of the architecture")
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--inference-only", action="store_true")
    options = parser.parse_args()
    with open(options.network) as file:
        options.architecture = json.load(file)
    return options


def pair(value):
    """Returns a size or stride per axis, which the file contains as one number if both are equal."""
    return tuple(value) if isinstance(value, list) else (value, value)


def data(architecture, batch_size):
    """Returns synthetic images, NHWC, and labels."""
    rng = numpy.random.default_rng(1)
    images = rng.random((batch_size, *architecture["input"]), dtype=numpy.float32)
    labels = rng.integers(0, architecture["layers"][-1]["units"], batch_size)
    return images, labels


def milliseconds(work, count):
    """Returns the durations of `count` calls of `work` in milliseconds, after a warm-up."""
    times = []
    for number in range(WARM_UP + count):
        start = time.perf_counter()
        work()
        if number >= WARM_UP:
            times.append((time.perf_counter() - start) * 1e3)
    return times


def report(version, steps, evaluations):
    print(json.dumps({"version": version, "steps": steps, "evaluations": evaluations}))
