#!/usr/bin/env python3
"""The cost models of src/chip beside what others measured on an Ascend 310B1, batch 1, 224×224: compiled models in fp16, and the article's networks in eager PyTorch.

Usage: calibrate.py [--tool build/dev/bench/cost_model] [--keep FOLDER]      (needs requirements-test.txt, and a build with -DROPEWAY_BENCH=ON)

Exports VGG16, ViT-B/16 and Swin-T as ONNX with random weights, for only sizes count, and hands the files to the tool, which prints the predictions with the
constants of src/chip/soc.cc, the constants fitted anew to everything, and those fitted to all but one model with the error of that one. Then writes
docs/cost-model.md and its plot.
Swin-T is written so that it holds supported operators only: windows are cut by Reshape and Transpose, torch.roll becomes Slice and Concat.
"""
import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "torch"))
sys.path.insert(0, str(ROOT / "bench"))
import cost_model_doc  # noqa: E402
import models  # noqa: E402

OPSET = 18  # attention and gelu in parts, as in the files that go to atc

# ais_bench on a 310B1 board, tuned by AOE, as others published it.
MEASURED_MS = {"vgg16": 13.69, "vit_b16": 19.31, "swin_t": 12.25}


def relative_positions(window):
    """Index into the table of biases for each pair of places in a window."""
    places = torch.cartesian_prod(torch.arange(window), torch.arange(window))
    offset = places[:, None] - places[None, :] + window - 1
    return offset[..., 0] * (2 * window - 1) + offset[..., 1]


def windows(x, size):
    """[batch, height, width, channels] → [batch · windows, size², channels]."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // size, size, width // size, size, channels).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(-1, size * size, channels)


def image(x, size, height, width):
    """The way back."""
    channels = x.shape[-1]
    x = x.reshape(-1, height // size, width // size, size, size, channels).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(-1, height, width, channels)


class WindowAttention(nn.Module):
    def __init__(self, width, heads, window, mask):
        super().__init__()
        self.heads, self.scale = heads, (width // heads) ** -0.5
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.bias = nn.Parameter(torch.randn((2 * window - 1) ** 2, heads))
        self.register_buffer("index", relative_positions(window))
        self.register_buffer("mask", mask)

    def forward(self, x):
        count, places, width = x.shape
        q, k, v = self.qkv(x).reshape(count, places, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        scores = (q * self.scale) @ k.transpose(-2, -1)
        scores = scores + self.bias[self.index.flatten()].reshape(places, places, self.heads).permute(2, 0, 1)
        if self.mask is not None:
            scores = (scores.reshape(-1, self.mask.shape[0], self.heads, places, places) + self.mask[:, None]).reshape(count, self.heads, places, places)
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(count, places, width))


def shift_mask(resolution, window, shift):
    """-100 between places of a shifted window that are no neighbours in the image."""
    if shift == 0:
        return None
    part = torch.zeros(resolution)
    part[-window:-shift], part[-shift:] = 1, 2
    region = windows((part[:, None] * 3 + part[None, :])[None, :, :, None], window)[..., 0]
    return torch.where(region[:, :, None] == region[:, None, :], 0.0, -100.0)


class SwinBlock(nn.Module):
    def __init__(self, width, heads, resolution, window, shift):
        super().__init__()
        self.resolution, self.window = resolution, window
        self.shift = shift if resolution > window else 0
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = WindowAttention(width, heads, window, shift_mask(resolution, window, self.shift))
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        side = self.resolution
        y = self.norm1(x).reshape(-1, side, side, x.shape[-1])
        if self.shift:
            y = torch.roll(y, (-self.shift, -self.shift), (1, 2))
        y = image(self.attention(windows(y, self.window)), self.window, side, side)
        if self.shift:
            y = torch.roll(y, (self.shift, self.shift), (1, 2))
        x = x + y.reshape(x.shape)
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    def __init__(self, width, resolution):
        super().__init__()
        self.resolution = resolution
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x):
        x = x.reshape(-1, self.resolution, self.resolution, x.shape[-1])
        x = torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], -1)
        return self.reduction(self.norm(x.flatten(1, 2)))


class Swin(nn.Module):
    """Swin-T of its paper: width 96, depths 2, 2, 6, 2, heads of 32, windows of 7×7, every other block shifted by 3."""

    def __init__(self, width=96, depths=(2, 2, 6, 2), window=7):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.norm0 = nn.LayerNorm(width)
        layers, resolution = [], 56
        for stage, depth in enumerate(depths):
            if stage > 0:
                layers.append(PatchMerging(width, resolution))
                width, resolution = 2 * width, resolution // 2
            layers += [SwinBlock(width, width // 32, resolution, window, window // 2 if i % 2 else 0) for i in range(depth)]
        self.layers = nn.Sequential(*layers)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 1000)

    def forward(self, x):
        x = self.norm0(self.patches(x).flatten(2).transpose(1, 2))
        return self.head(self.norm(self.layers(x)).mean(1))


def vit_b16():
    model = models.VisionTransformer(768, 12, 0)
    model.layers = nn.Sequential(*(models.Encoder(768, 12, models.FusedAttention) for _ in range(12)))
    return model


MODELS = {"vgg16": models.vgg16, "vit_b16": vit_b16, "swin_t": Swin}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", default=str(ROOT / "build" / "dev" / "bench" / "cost_model"))
    parser.add_argument("--keep", help="folder for the exported models; files that are there already are used")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = Path(temporary) / "found.json"
        command = [arguments.tool, "--json", str(found)]
        for name, milliseconds in MEASURED_MS.items():
            path = folder / f"{name}.onnx"
            if not path.exists():
                with warnings.catch_warnings(), torch.no_grad():
                    warnings.simplefilter("ignore")
                    torch.onnx.export(MODELS[name]().eval(), (torch.zeros(1, 3, 224, 224),), str(path), opset_version=OPSET, verbose=False)
            command += [str(path), str(milliseconds)]
        status = subprocess.run(command).returncode
        if status == 0:
            results = json.loads(found.read_text())
            (ROOT / "docs" / "cost-model.md").write_text(cost_model_doc.document(results))
            (ROOT / "docs" / "cost-model.svg").write_text(cost_model_doc.plot(results))
        return status


if __name__ == "__main__":
    sys.exit(main())
