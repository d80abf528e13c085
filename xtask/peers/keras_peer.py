"""Keras on TensorFlow."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import tensorflow as tf

import networks as n
from keras_network import build

options = n.arguments()
tf.config.threading.set_intra_op_parallelism_threads(options.threads)
tf.config.threading.set_inter_op_parallelism_threads(1)
keras.utils.set_random_seed(1)

images, labels = n.data(options.architecture, options.batch_size)
images, labels = tf.constant(images), tf.constant(labels)
model = build(options.architecture)
model.compile(
    optimizer=keras.optimizers.SGD(n.LEARNING_RATE, momentum=n.MOMENTUM),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
)
infer = tf.function(lambda batch: model(batch, training=False))

steps = []
if not options.inference_only:
    steps = n.milliseconds(lambda: model.train_on_batch(images, labels), options.steps)
evaluations = n.milliseconds(lambda: infer(images).numpy(), options.steps)
n.report(f"{keras.__version__}, TensorFlow {tf.__version__}", steps, evaluations)
