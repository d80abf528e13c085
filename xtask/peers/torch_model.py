"""Networks in PyTorch."""

from torch import nn

import networks as n


def build(network):
    height, width, channels = network["input"]
    modules = []
    for kind, number, padding in network["layers"]:
        if kind == n.CONV_RELU:
            modules += [nn.Conv2d(channels, number, 3, padding=padding), nn.ReLU()]
            channels = number
            if padding == "valid":
                height, width = height - 2, width - 2
        elif kind == n.NORM:
            modules.append(nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01))
        elif kind == n.POOL:
            modules.append(nn.MaxPool2d(number))
            height, width = height // 2, width // 2
        elif kind == n.DROPOUT:
            modules.append(nn.Dropout(number))
        elif kind == n.FLATTEN:
            modules.append(nn.Flatten())
            channels = height * width * channels
        else:
            modules.append(nn.Linear(channels, number))
            channels = number
            if kind == n.DENSE_RELU:
                modules.append(nn.ReLU())
    return nn.Sequential(*modules)
