"""Computes with Keras the reference numbers that training is held against.

Weights and data come from a formula and the first images of Fashion-MNIST, so the file that this
writes holds results only. README.md beside this script names the versions and commands;
`crates/train/examples/parity` reads what is written here.
"""

import argparse
import gzip
import json
import math
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# TensorFlow's own kernels unless asked otherwise: oneDNN's are chosen by the CPU's features.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""  # reference numbers are the CPU's

# Without this folder in the path: this file is named like the package that it imports.
HERE = Path(__file__).resolve().parent
sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402

GRAY_INPUT = "first images of the Fashion-MNIST training file, pixel / 255"
COLOUR_INPUT = (
    "formula: floor(uniform(stream 1000)*256)/255 in NHWC order; "
    "labels floor(uniform(stream 1001)*100)"
)
SHOWN_INPUTS = 4  # whose logits are written down
SHOWN_VALUES = 4  # of each end of a variable


# --- The formula -------------------------------------------------------------------------------


def uniform(seed, stream, count):
    """The first `count` outputs of SplitMix64 from state `seed * 1000003 + stream`, in [0, 1).

    SplitMix64's state only ever grows by a constant, so all states are known at once.
    numpy's uint64 arrays wrap around at 2^64, as the generator needs.
    """
    start = np.uint64((seed * 1_000_003 + stream) % 2**64)
    z = start + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) / 2.0**53


def set_weights(model, seed):
    """Fills every variable by the formula, in f64, then rounds to f32.

    `model.weights` is in Keras's order, layer by layer: kernel, bias; gamma, beta, moving_mean,
    moving_variance. Streams count all of them from 1.
    """
    for stream, variable in enumerate(model.weights, start=1):
        shape = tuple(variable.shape)
        u = uniform(seed, stream, math.prod(shape))
        match variable.name:
            case "kernel":
                fan_in = math.prod(shape[:-1])
                values = (2 * u - 1) * math.sqrt(6 / fan_in)
            case "bias" | "beta":
                values = (2 * u - 1) * 0.1
            case "gamma":
                values = 0.75 + 0.5 * u
            case "moving_mean":
                values = np.zeros_like(u)
            case "moving_variance":
                values = np.ones_like(u)
            case name:
                raise ValueError(f"the formula has nothing for a variable named {name}")
        variable.assign(values.reshape(shape).astype(np.float32))


# --- The networks ------------------------------------------------------------------------------


def conv(filters, padding="valid"):
    return layers.Conv2D(filters, 3, padding=padding, activation="relu")


def norm():
    return layers.BatchNormalization(momentum=0.99, epsilon=1e-3)


def pool():
    return layers.MaxPooling2D(2)


def dense(units):
    return layers.Dense(units, activation="relu")


def no_dropout():
    """Where the network has dropout: at rate 0, so that nothing is random."""
    return layers.Dropout(0.0)


def compact():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *[conv(32), norm(), conv(32), norm(), pool(), no_dropout()],
            *[layers.Flatten(), dense(512), layers.Dense(10)],
        ]
    )


def vgg():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *[conv(64, "same"), conv(64, "same"), pool()],
            *[conv(128, "same"), conv(256), pool()],
            *[layers.Flatten(), dense(512), no_dropout(), dense(256), no_dropout()],
            layers.Dense(10),
        ]
    )


def bnvgg():
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            *[conv(32), norm(), conv(32), norm(), pool(), no_dropout()],
            *[conv(64), norm(), conv(64), norm(), pool(), no_dropout()],
            *[layers.Flatten(), dense(512), no_dropout(), layers.Dense(100)],
        ]
    )


# In this order: Keras counts layers through the whole process, so `vgg` begins with `conv2d_2`.
NETWORKS = {"compact": compact, "vgg": vgg, "bnvgg": bnvgg}


# --- The data ----------------------------------------------------------------------------------


def read_idx(path, dimensions):
    """The u8 array in a gzipped IDX file: magic 0, 0, 8 (u8), dimensions; sizes; values."""
    data = gzip.decompress(path.read_bytes())
    if data[:4] != bytes([0, 0, 8, dimensions]):
        sys.exit(f"{path}: not an IDX file of bytes in {dimensions} dimensions")
    sizes = np.frombuffer(data, ">u4", dimensions, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(sizes)


def gray_data(folder, count):
    """The first `count` training images of Fashion-MNIST and their labels."""
    pixels = read_idx(folder / "train-images-idx3-ubyte.gz", 3)
    labels = read_idx(folder / "train-labels-idx1-ubyte.gz", 1)
    if min(len(pixels), len(labels)) < count:
        sys.exit(f"{folder}: {count} images are needed, there are {min(len(pixels), len(labels))}")
    return pixels[:count, :, :, np.newaxis], labels[:count]


def colour_data(seed, count):
    """`count` images of 32x32x3 and labels of 100 classes, by the formula."""
    shape = (count, 32, 32, 3)
    pixels = np.floor(uniform(seed, 1000, math.prod(shape)) * 256).reshape(shape)
    labels = np.floor(uniform(seed, 1001, count) * 100)
    return pixels, labels


# --- One network -------------------------------------------------------------------------------


def digest(values):
    """A variable in few numbers. Sums in f64, values in C order of Keras's shape."""
    flat = np.asarray(values, np.float64).ravel()
    return {
        "count": flat.size,
        "sum": float(flat.sum()),
        "l2": float(np.sqrt((flat**2).sum())),
        "first": flat[:SHOWN_VALUES].tolist(),
        "last": flat[-SHOWN_VALUES:].tolist(),
    }


def names(model):
    """`layer/variable` of each variable by its identity."""
    return {
        id(variable): f"{layer.name}/{variable.name}"
        for layer in model.layers
        for variable in layer.weights
    }


def optimizer(arguments):
    rate = arguments.learning_rate
    if arguments.decay is not None:
        steps, factor = arguments.decay
        rate = keras.optimizers.schedules.ExponentialDecay(rate, steps, factor, staircase=False)
    return keras.optimizers.SGD(rate, momentum=arguments.momentum, nesterov=arguments.nesterov)


def train(model, pixels, labels, arguments):
    """Trains for all steps from the formula's weights; gives what the file says of a network."""
    set_weights(model, arguments.seed)
    images = (np.asarray(pixels, np.float64) / 255).astype(np.float32)
    labels = np.asarray(labels, np.int32)
    name = names(model)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    sgd = optimizer(arguments)

    def eval_logits():
        return model(images[:SHOWN_INPUTS], training=False).numpy().astype(np.float64).tolist()

    before = eval_logits()
    losses = []
    first_step_gradients = {}
    for step in range(arguments.steps):
        batch = slice(step * arguments.batch, (step + 1) * arguments.batch)
        with tf.GradientTape() as tape:
            loss = loss_of(labels[batch], model(images[batch], training=True))
        variables = model.trainable_variables
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        if step == 0:
            first_step_gradients = {
                name[id(variable)]: digest(gradient)
                for variable, gradient in zip(variables, gradients, strict=True)
            }
        losses.append(float(loss))
        sgd.apply(gradients, variables)

    return {
        "eval_logits": before,
        "first_step_gradients": first_step_gradients,
        "losses": losses,
        "weights_after": {name[id(variable)]: digest(variable) for variable in model.weights},
        "eval_logits_after": eval_logits(),
    }


# --- The file ----------------------------------------------------------------------------------


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fashion-mnist", type=Path, required=True, metavar="DIR",
                        help="where the IDX files train-*.gz lie")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--momentum", type=float, required=True)
    parser.add_argument("--nesterov", action=argparse.BooleanOptionalAction, required=True)
    parser.add_argument("--decay", nargs=2, metavar=("STEPS", "RATE"),
                        help="the learning rate is multiplied by RATE every STEPS steps, "
                             "smoothly; constant without")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    arguments = parser.parse_args()
    if arguments.steps < 1 or arguments.batch < 1:
        parser.error("--steps and --batch must be at least 1")
    if arguments.steps * arguments.batch < SHOWN_INPUTS:
        parser.error(f"steps * batch must be at least {SHOWN_INPUTS}, the inputs written down")
    if arguments.decay is not None:
        try:
            arguments.decay = [int(arguments.decay[0]), float(arguments.decay[1])]
        except ValueError:
            parser.error("--decay takes a whole number of steps and a rate")
    return arguments


def main():
    arguments = parse_arguments()
    count = arguments.steps * arguments.batch
    gray = gray_data(arguments.fashion_mnist, count)
    colour = colour_data(arguments.seed, count)
    models = {}
    for name, build in NETWORKS.items():
        model = build()
        is_gray = model.input_shape[-1] == 1
        results = train(model, *(gray if is_gray else colour), arguments)
        models[name] = {"input": GRAY_INPUT if is_gray else COLOUR_INPUT} | results
    golden = {
        "seed": arguments.seed,
        "learning_rate": arguments.learning_rate,
        "momentum": arguments.momentum,
        "nesterov": arguments.nesterov,
        "steps": arguments.steps,
        "batch": arguments.batch,
        "decay": arguments.decay,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "models": models,
    }
    arguments.out.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
