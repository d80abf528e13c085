"""Writes affine.json: an image, and its affine transforms by torchvision 0.29 (bilinear, in f32, zeros outside).

Run it in this folder; it needs torch, torchvision and numpy.
"""

import json

import numpy
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional

HEIGHT, WIDTH = 7, 9
image = numpy.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3))
channels_first = torch.tensor(image, dtype=torch.float32).permute(2, 0, 1)
cases = []
for angle, shear, scale, translate in [(25, 0, 1, (0, 0)), (-70, 12, 0.8, (1, -2)), (8, -20, 1.3, (-1, 0))]:
    result = functional.affine(
        channels_first, angle, list(translate), scale, [shear, 0.0], interpolation=InterpolationMode.BILINEAR
    )
    values = [round(float(value), 3) for value in result.permute(1, 2, 0).flatten()]
    row_shift, column_shift = translate[1], translate[0]
    cases.append(
        {"rotation": angle, "shear": shear, "scale": scale, "shift": [row_shift, column_shift], "expected": values}
    )
with open("affine.json", "w") as file:
    pixels = [int(value) for value in image.flatten()]
    json.dump({"height": HEIGHT, "width": WIDTH, "image": pixels, "cases": cases}, file, separators=(",", ":"))
    file.write("\n")
