"""Whole networks at full size, as PyTorch computes them: built in, and through every kind of file that PyTorch writes."""
import warnings

import numpy as np
import pytest
import torch

import models
import ropeway

TOLERANCE = {name: 5e-6 if name in models.BUILTIN else 1e-4 for name in models.MODELS}
KINDS = ("training", "functional", "core", "onnx", "onnx_legacy")
SKIPPED = {
    **{("vgg16", kind): "half a gigabyte: one file of each format is enough" for kind in ("functional", "core", "onnx_legacy")},
    ("alexnet", "onnx_legacy"): "PyTorch's older exporter refuses adaptive pooling of 5×5 to 6×6",
}


def export(model, x, kind, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "onnx":
            torch.onnx.export(model, (x,), str(path), verbose=False)
        elif kind == "onnx_legacy":
            torch.onnx.export(model, (x,), str(path), dynamo=False, opset_version=17)
        else:
            program = torch.export.export(model, (x,))
            if kind != "training":
                program = program.run_decompositions({} if kind == "functional" else None)
            torch.export.save(program, str(path))


@pytest.fixture(scope="module", params=models.MODELS)
def network(request):
    """Name, model, input and PyTorch's output."""
    model = models.make(request.param)
    x = torch.from_numpy(models.stream_input())
    with torch.no_grad():
        return request.param, model, x, model(x)


@pytest.mark.parametrize("kind", KINDS)
def test_file(network, kind, tmp_path):
    name, model, x, expected = network
    if (name, kind) in SKIPPED:
        pytest.skip(SKIPPED[name, kind])
    path = tmp_path / ("model.onnx" if kind.startswith("onnx") else "model.pt2")
    export(model, x, kind, path)
    ropeway.compare(path, x, expected, TOLERANCE[name])
    for file in tmp_path.iterdir():
        file.unlink()  # not kept until the session ends: they are large


@pytest.mark.parametrize("name", models.BUILTIN)
@pytest.mark.parametrize("batch", (1, 3))
def test_builtin(name, batch):
    x = torch.from_numpy(models.stream_input(batch))
    with torch.no_grad():
        expected = models.make_builtin(name)(x)
    ropeway.compare(name, x, expected, 5e-6)


@pytest.mark.parametrize("name", models.BUILTIN)
def test_weights_of_16_bits(name):
    x = torch.from_numpy(models.stream_input())
    with torch.no_grad():
        expected = models.make_builtin(name)(x)
    ropeway.compare(name, x, expected, 1e-3, "--precision", "fp16")


@pytest.mark.parametrize("name", models.BUILTIN)
def test_passes_change_nothing(name):
    """The same numbers without any one pass that can be left out."""
    x = models.stream_input()
    expected = ropeway.run(name, [x])
    for each in ("fold_constants", "recover_adaptive_pooling", "remove_no_ops", "fold_batch_norm", "fuse"):
        actual = ropeway.run(name, [x], "--disable-pass", each)
        for key, value in expected.items():
            assert ropeway.relative_error(actual[key], value) <= 1e-5, each


@pytest.mark.parametrize("kind", ("training", "core", "onnx"))
def test_open_batch(kind, tmp_path):
    """A batch that the file leaves open follows the input."""
    model, x = models.make("mobilenet_v2"), torch.from_numpy(models.stream_input(2))
    shapes = ({0: torch.export.Dim("batch", min=1, max=64)},)
    path = tmp_path / ("model.onnx" if kind == "onnx" else "model.pt2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "onnx":
            torch.onnx.export(model, (x,), str(path), dynamic_shapes=shapes, verbose=False)
        else:
            program = torch.export.export(model, (x,), dynamic_shapes=shapes)
            torch.export.save(program.run_decompositions() if kind == "core" else program, str(path))
    larger = torch.from_numpy(np.concatenate([models.stream_input(2), models.stream_input(3)]))
    with torch.no_grad():
        ropeway.compare(path, larger, model(larger), 1e-4)
