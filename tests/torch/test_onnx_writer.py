"""What Ropeway writes as ONNX: valid to the letter, and PyTorch's numbers in ONNX Runtime. Operators by the cases of test_operators, and whole networks."""
import subprocess
import sys
import warnings
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch

import models
import ropeway
from test_operators import CASES, Function

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import tiny_models  # noqa: E402

WRITE_ONNX = str(Path(ropeway.PROGRAM).parent / "tools" / "write_onnx")
SKIPPED = {"relu_whole": "ONNX Runtime has no Relu of integers"}
# What the file cannot hold: the CPU computes it, or the engine draws it.
REFUSED = {
    **dict.fromkeys(("max_pool_indices", "max_pool1d_indices", "max_pool3d_indices", "adaptive_max_indices", "max_unpool", "max_unpool3d"), "the indices of a MaxPool are left to the CPU"),
    **dict.fromkeys(("dropout_training", "write_to_training_dropout"), "dropout in training mode, which draws random numbers"),
}
TOLERANCE = {"promotion_half": 1e-3}  # ONNX Runtime leaves out roundings to f16

onnxruntime.set_default_logger_severity(3)


def write(source, path):
    return subprocess.run([WRITE_ONNX, str(source), str(path)], capture_output=True, text=True)


def compare(source, inputs, outputs, tolerance, path):
    """Writes the model `source` to `path`, and compares what ONNX Runtime makes of it with `outputs`. Returns the file's graph."""
    result = write(source, path)
    assert result.returncode == 0, result.stderr
    onnx.checker.check_model(str(path), full_check=True)
    graph = onnx.load(path).graph
    names = [node.name for node in graph.node]
    assert all(names) and len(set(names)) == len(names)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    results = session.run(None, {each.name: value for each, value in zip(session.get_inputs(), ropeway.arrays(inputs), strict=True)})
    for each, actual, wanted in zip(session.get_outputs(), results, ropeway.arrays(outputs), strict=True):
        error = ropeway.relative_error(actual, wanted)
        assert error <= tolerance, f"{each.name}: an error of {error:.2g} of the largest value"
    return graph


def export(model, inputs, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(model, tuple(inputs)), str(path))


@pytest.mark.parametrize("name", CASES)
def test_operator(name, tmp_path):
    if name in SKIPPED:
        pytest.skip(SKIPPED[name])
    function, *inputs = CASES[name]
    module = (function if isinstance(function, torch.nn.Module) else Function(function)).eval()
    export(module, inputs, tmp_path / "model.pt2")
    if name in REFUSED:
        result = write(tmp_path / "model.pt2", tmp_path / "model.onnx")
        assert result.returncode == 1 and REFUSED[name] in result.stderr
        return
    with torch.no_grad():
        expected = module(*[x.clone() for x in inputs])
    compare(tmp_path / "model.pt2", inputs, expected, TOLERANCE.get(name, 1e-5), tmp_path / "model.onnx")


@pytest.mark.parametrize("name", tiny_models.MODELS)
def test_tiny_model(name, tmp_path):
    model, x = tiny_models.make(name)
    export(model, [x], tmp_path / "model.pt2")
    with torch.no_grad():
        expected = model(x)
    compare(tmp_path / "model.pt2", [x], expected, 1e-5, tmp_path / "model.onnx")


@pytest.mark.parametrize("name", ("mobilenet_v2", "vit"))
def test_network(name, tmp_path):
    model, x = models.make(name), torch.from_numpy(models.stream_input())
    export(model, [x], tmp_path / "model.pt2")
    with torch.no_grad():
        expected = model(x)
    compare(tmp_path / "model.pt2", [x], expected, 1e-4, tmp_path / "model.onnx")


@pytest.mark.parametrize("name", models.BUILTIN)
def test_builtin(name, tmp_path):
    x = torch.from_numpy(models.stream_input())
    model = models.make_builtin(name)
    with torch.no_grad():
        graph = compare(name, [x], model(x), 1e-5, tmp_path / "model.onnx")
    (tmp_path / "model.onnx").unlink()  # up to 250 MB
    assert {each.name for each in graph.node if each.op_type == "Conv"} <= {path for path, _ in model.named_modules()}
