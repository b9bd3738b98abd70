#!/usr/bin/env python3
"""Calibrates the cost model of the compiled mode (src/chip) on what others measured on an Ascend 310B1: VGG16, ViT-B/16 and Swin-T, compiled, fp16, batch 1, 224×224.

    scripts/setup.sh --with-torch
    cmake --preset release -DROPEWAY_BENCH=ON && cmake --build --preset release
    .venv/bin/python bench/calibrate.py [build/release/bench/bench_cost_model]

Two constants of src/chip/soc.cc are fitted, by least squares of the relative errors: the effective DRAM rate and the launch cost of an operator. This prints the
prediction with the constants as they stand in the code, with those of a new fit to all three models, and of each model with a fit to the other two.
"""
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "torch"))
import models  # noqa: E402

MEASURED_MS = {"VGG16": 13.69, "ViT-B/16": 19.31, "Swin-T": 12.25}


class WindowAttention(nn.Module):
    def __init__(self, width, heads, window, resolution, shift):
        super().__init__()
        self.heads, self.window, self.resolution, self.shift = heads, window, resolution, shift
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.bias = nn.Parameter(0.02 * torch.randn((2 * window - 1) ** 2, heads))
        at = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        distance = (at[:, :, None] - at[:, None, :] + window - 1).permute(1, 2, 0)
        self.register_buffer("index", distance[:, :, 0] * (2 * window - 1) + distance[:, :, 1])
        self.register_buffer("mask", self.shifted_mask() if shift else None)

    def windows(self, x):
        """[batch, height, width, channels] → [windows, tokens, channels]"""
        batch, height, width, channels = x.shape
        w = self.window
        return x.reshape(batch, height // w, w, width // w, w, channels).permute(0, 1, 3, 2, 4, 5).reshape(-1, w * w, channels)

    def shifted_mask(self):
        """Tokens that a shift brought into one window, but which are no neighbours, do not see each other."""
        region = torch.zeros(1, self.resolution, self.resolution, 1)
        edges = (slice(0, -self.window), slice(-self.window, -self.shift), slice(-self.shift, None))
        for i, rows in enumerate(edges):
            for j, columns in enumerate(edges):
                region[:, rows, columns, :] = 3 * i + j
        region = self.windows(region).squeeze(-1)
        return torch.where(region[:, None, :] == region[:, :, None], 0.0, -100.0)[:, None]

    def forward(self, x):
        size, w = self.resolution, self.window
        channels = x.shape[-1]
        if self.shift:
            x = torch.roll(x, (-self.shift, -self.shift), (1, 2))
        x = self.windows(x)
        count = x.shape[0]
        q, k, v = self.qkv(x).reshape(count, w * w, 3, self.heads, channels // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        scores = (q * (channels // self.heads) ** -0.5) @ k.transpose(-2, -1)
        scores = scores + self.bias[self.index.reshape(-1)].reshape(w * w, w * w, self.heads).permute(2, 0, 1)[None]
        if self.shift:
            scores = scores + self.mask
        x = (scores.softmax(-1) @ v).transpose(1, 2).reshape(count, w * w, channels)
        x = self.proj(x).reshape(-1, size // w, size // w, w, w, channels).permute(0, 1, 3, 2, 4, 5).reshape(-1, size, size, channels)
        return torch.roll(x, (self.shift, self.shift), (1, 2)) if self.shift else x


class SwinBlock(nn.Module):
    def __init__(self, width, heads, resolution, shifted):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = WindowAttention(width, heads, 7, resolution, 3 if shifted and resolution > 7 else 0)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x):
        x = torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], -1)
        return self.reduction(self.norm(x))


class SwinTiny(nn.Module):
    """Swin-T for 224×224 images: patches of 4, windows of 7, widths 96 to 768."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 96, 4, 4)
        self.norm = nn.LayerNorm(96)
        stages, width, resolution = [], 96, 56
        for stage, (depth, heads) in enumerate(((2, 3), (2, 6), (6, 12), (2, 24))):
            if stage > 0:
                stages.append(PatchMerging(width))
                width, resolution = 2 * width, resolution // 2
            stages += [SwinBlock(width, heads, resolution, i % 2 == 1) for i in range(depth)]
        self.stages = nn.Sequential(*stages)
        self.last_norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 1000)

    def forward(self, x):
        x = self.stages(self.norm(self.patches(x).permute(0, 2, 3, 1)))
        return self.head(self.last_norm(x).mean((1, 2)))


MODELS = {"VGG16": models.vgg16, "ViT-B/16": lambda: models.VisionTransformer(768, 12, 12), "Swin-T": SwinTiny}


def read_operators(program):
    """The chip, and for every model an array with a row per operator: cube FLOP, vector bytes, DRAM bytes."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        paths = []
        for name, make in MODELS.items():
            paths.append(f"{folder}/{len(paths)}.pt2")
            torch.export.save(torch.export.export(make().eval(), (torch.zeros(1, 3, 224, 224),)), paths[-1])
        lines = [json.loads(line) for line in subprocess.run([program, *paths], check=True, capture_output=True, text=True).stdout.splitlines()]
    chip, lines = lines[0], lines[1:]
    rows = {name: [line for line in lines if line["model"] == i] for i, name in enumerate(MODELS)}
    return chip, rows, {name: np.array([[line["cube_flops"], line["vector_bytes"], line["dram_bytes"]] for line in rows[name]]) for name in rows}


def predict(chip, operators, dram_gb_per_s, launch_us):
    """As src/chip/cost_model.cc: the longest of cube, vector unit and memory, and a launch."""
    seconds = (operators / [chip["cube_flops"], chip["vector_bytes"], dram_gb_per_s * 1e9]).max(axis=1) + launch_us * 1e-6
    return 1e3 * seconds.sum()


def fit(chip, operators, names):
    """The DRAM rate and launch cost with the least squares of relative errors over `names`, from a grid."""
    def loss(rate, launch):
        return sum((predict(chip, operators[name], rate, launch) / MEASURED_MS[name] - 1) ** 2 for name in names)
    return min(((loss(rate, launch), rate, launch) for rate in np.arange(15, 35.01, 0.1) for launch in np.arange(0, 60.01, 0.2)))[1:]


def show(title, chip, operators, constants):
    print(f"{title}: {constants[0]:.1f} GB/s, {constants[1]:.1f} µs")
    for name in MODELS:
        ms = predict(chip, operators[name], *constants)
        print(f"  {name:9} {ms:7.2f} ms, measured {MEASURED_MS[name]:6.2f}: {100 * (ms / MEASURED_MS[name] - 1):+5.1f} %")


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build" / "release" / "bench" / "bench_cost_model")
    chip, rows, operators = read_operators(program)
    for name, lines in rows.items():
        share = {bound: sum(line["ms"] - chip["launch_us"] / 1e3 for line in lines if line["bound"] == bound) for bound in ("cube", "vector", "memory")}
        print(f"{name}: {len(lines)} operators; ms by what bounds them: " + ", ".join(f"{bound} {ms:.2f}" for bound, ms in share.items()) + f", launches {len(lines) * chip['launch_us'] / 1e3:.2f}")
    show("as in src/chip/soc.cc", chip, operators, (chip["dram_gb_per_s"], chip["launch_us"]))
    show("fitted to all three", chip, operators, fit(chip, operators, list(MODELS)))
    print("each predicted from a fit to the other two:")
    for name in MODELS:
        constants = fit(chip, operators, [other for other in MODELS if other != name])
        ms = predict(chip, operators[name], *constants)
        print(f"  {name:9} {ms:7.2f} ms, measured {MEASURED_MS[name]:6.2f}: {100 * (ms / MEASURED_MS[name] - 1):+5.1f} %   ({constants[0]:.1f} GB/s, {constants[1]:.1f} µs)")


if __name__ == "__main__":
    main()
