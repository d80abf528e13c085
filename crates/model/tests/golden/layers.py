"""Computes with Keras the reference values of a small network with every kind of layer.

Writes `layers.json` beside this script: logits, losses, the gradients of the first step, all variables after
some steps of SGD, and the parameter counts of the zoo's networks. `../model/keras.rs` reads it. Weights and
images follow a formula. Made with Python 3.11, keras 3.15.1 and tensorflow-cpu 2.21.0:

    pip install tensorflow-cpu==2.21.0 keras==3.15.1
    python crates/model/tests/golden/layers.py
"""

import json
import math
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# TensorFlow's own kernels: those of oneDNN depend on the CPU.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402

SEED = 7
INPUT = (15, 13, 3)
CLASSES = 5
BATCH = 8
STEPS = 5
LEARNING_RATE = 0.05
MOMENTUM = 0.9


def uniform(stream, count):
    """First `count` outputs of SplitMix64 from state `SEED * 1000003 + stream`, in [0, 1)."""
    start = np.uint64((SEED * 1_000_003 + stream) % 2**64)
    z = start + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) / 2.0**53


class Builder:
    """Applies layers and records them in the order in which Modiste lays out their variables."""

    def __init__(self, shape):
        self.input = keras.Input(shape)
        self.layers = []

    def __call__(self, values, *applied):
        for layer in applied:
            self.layers.append(layer)
            values = layer(values)
        return values

    def model(self, output):
        return keras.Model(self.input, output)


def conv(filters, side, strides=1):
    return layers.Conv2D(filters, side, strides=strides, padding="same", use_bias=False)


def norm():
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-3)


def relu():
    return layers.Activation("relu")


def residual(apply, values, filters, strides):
    block = apply(values, conv(filters, 3, strides), norm(), relu(), conv(filters, 3), norm())
    if strides > 1:
        values = apply(values, conv(filters, 1, strides), norm())
    return layers.Add()([values, block])


def every_layer():
    apply = Builder(INPUT)
    values = apply(
        apply.input,
        layers.ZeroPadding2D(((1, 0), (0, 2))),
        conv(6, 3),
        norm(),
        relu(),
        layers.DepthwiseConv2D(3, strides=2, padding="same", activation="gelu"),
        layers.AveragePooling2D(3, strides=2, padding="same"),
    )
    values = residual(apply, values, 8, 2)
    values = apply(
        values,
        relu(),
        layers.Conv2D(8, (1, 2), activation="silu"),
        layers.Activation("hard_swish"),
        layers.MaxPooling2D(2, strides=1, padding="same"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10, activation="relu6"),
        layers.Dense(CLASSES),
    )
    return apply, apply.model(values)


def resnet(blocks):
    apply = Builder((32, 32, 3))
    values = apply(apply.input, conv(32, 3), norm(), relu())
    for filters, strides in [(32, 1), (64, 2), (128, 2)]:
        for block in range(blocks):
            values = residual(apply, values, filters, strides if block == 0 else 1)
            values = apply(values, relu())
    return apply.model(apply(values, layers.GlobalAveragePooling2D(), layers.Dense(10)))


def mobile():
    apply = Builder((32, 32, 3))
    values = apply(apply.input, conv(32, 3), norm(), relu())
    for filters, strides in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (256, 1)]:
        depthwise = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)
        values = apply(values, depthwise, norm(), relu(), conv(filters, 1), norm(), relu())
    return apply.model(apply(values, layers.GlobalAveragePooling2D(), layers.Dense(10)))


def set_weights(variables):
    """Fills the variables, in f64, then rounds to f32. Streams count them from 1."""
    for stream, (name, variable) in enumerate(variables, start=1):
        shape = tuple(variable.shape)
        u = uniform(stream, math.prod(shape))
        match name.split("/")[1]:
            case "kernel":
                # A depthwise kernel reads one channel.
                fan_in = math.prod(shape[:2]) if "depthwise" in name else math.prod(shape[:-1])
                values = (2 * u - 1) * math.sqrt(6 / fan_in)
            case "bias" | "beta":
                values = (2 * u - 1) * 0.1
            case "gamma":
                values = 0.75 + 0.5 * u
            case "moving_mean":
                values = np.zeros_like(u)
            case _:
                values = np.ones_like(u)
        variable.assign(values.reshape(shape).astype(np.float32))


def numbers(values):
    """Shortest decimals that give the same f32."""
    return [float(str(value)) for value in np.asarray(values, np.float32).ravel()]


def counts(model):
    total = model.count_params()
    trainable = sum(math.prod(variable.shape) for variable in model.trainable_weights)
    return [trainable, total - trainable]


def main():
    apply, model = every_layer()
    used = {}
    variables = []
    for layer in apply.layers:
        base = keras.src.utils.naming.to_snake_case(type(layer).__name__)
        number = used.get(base, 0)
        used[base] = number + 1
        name = f"{base}_{number}" if number else base
        variables += [(f"{name}/{variable.name}", variable) for variable in layer.weights]
    set_weights(variables)
    images = uniform(1000, BATCH * math.prod(INPUT)).astype(np.float32).reshape((BATCH, *INPUT))
    labels = np.floor(uniform(1001, BATCH) * CLASSES).astype(np.int64)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM)
    result = {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "seed": SEED,
        "learning_rate": LEARNING_RATE,
        "momentum": MOMENTUM,
        "batch": BATCH,
        "logits": numbers(model(images, training=False)),
        "losses": [],
        "gradients": {},
    }
    trainable = [(name, variable) for name, variable in variables if variable.trainable]
    for step in range(STEPS):
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(images, training=True))
        gradients = tape.gradient(loss, [variable.value for _, variable in trainable])
        if step == 0:
            for (name, _), gradient in zip(trainable, gradients):
                result["gradients"][name] = numbers(gradient)
        optimizer.apply_gradients(zip(gradients, [variable for _, variable in trainable]))
        result["losses"] += numbers([loss])
    result["variables_after"] = {name: numbers(variable) for name, variable in variables}
    result["logits_after"] = numbers(model(images, training=False))
    result["parameters"] = {
        "resnet": counts(resnet(1)),
        "resnet-1m": counts(resnet(2)),
        "mobile": counts(mobile()),
    }
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in result.items())
    Path(__file__).with_name("layers.json").write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    sys.exit(main())
