"""Operators as the chip has them: random shapes through atc and the virtual NPU, near PyTorch's numbers within 16 bits."""
import random
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ropeway
from test_operators import Function

NPU = ("--device", "virtual-npu")
NEAR = 1e-2  # of the largest value

# Name: what is computed of an image [2, channels, height, width], a multiple of 6 channels.
FUNCTIONS = {
    "conv_transpose": lambda channels: nn.ConvTranspose2d(channels, 4, 3, 2, 1, 1),
    "nearest": lambda channels: Function(lambda x: F.interpolate(x, scale_factor=2)),
    "bilinear": lambda channels: Function(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear")),
    "pixel_shuffle": lambda channels: Function(lambda x: F.pixel_shuffle(torch.cat([x, x], 1), 2)),
    "adaptive_max": lambda channels: Function(lambda x: F.adaptive_max_pool2d(x, (3, 2))),
    "max_pool_without_indices": lambda channels: Function(lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True)[0]),
    "instance_norm": lambda channels: nn.InstanceNorm2d(channels, affine=True),
    "rms_norm": lambda channels: Function(lambda x: F.rms_norm(x, x.shape[-1:], eps=1e-3)),
    "einsum": lambda channels: Function(lambda x: torch.einsum("bchw,bdhw->bcd", x, x) / x[0, 0].numel()),
    "triangle": lambda channels: Function(lambda x: x.tril()),
    "gather": lambda channels: Function(lambda x: x.gather(1, torch.tensor([0, 2]).reshape(1, 2, 1, 1).expand(x.shape[0], 2, *x.shape[2:]))),
    "argmax": lambda channels: Function(lambda x: x.round().argmax(1)),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", FUNCTIONS)
def test_operator(name, seed, tmp_path):
    numbers = random.Random(seed)
    torch.manual_seed(seed)
    x = torch.randn(2, 6 * numbers.randint(1, 3), numbers.randint(4, 12), numbers.randint(4, 12))
    module = FUNCTIONS[name](x.shape[1]).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module, (x,)), str(tmp_path / "model.pt2"))
    with torch.no_grad():
        ropeway.compare(tmp_path / "model.pt2", [x], module(x), NEAR, *NPU)
