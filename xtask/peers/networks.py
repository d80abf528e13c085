"""Networks as data, and functions that the programs share."""

import argparse
import json
import time

import numpy

CONV_RELU, NORM, POOL, DROPOUT, FLATTEN, DENSE_RELU, LOGITS = range(7)

# (kind, number, padding). The number is that of filters or units, or the rate; None if a kind has none.
NETWORKS = {
    "compact": {
        "input": (28, 28, 1),
        "layers": [
            (CONV_RELU, 32, "valid"), (NORM, None, None),
            (CONV_RELU, 32, "valid"), (NORM, None, None),
            (POOL, 2, None), (DROPOUT, 0.25, None), (FLATTEN, None, None),
            (DENSE_RELU, 512, None), (LOGITS, 10, None),
        ],
    },
    "vgg": {
        "input": (28, 28, 1),
        "layers": [
            (CONV_RELU, 64, "same"), (CONV_RELU, 64, "same"), (POOL, 2, None),
            (CONV_RELU, 128, "same"), (CONV_RELU, 256, "valid"), (POOL, 2, None),
            (FLATTEN, None, None),
            (DENSE_RELU, 512, None), (DROPOUT, 0.5, None),
            (DENSE_RELU, 256, None), (DROPOUT, 0.5, None), (LOGITS, 10, None),
        ],
    },
    "bnvgg": {
        "input": (32, 32, 3),
        "layers": [
            layer
            for filters in (32, 64)
            for layer in [
                (CONV_RELU, filters, "valid"), (NORM, None, None),
                (CONV_RELU, filters, "valid"), (NORM, None, None),
                (POOL, 2, None), (DROPOUT, 0.25, None),
            ]
        ] + [
            (FLATTEN, None, None),
            (DENSE_RELU, 512, None), (DROPOUT, 0.5, None), (LOGITS, 100, None),
        ],
    },
}

MOMENTUM, LEARNING_RATE = 0.9, 1e-3
WARM_UP = 3


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", choices=NETWORKS, required=True)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--inference-only", action="store_true")
    return parser.parse_args()


def data(architecture, batch_size):
    """Returns synthetic images, NHWC, and labels."""
    network = NETWORKS[architecture]
    rng = numpy.random.default_rng(1)
    images = rng.random((batch_size, *network["input"]), dtype=numpy.float32)
    labels = rng.integers(0, network["layers"][-1][1], batch_size)
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
