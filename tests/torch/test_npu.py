"""The way through CANN, on the virtual NPU: numbers as the chip has them, near PyTorch's and yet not fp32's; and the ONNX files that atc is given, which other runtimes read too."""
import json
import os
import shutil
import stat
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import models
import ropeway
from test_models import export

NPU = ("--device", "virtual-npu")
NEAR = 1e-2       # of the largest value: 16 bits hold 11 of a number's, and errors add up
NOT_FP32 = 2e-5   # what fp32 differs by at most
FILES = [(name, kind) for name in ("alexnet", "lenet", "resnet34", "resnet50", "mobilenet_v2", "vit") for kind in ("training", "onnx")]


@pytest.fixture(scope="module")
def captured(tmp_path_factory):
    """A virtual CANN whose atc leaves what it was given in a folder, which this is."""
    folder = tmp_path_factory.mktemp("captured")
    root = tmp_path_factory.mktemp("cann")
    shutil.copytree(Path(ropeway.PROGRAM).parent / "virtual-cann", root, dirs_exist_ok=True)
    (root / "bin" / "atc").rename(root / "bin" / "atc.real")
    script = root / "bin" / "atc"
    script.write_text(f'#!/bin/sh\nfor word in "$@"; do case "$word" in --model=*) cp "${{word#--model=}}" {folder}/given.onnx;; esac; done\nexec "$0.real" "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    before = {name: os.environ.get(name) for name in ("ROPEWAY_VIRTUAL_HOME", "ROPEWAY_CACHE")}
    os.environ["ROPEWAY_VIRTUAL_HOME"] = str(root)
    os.environ["ROPEWAY_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield folder
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


@pytest.mark.parametrize("name, kind", FILES)
def test_network(name, kind, captured, tmp_path):
    model = models.make(name)
    x = torch.from_numpy(models.stream_input())
    with torch.no_grad():
        expected = model(x).numpy()
    path = tmp_path / ("model.onnx" if kind == "onnx" else "model.pt2")
    export(model, x, kind, path)
    (actual,) = ropeway.run(path, [x.numpy()], *NPU).values()
    error = ropeway.relative_error(actual, expected)
    assert error <= NEAR
    assert error > NOT_FP32, "that is the fp32 result"

    given = captured / "given.onnx"
    onnx.checker.check_model(str(given), full_check=True)
    session = onnxruntime.InferenceSession(str(given), providers=["CPUExecutionProvider"])
    (witness,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    assert ropeway.relative_error(witness, expected) <= 1e-4
    names = [node.name for node in onnx.load(str(given), load_external_data=False).graph.node]
    assert len(set(names)) == len(names)
    for file in [given, *tmp_path.iterdir()]:
        file.unlink()  # not kept until the session ends: they are large


@pytest.mark.parametrize("name", models.BUILTIN)
def test_builtin(name):
    x = torch.from_numpy(models.stream_input())
    with torch.no_grad():
        expected = models.make_builtin(name)(x).numpy()
    (actual,) = ropeway.run(name, [x.numpy()], *NPU).values()
    error = ropeway.relative_error(actual, expected)
    assert NOT_FP32 < error <= NEAR


def test_article_table(tmp_path):
    """Every row of the article with a predicted time beside it, and the model as a whole."""
    ropeway.command("bench", "alexnet", "lenet", "resnet34", "--device", "virtual-npu", "--by", "layer", "--json", tmp_path / "t.json")
    for entry in json.loads((tmp_path / "t.json").read_text()):
        device = entry["devices"][0]
        assert device["predicted"] is True
        rows = [row["latency_ms"]["median"] for row in device["rows"]]
        assert all(0 < ms < 10 for ms in rows)
        assert np.isclose(sum(rows), device["sum_of_rows_ms"], rtol=1e-4)
        assert 0 < device["end_to_end_ms"]["median"] < 20


class Double(torch.nn.Module):
    """In float64, with indices."""

    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(50, 16)
        self.linear = torch.nn.Linear(16, 8)
        self.double()

    def forward(self, tokens, x):
        return torch.softmax(self.linear(self.table(tokens) + x), -1), tokens + 1


def test_float64(tmp_path):
    """Float64 inside becomes float32, at the border it stays; on the CPU it is computed as float64."""
    torch.manual_seed(0)
    model, inputs = Double().eval(), (torch.randint(0, 50, (2, 5)), torch.randn(2, 5, 16, dtype=torch.float64))
    with torch.no_grad():
        expected = ropeway.arrays(model(*inputs))
    path = tmp_path / "double.pt2"
    torch.export.save(torch.export.export(model, inputs), path)
    for options, tolerance in ((NPU, NEAR), ((), 1e-13)):
        results = list(ropeway.run(path, ropeway.arrays(inputs), *options).values())
        assert [each.dtype for each in results] == [np.float64, np.int64]
        for actual, wanted in zip(results, expected):
            assert ropeway.relative_error(actual, wanted) <= tolerance


class Mixed(torch.nn.Module):
    """Bfloat16 in the middle, which the NPU has not, and around it what it computes better."""

    def __init__(self):
        super().__init__()
        self.before = torch.nn.Sequential(torch.nn.Conv2d(3, 32, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(32, 32, 3, padding=1))
        self.after = torch.nn.Conv2d(32, 8, 3, padding=1)

    def forward(self, x):
        return self.after(torch.relu(self.before(x).to(torch.bfloat16)).float())


def test_split(tmp_path):
    torch.manual_seed(0)
    model, x = Mixed().eval(), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = model(x).numpy()
    path = tmp_path / "mixed.pt2"
    torch.export.save(torch.export.export(model, (x,)), path)
    (actual,) = ropeway.run(path, [x.numpy()], *NPU).values()
    assert NOT_FP32 < ropeway.relative_error(actual, expected) <= NEAR
    assert ropeway.command("run", path, *NPU).startswith("split: 3 segments: virtual-npu ")
