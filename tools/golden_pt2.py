#!/usr/bin/env python3
"""Makes tests/golden/pt2: the tiny models as torch.export.save of torch 2.13 writes them, with an input each and what PyTorch computes for it.

Usage: golden_pt2.py [FOLDER]      (needs torch==2.13.0, numpy)

Stack traces are left out of the files: they name folders of the exporting machine, and make most of a small file.
"""
import pathlib
import sys

import numpy as np
import torch
import torch.nn as nn

import tiny_models


class Structure(nn.Module):
    """What is not an operator: names, shared weights, buffers, constants, Python numbers, structured outputs, open sizes, torch.no_grad."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.register_buffer("scale", torch.full((4,), 1.5))
        self.register_buffer("table", torch.arange(8.0).reshape(2, 4).t(), persistent=False)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x, *, y, gain=2.0):
        with torch.no_grad():
            z = self.act(self.first(x)) * gain
        z = self.act(self.second(z * self.scale) + torch.tensor([1.0, -2.0, 3.0, -4.0]))
        rows = x.shape[0]
        return {"logits": z.reshape(rows * 2, 2), "aux": (z @ self.table, y - z, rows * 3), "mask": (z > 0).masked_fill(y > 0, False)}


class Writes(nn.Module):
    """Writes in place, to tensors and to views of them, read again afterwards."""

    def forward(self, x):
        a = x * 1
        flat = a.view(-1)
        column, turned = a[:, 1], a.t()
        flat.mul_(2)                       # seen by a, column and turned
        column.add_(column)                # seen by flat
        turned[2:, :2] = -1                # a slice of a view
        a[0].copy_(torch.arange(4))        # whole numbers into real ones
        first, second = a.split([1, 3], dim=1)
        second.clamp_(max=3)
        kept = a.clone()
        a.unsqueeze(0).transpose(0, 2)[1].fill_(0.5)
        a += kept.relu_() * 0.25
        lost = a.reshape(2, 6)
        lost.sub_(1)
        return a, flat, column, turned, first + second.sum(), kept


def without_traces(program):
    for module in program.graph_module.modules():
        for node in getattr(module, "graph", torch.fx.Graph()).nodes:
            node.meta.pop("stack_trace", None)
            node.meta.pop("from_node", None)
    return program


def save(folder, name, program):
    torch.export.save(without_traces(program), str(folder / f"{name}.pt2"))


def save_values(folder, name, inputs, outputs):
    for key, tensor in inputs.items():
        np.save(folder / f"{name}.{key}.npy", tensor.numpy())
    for i, value in enumerate(outputs):
        np.save(folder / f"{name}.y{i}.npy", np.asarray(value))


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "tests/golden/pt2")
    folder.mkdir(parents=True, exist_ok=True)
    for name in tiny_models.MODELS:
        model, x = tiny_models.make(name)
        program = torch.export.export(model, (x,))
        for variant, each in (("training", program), ("functional", program.run_decompositions({})), ("core", program.run_decompositions())):
            save(folder, f"{name}.{variant}", each)
        with torch.no_grad():
            results = model(x)
        save_values(folder, name, {"x": x}, results if isinstance(results, tuple) else (results,))
    model, x = tiny_models.make("vit")
    save(folder, "vit.dynamic", torch.export.export(model, (x,), dynamic_shapes=({0: torch.export.Dim("batch", max=16)},)))

    torch.manual_seed(100)
    model, x, y = Structure().eval(), torch.randn(3, 4), torch.randn(3, 4)
    rows = torch.export.Dim("rows", min=2, max=64)
    program = torch.export.export(model, (x,), dict(y=y), dynamic_shapes={"x": {0: rows}, "y": {0: rows}})
    save(folder, "structure.training", program)
    save(folder, "structure.core", program.run_decompositions())
    with torch.no_grad():
        result = model(x, y=y)
    save_values(folder, "structure", {"x": x, "y": y}, [result["logits"], *result["aux"], result["mask"]])

    model, x = Writes(), torch.randn(3, 4)
    program = torch.export.export(model, (x,))
    save(folder, "writes.training", program)
    save(folder, "writes.core", program.run_decompositions())
    save_values(folder, "writes", {"x": x}, model(x))


if __name__ == "__main__":
    main()
