"""Whole training of a recipe in Keras on TensorFlow, from the files to the test accuracy."""

import argparse
import gzip
import json
import math
import os
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy
import tensorflow as tf

from keras_network import build

parser = argparse.ArgumentParser()
parser.add_argument("--recipe", required=True, help="one recipe of `modiste recipes --json`")
parser.add_argument("--network", required=True, help="JSON file of the architecture")
parser.add_argument("--data", required=True, help="folder of the dataset's files")
parser.add_argument("--threads", type=int, required=True)
options = parser.parse_args()

recipe = json.loads(options.recipe)
config = recipe["config"]
tf.config.threading.set_intra_op_parallelism_threads(options.threads)
tf.config.threading.set_inter_op_parallelism_threads(1)
keras.utils.set_random_seed(config["seed"])


def read(name):
    """Returns the data of an IDX file in the shape that its header gives."""
    with gzip.open(os.path.join(options.data, name)) as file:
        header = file.read(4)
        sizes = [int.from_bytes(file.read(4), "big") for _ in range(header[3])]
        return numpy.frombuffer(file.read(), numpy.uint8).reshape(sizes)


def split(name):
    images = read(f"{name}-images-idx3-ubyte.gz")[..., None]
    return images, read(f"{name}-labels-idx1-ubyte.gz").astype(numpy.int32)


def between(start, end, progress):
    return end + (start - end) * (1 + math.cos(math.pi * min(progress, 1))) / 2


def factor(step, total):
    """Returns the factor of the learning rate for a step, as Modiste's schedules define it."""
    if config["schedule"] == "constant":
        return 1.0
    if config["schedule"] == "cosine":
        return between(1.0, 0.0, step / total)
    if config["schedule"] == "one-cycle":
        start, top, last = 1 / 25, max(0.3 * total - 1, 0), max(total - 1, 0)
        if step <= top:
            return between(start, 1.0, step / top if top else 1.0)
        return between(1.0, start / 1e4, (step - top) / (last - top))
    raise SystemExit(f"unsupported schedule `{config['schedule']}`")


class Rates(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, rates):
        self.rates = tf.constant(rates, tf.float32)

    def __call__(self, step):
        return tf.gather(self.rates, tf.cast(step, tf.int32))


def prepare(images, labels):
    return tf.cast(images, tf.float32) / 255, labels


def mirror(images, labels):
    return tf.image.random_flip_left_right(images), labels


batch, epochs = config["batch_size"], config["epochs"]
images, labels = split("train")
train = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(images)).batch(batch)
train = train.map(prepare)
if config["mirror"]:
    train = train.map(mirror)
test = tf.data.Dataset.from_tensor_slices(split("t10k")).batch(batch).map(prepare)

steps = epochs * math.ceil(len(images) / batch)
rates = [config["learning_rate"] * factor(step, steps) for step in range(steps)]
with open(options.network) as file:
    model = build(json.load(file))
model.compile(
    optimizer=keras.optimizers.SGD(
        Rates(rates),
        momentum=config["momentum"],
        nesterov=config["nesterov"],
        weight_decay=config["weight_decay"] or None,
    ),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
start = time.perf_counter()
# Like Modiste, Keras measures the test images after each epoch.
history = model.fit(
    train.prefetch(2), epochs=epochs, validation_data=test.prefetch(2), verbose=0
)
print(json.dumps({
    "version": f"{keras.__version__}, TensorFlow {tf.__version__}",
    "training_seconds": time.perf_counter() - start,
    "test_accuracy": history.history["val_accuracy"][-1],
}))
