"""Networks in Keras."""

import keras

from networks import pair

ACTIVATIONS = {
    "linear": None, "relu": "relu", "relu6": "relu6", "silu": "silu", "gelu": "gelu", "hard_swish": "hard_silu",
}


def build(architecture):
    inputs = keras.Input(architecture["input"])
    return keras.Model(inputs, sequence(architecture["layers"], inputs))


def sequence(layers, tensor):
    for layer in layers:
        tensor = apply(layer, tensor)
    return tensor


def apply(layer, tensor):
    kind, layers = layer["kind"], keras.layers
    activation = ACTIVATIONS[layer.get("activation", "linear")]
    if kind in ("conv2d", "depthwise_conv2d"):
        settings = {
            "kernel_size": pair(layer["kernel_size"]),
            "strides": pair(layer.get("stride", 1)),
            "padding": layer["padding"],
            "use_bias": layer.get("use_bias", True),
            "activation": activation,
        }
        if kind == "conv2d":
            return layers.Conv2D(layer["filters"], **settings)(tensor)
        return layers.DepthwiseConv2D(**settings)(tensor)
    if kind == "batch_norm":
        return layers.BatchNormalization(momentum=layer["momentum"], epsilon=layer["epsilon"])(tensor)
    if kind == "activation":
        return layers.Activation(activation)(tensor)
    if kind == "max_pool2d":
        return layers.MaxPooling2D(pair(layer["pool_size"]))(tensor)
    if kind == "dropout":
        return layers.Dropout(layer["rate"])(tensor)
    if kind == "flatten":
        return layers.Flatten()(tensor)
    if kind == "global_average_pool2d":
        return layers.GlobalAveragePooling2D()(tensor)
    if kind == "dense":
        return layers.Dense(layer["units"], activation=activation)(tensor)
    if kind == "residual":
        inner = sequence(layer["layers"], tensor)
        return layers.Add()([inner, sequence(layer.get("shortcut", []), tensor)])
    raise SystemExit(f"unsupported layer `{kind}`")
