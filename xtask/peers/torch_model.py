"""Networks in PyTorch."""

from torch import nn

from networks import pair

ACTIVATIONS = {
    "relu": nn.ReLU, "relu6": nn.ReLU6, "silu": nn.SiLU, "gelu": nn.GELU, "hard_swish": nn.Hardswish,
}


class Residual(nn.Module):
    def __init__(self, layers, shortcut):
        super().__init__()
        self.layers, self.shortcut = layers, shortcut

    def forward(self, images):
        return self.layers(images) + self.shortcut(images)


class GlobalMean(nn.Module):
    def forward(self, images):
        return images.mean((2, 3))


def build(architecture):
    """Returns the network for images NCHW. Padding `same` is that of PyTorch: symmetric, which with a stride of 2
    shifts the windows by one pixel relative to Keras and costs the same."""
    return sequence(architecture["layers"], architecture["input"])[0]


def sequence(layers, shape):
    modules = []
    for layer in layers:
        found, shape = module(layer, shape)
        modules += found
    return nn.Sequential(*modules), shape


def module(layer, shape):
    """Returns the modules of a layer, and the shape of its output: height, width, channels, or one number."""
    kind = layer["kind"]
    if kind in ("conv2d", "depthwise_conv2d"):
        height, width, channels = shape
        kernel, stride = pair(layer["kernel_size"]), pair(layer.get("stride", 1))
        padding = [k // 2 if layer["padding"] == "same" else 0 for k in kernel]
        groups = channels if kind == "depthwise_conv2d" else 1
        filters = layer.get("filters", channels)
        conv = nn.Conv2d(
            channels, filters, kernel, stride, tuple(padding), groups=groups,
            bias=layer.get("use_bias", True),
        )
        size = [
            (side + 2 * p - k) // s + 1
            for side, p, k, s in zip((height, width), padding, kernel, stride)
        ]
        return [conv, *activation(layer)], (*size, filters)
    if kind == "batch_norm":
        return [nn.BatchNorm2d(shape[2], layer["epsilon"], 1 - layer["momentum"])], shape
    if kind == "activation":
        return activation(layer), shape
    if kind == "max_pool2d":
        size = pair(layer["pool_size"])
        return [nn.MaxPool2d(size)], (shape[0] // size[0], shape[1] // size[1], shape[2])
    if kind == "dropout":
        return [nn.Dropout(layer["rate"])], shape
    if kind == "flatten":
        return [nn.Flatten()], shape[0] * shape[1] * shape[2]
    if kind == "global_average_pool2d":
        return [GlobalMean()], shape[2]
    if kind == "dense":
        return [nn.Linear(shape, layer["units"]), *activation(layer)], layer["units"]
    if kind == "residual":
        inner, output = sequence(layer["layers"], shape)
        shortcut, _ = sequence(layer.get("shortcut", []), shape)
        return [Residual(inner, shortcut)], output
    raise SystemExit(f"unsupported layer `{kind}`")


def activation(layer):
    name = layer.get("activation", "linear")
    return [] if name == "linear" else [ACTIVATIONS[name]()]
