"""PyTorch with channels_last, its fastest memory format on a CPU."""

import torch
from torch import nn

import networks as n
from torch_model import build

options = n.arguments()
torch.set_num_threads(options.threads)
torch.manual_seed(1)


images, labels = n.data(options.architecture, options.batch_size)
images = torch.from_numpy(images).permute(0, 3, 1, 2).to(memory_format=torch.channels_last)
labels = torch.from_numpy(labels)
model = build(options.architecture).to(memory_format=torch.channels_last)
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
