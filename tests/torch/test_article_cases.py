"""What the article met with CANN 7.0.RC1, here by the virtual one: files as PyTorch exports them end in its errors when they are given to atc as they are, and run through Ropeway.
That 7.0.RC1 lacks these operators rests on the article: it is unverified."""
import re
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import ropeway

NPU = ("--device", "virtual-npu")
NEAR, NOT_FP32 = 1e-2, 2e-5  # of the largest value: what 16 bits are off by
ROWS = 4096                  # of one input: as many independent draws of every mask's row
SIGMAS = 5
KINDS = ("training", "functional", "core", "onnx", "onnx_legacy")


@pytest.fixture(autouse=True)
def cann_7(monkeypatch, tmp_path):
    monkeypatch.setenv("ROPEWAY_VIRTUAL_CANN", "7.0.RC1")
    monkeypatch.setenv("ROPEWAY_CACHE", str(tmp_path / "cache"))


def export(model, x, kind, folder):
    """A file of the model in the mode that it is in."""
    path = folder / ("model.onnx" if kind.startswith("onnx") else "model.pt2")
    mode = torch.onnx.TrainingMode.TRAINING if model.training else torch.onnx.TrainingMode.EVAL
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "onnx":
            torch.onnx.export(model, (x,), str(path), opset_version=18, verbose=False)
        elif kind == "onnx_legacy":
            torch.onnx.export(model, (x,), str(path), dynamo=False, opset_version=17, training=mode)
        else:
            program = torch.export.export(model, (x,))
            if kind != "training":
                program = program.run_decompositions({} if kind == "functional" else None)
            torch.export.save(program, str(path))
    return path


def naive(path):
    """What the virtual atc says of a file; it must refuse it."""
    atc = Path(ropeway.PROGRAM).parent / "virtual-cann" / "bin" / "atc"
    result = subprocess.run([atc, "--framework=5", f"--model={path}", f"--output={path.with_suffix('')}", "--soc_version=Ascend310B1"], capture_output=True, text=True)
    assert result.returncode == 1, result.stdout
    return result.stdout


class MaxPools(nn.Module):
    def __init__(self, indices):
        super().__init__()
        self.conv, self.pool, self.indices = nn.Conv2d(3, 8, 5, padding=2), nn.MaxPool2d(3, stride=2, padding=1, return_indices=indices), indices
        self.linear = nn.Linear(8 * 8 * 8, 10)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv(x)))
        if self.indices:
            return self.linear(x[0].flatten(1)), x[1]
        return self.linear(x.flatten(1))


@pytest.fixture
def image():
    torch.manual_seed(0)
    return torch.randn(2, 3, 16, 16)


@pytest.mark.parametrize("kind", ("onnx", "onnx_legacy"))
def test_max_pool_with_indices_as_it_is(kind, image, tmp_path):
    said = naive(export(MaxPools(True).eval(), image, kind, tmp_path))
    assert "The process exits for this inner error, and the current working operator name is MaxPoolWithArgmaxV1." in said
    assert "article, unverified" in said


@pytest.mark.parametrize("kind", KINDS)
def test_max_pool(kind, image, tmp_path):
    model = MaxPools(False).eval()
    with torch.no_grad():
        expected = model(image).numpy()
    (actual,) = ropeway.run(export(model, image, kind, tmp_path), [image.numpy()], *NPU).values()
    assert NOT_FP32 < ropeway.relative_error(actual, expected) <= NEAR


# A program that looks for the indices and does not use them runs all the same.
@pytest.mark.parametrize("kind", KINDS[:3])
def test_max_pool_with_unused_indices(kind, image, tmp_path):
    class Unused(MaxPools):
        def forward(self, x):
            return super().forward(x)[0]

    model = Unused(True).eval()
    with torch.no_grad():
        expected = model(image).numpy()
    (actual,) = ropeway.run(export(model, image, kind, tmp_path), [image.numpy()], *NPU).values()
    assert NOT_FP32 < ropeway.relative_error(actual, expected) <= NEAR


class Unpooled(nn.Module):
    """Indices that are used, between convolutions that are worth the NPU. Up to the pool all numbers are whole and small, so that 16 bits hold them and find the same maxima."""

    def __init__(self):
        super().__init__()
        self.before = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1))
        self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
        self.middle, self.after = nn.Conv2d(32, 32, 3, padding=1), nn.Conv2d(32, 8, 3, padding=1)
        with torch.no_grad():
            for parameter in self.before.parameters():
                parameter.copy_(torch.randint(-1, 2, parameter.shape))

    def forward(self, x):
        x, indices = self.pool(self.before(x))
        return self.after(self.unpool(self.middle(x), indices))


@pytest.fixture
def unpooled():
    torch.manual_seed(0)
    model, x = Unpooled().eval(), torch.randint(-2, 3, (1, 3, 64, 64)).float()
    with torch.no_grad():
        assert model.before(x).abs().max() <= 2048, "16 bits round whole numbers beyond"
        return model, x, model(x).numpy()


def test_used_indices_as_they_are(unpooled, tmp_path):
    model, x, _ = unpooled
    said = naive(export(model, x, "onnx", tmp_path))
    assert "The process exits for this inner error, and the current working operator name is MaxPoolWithArgmaxV1." in said


# The older exporter does not know unpooling.
@pytest.mark.parametrize("kind", KINDS[:4])
def test_used_indices(kind, unpooled, tmp_path):
    model, x, expected = unpooled
    path = export(model, x, kind, tmp_path)
    (actual,) = ropeway.run(path, [x.numpy()], *NPU).values()
    assert NOT_FP32 < ropeway.relative_error(actual, expected) <= NEAR
    split = ropeway.command("run", path, *NPU).splitlines()[0]
    assert re.match(r"split: 3 segments: virtual-npu \d+ operators, cpu \d+ \(.*MaxPoolIndices at pool ", split), split
    assert "Conv" not in split, "the convolutions stay on the NPU"

    refused = subprocess.run([ropeway.PROGRAM, "run", path, *NPU, "--no-fallback"], capture_output=True, text=True)
    assert refused.returncode == 3
    assert "MaxPoolIndices at pool" in refused.stderr and "--no-fallback keeps them from the cpu" in refused.stderr


def dropouts():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(20, 50), nn.Dropout(0.3), nn.Linear(50, 30), nn.Dropout(0.6), nn.Linear(30, 6)).train()


@pytest.mark.parametrize("kind", ("onnx", "onnx_legacy"))
def test_dropout_as_it_is(kind, tmp_path):
    said = naive(export(dropouts(), torch.randn(4, 20), kind, tmp_path))
    assert "E40021: Failed to compile Op [DropOutDoMask]." in said and "drop_out_do_mask.py failed" in said
    assert "article, unverified" in said


def check_statistics(actual, model, x):
    """By column, over rows that are alike but for their masks: the mean is that of inference, for the models are linear; the deviation is PyTorch's own."""
    with torch.no_grad():
        sample = model(x).flatten(1).numpy()
        expected = model.eval()(x[:1]).flatten(1).numpy()[0]
    model.train()
    actual = actual.reshape(len(actual), -1)
    deviation = sample.std(0)
    assert np.all(np.abs(actual.mean(0) - expected) <= SIGMAS * deviation / np.sqrt(len(x)) + NEAR * np.abs(expected).max())
    assert np.all(np.abs(actual.std(0) / deviation - 1) <= 0.15)
    assert len(np.unique(actual, axis=0)) >= 0.9 * len(np.unique(sample.round(4), axis=0))


@pytest.mark.parametrize("kind", KINDS)
def test_dropout(kind, tmp_path):
    model = dropouts()
    x = torch.randn(1, 20).expand(ROWS, 20).contiguous()
    path = export(model, x, kind, tmp_path)
    run = lambda *options: next(iter(ropeway.run(path, [x.numpy()], *options).values()))
    first = run(*NPU)
    check_statistics(first, model, x)
    assert np.array_equal(run(*NPU, "--seed", "0"), first)
    assert not np.array_equal(run(*NPU, "--seed", "1"), first)
    on_cpu = run()
    check_statistics(on_cpu, model, x)
    assert NOT_FP32 < ropeway.relative_error(first, on_cpu) <= NEAR, "the CPU draws the same masks"


@pytest.mark.parametrize("kind", KINDS[:3])
@pytest.mark.parametrize("layer", (nn.Dropout2d(0.4), nn.Dropout(0.4, inplace=True)), ids=("whole_channels", "in_place"))
def test_dropout_of_images(layer, kind, tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 6, 3), layer, nn.Conv2d(6, 2, 3)).train()
    x = torch.randn(1, 3, 6, 6).expand(ROWS, 3, 6, 6).contiguous()
    (actual,) = ropeway.run(export(model, x, kind, tmp_path), [x.numpy()], *NPU).values()
    check_statistics(actual, model, x)
    if isinstance(layer, nn.Dropout2d):
        assert len(np.unique(actual.reshape(ROWS, -1), axis=0)) == 2**6, "whole channels are kept or dropped"
