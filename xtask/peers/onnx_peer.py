"""ONNX Runtime: inference only, with a network that PyTorch exports."""

import contextlib
import os
import sys
import tempfile

import onnxruntime
import torch

import networks as n
from torch_model import build

options = n.arguments()
images, _ = n.data(options.architecture, options.batch_size)
images = images.transpose(0, 3, 1, 2).copy()
model = build(options.architecture).eval()
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "model.onnx")
    # The exporter prints to standard output, which is reserved for the result.
    with contextlib.redirect_stdout(sys.stderr):
        torch.onnx.export(model, (torch.from_numpy(images),), path, input_names=["images"])
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
evaluations = n.milliseconds(lambda: session.run(None, {"images": images}), options.steps)
n.report(onnxruntime.__version__, [], evaluations)
