"""PyTorch: channels_last, its fastest form on a CPU."""

import torch
from torch import nn

import networks as n

options = n.arguments()
torch.set_num_threads(options.threads)
torch.manual_seed(1)


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


images, labels = n.data(options.architecture, options.batch_size)
images = torch.from_numpy(images).permute(0, 3, 1, 2).to(memory_format=torch.channels_last)
labels = torch.from_numpy(labels)
model = build(n.NETWORKS[options.architecture]).to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(model.parameters(), lr=n.LEARNING_RATE, momentum=n.MOMENTUM)
loss_of = nn.CrossEntropyLoss()


def step():
    optimizer.zero_grad(set_to_none=True)
    loss_of(model(images), labels).backward()
    optimizer.step()


def evaluate():
    with torch.inference_mode():
        model(images)


steps = [] if options.inference_only else n.milliseconds(step, options.steps)
model.eval()
n.report(torch.__version__, steps, n.milliseconds(evaluate, options.steps))
