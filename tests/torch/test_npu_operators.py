"""Operators as the chip has them, above all those that are rewritten for it: random shapes on the CPU, equal to PyTorch's numbers, and through atc on the virtual NPU, near them within 16 bits."""
import random
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ropeway
from test_operators import Function

NPU = ("--device", "virtual-npu", "--no-fallback")  # what is rewritten stays there
NEAR = 1e-2    # of the largest value
EXACT = 2e-6   # on the CPU


def convolutions(channels, pick):
    """Transposed: of lines, images and volumes."""
    stride, more = pick(2, 3), pick(0, 1)
    images, lines, volumes = nn.ConvTranspose2d(channels, 6, (3, pick(2, 4)), stride, 1, more, groups=pick(1, 3), dilation=(1, pick(1, 2))), nn.ConvTranspose1d(channels, 3, 5, pick(1, 3), 2), nn.ConvTranspose3d(2, 3, 2, (2, 1, pick(1, 2)))

    class Convolutions(nn.Module):
        def __init__(self):
            super().__init__()
            self.images, self.lines, self.volumes = images, lines, volumes

        def forward(self, x):
            return self.images(x), self.lines(x[:, :, 0]), self.volumes(x.unflatten(1, (2, -1)))

    return Convolutions()


def resized(channels, pick):
    size, factors = (pick(1, 15), pick(1, 15)), (pick(2, 9) / 4, pick(2, 9) / 4)
    return Function(lambda x: (
        F.interpolate(x, scale_factor=2), F.interpolate(x, size), F.interpolate(x, scale_factor=factors), F.interpolate(x, scale_factor=2, mode="bilinear"), F.interpolate(x, size, mode="bilinear"),
        F.interpolate(x, size, mode="bilinear", align_corners=True), F.interpolate(x, scale_factor=factors, mode="bilinear"), F.interpolate(x[:, :, 0], size[1], mode="linear")))


def adaptive_average(channels, pick):
    a, b, c = pick(1, 13), pick(1, 13), pick(1, 5)
    return Function(lambda x: (F.adaptive_avg_pool2d(x, (a, b)), F.adaptive_avg_pool2d(x, (None, b)), F.adaptive_avg_pool2d(x, 1), F.adaptive_avg_pool1d(x[:, :, 0], b), F.adaptive_avg_pool3d(x.unflatten(1, (2, -1)), (c, a, b))))


def pools(channels, pick):
    """Rounded up: the last windows lie partly outside."""
    kernel, stride = (pick(2, 3), pick(2, 3)), (pick(2, 3), pick(2, 3))
    options = dict(stride=stride, padding=1, ceil_mode=True)
    return Function(lambda x: (
        F.max_pool2d(x, kernel, **options), F.max_pool2d(x, kernel, **options, return_indices=True)[0], F.avg_pool2d(x, kernel, **options), F.avg_pool2d(x, kernel, **options, count_include_pad=False),
        F.avg_pool2d(x, kernel, **options, divisor_override=3), F.max_pool1d(x[:, :, 0], 3, 2, 1, ceil_mode=True), F.avg_pool3d(x.unflatten(1, (2, -1)), (2, *kernel), 2, 1, ceil_mode=True)))


def adaptive_max(channels, pick):
    a, b = pick(1, 9), pick(1, 9)
    return Function(lambda x: (F.adaptive_max_pool2d(x, (a, b)), F.adaptive_max_pool2d(x, 1), F.adaptive_max_pool1d(x[:, :, 0], b)))


def attention(channels, pick):
    """Images as heads: of rows, each a vector. A mask of one's own, of truth values, causal, and keys that are more than queries."""
    scale = pick(2, 9) / 10
    return Function(lambda x: (
        F.scaled_dot_product_attention(x, x.flip(2), x), F.scaled_dot_product_attention(x, x, x, is_causal=True, scale=scale), F.scaled_dot_product_attention(x, x, x, attn_mask=x[0, 0] @ x[0, 1].transpose(0, 1)),
        F.scaled_dot_product_attention(x, x, x, attn_mask=(x[:, :1] @ x[:, 1:2].transpose(2, 3)).abs() >= 0.0), F.scaled_dot_product_attention(x[:, :, :2], x, x[..., 1:]), F.scaled_dot_product_attention(x, x, x, attn_mask=torch.ones(x.shape[2], x.shape[2]).tril().bool())))


def norms(channels, pick):
    class Norms(nn.Module):
        def __init__(self):
            super().__init__()
            self.instance, self.group = nn.InstanceNorm2d(channels, affine=True), nn.GroupNorm(pick(1, 3), channels)
            for module in (self.instance, self.group):
                nn.init.normal_(module.weight)
                nn.init.normal_(module.bias)

        def forward(self, x):
            return self.instance(x), self.group(x), F.instance_norm(x[:, :, 0]), F.rms_norm(x, x.shape[-1:], eps=1e-3), F.rms_norm(x, x.shape[-2:], x[0, 0]), F.layer_norm(x, x.shape[1:])

    return Norms()


def einsums(channels, pick):
    equations = ["bchw,bdhw->bcd", "bchw,bcvw->bchv", "bchw,bchv->cwv", "bchw,dhw->bd", "bchw,bchw->b", "...hw,...hw->...h"]
    return Function(lambda x: tuple(torch.einsum(equation, x, x[0] if ",dhw" in equation else x) / 10 for equation in equations) + (torch.einsum("bchw->whc", x), torch.einsum("bchw,bcvw,dvh->bd", x, x, x[0] @ x[0].transpose(1, 2))[:, :2] / 100))


def rolled(channels, pick):
    a, b = pick(-9, 9), pick(-9, 9)
    return Function(lambda x: (x.roll(a, 2), x.roll((a, b), (1, 3)), x.roll(b)))


def gelus(channels, pick):
    return Function(lambda x: (
        F.gelu(3 * x), F.gelu(3 * x, approximate="tanh"), x * torch.sigmoid(1.702 * x), 0.5 * x * (1 + torch.erf(x / 2**0.5)), 0.5 * x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3))), F.silu(3 * x), F.mish(x)))


def dropouts(channels, pick):
    """Nothing, in evaluation."""
    return nn.Sequential(nn.Dropout(0.5), nn.Conv2d(channels, 4, 3), nn.Dropout2d(0.4), nn.Dropout(0.3, inplace=True), nn.ReLU(), Function(lambda x: F.dropout(x, 0.9, False)))


def selections(channels, pick):
    k = pick(-3, 3)
    return Function(lambda x: (x.tril(k), x.triu(k), x.gather(1, torch.tensor([0, 2]).reshape(1, 2, 1, 1).expand(x.shape[0], 2, *x.shape[2:])), x.round().argmax(1), F.pixel_shuffle(torch.cat([x, x], 1), 2)))


# What is computed of an image [2, channels, height, width], a multiple of 6 channels.
KINDS = [convolutions, resized, adaptive_average, adaptive_max, pools, attention, norms, einsums, rolled, gelus, dropouts, selections]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_operator(kind, seed, tmp_path):
    numbers = random.Random(seed)
    torch.manual_seed(seed)
    x = torch.randn(2, 6 * numbers.randint(1, 3), numbers.randint(4, 12), numbers.randint(4, 12))
    module = kind(x.shape[1], numbers.randint).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module, (x,)), str(tmp_path / "model.pt2"))
    with torch.no_grad():
        expected = module(x)
    ropeway.compare(tmp_path / "model.pt2", [x], expected, EXACT)
    ropeway.compare(tmp_path / "model.pt2", [x], expected, NEAR, *NPU)
