"""Networks in Keras."""

import keras

import networks as n


def build(network):
    layers = [keras.Input(network["input"])]
    for kind, number, padding in network["layers"]:
        if kind == n.CONV_RELU:
            layers.append(keras.layers.Conv2D(number, 3, padding=padding, activation="relu"))
        elif kind == n.NORM:
            layers.append(keras.layers.BatchNormalization())
        elif kind == n.POOL:
            layers.append(keras.layers.MaxPooling2D(number))
        elif kind == n.DROPOUT:
            layers.append(keras.layers.Dropout(number))
        elif kind == n.FLATTEN:
            layers.append(keras.layers.Flatten())
        else:
            activation = "relu" if kind == n.DENSE_RELU else None
            layers.append(keras.layers.Dense(number, activation=activation))
    return keras.Sequential(layers)
