"""`ropeway compare` against values that forward hooks take in PyTorch itself."""
import json
import subprocess

import numpy as np
import pytest
import torch
from torch import nn

import models
import ropeway
from test_models import export


def hooked(model, x):
    """What every module returned last, and the output."""
    values = {}
    handles = [module.register_forward_hook(lambda _, __, out, name=name: values.update({name: out.detach().clone().numpy()})) for name, module in model.named_modules() if name]
    with torch.no_grad():
        values["output"] = model(x).numpy()
    for handle in handles:
        handle.remove()
    return values


def compare(folder, model, *options, status):
    result = subprocess.run([ropeway.PROGRAM, "compare", str(model), "--json", str(folder / "c.json"), *map(str, options)], capture_output=True, text=True)
    assert result.returncode == status, f"exit status {result.returncode}: {result.stdout}{result.stderr}"
    return json.loads((folder / "c.json").read_text())


def write(folder, model, x, kind="training", name="model"):
    path = folder / (name + (".onnx" if kind.startswith("onnx") else ".pt2"))
    export(model, x, kind, path)
    return path


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return self.relu(x + self.conv2(self.relu(self.bn1(self.conv1(x)))))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2)
        self.layer1 = nn.Sequential(Block(8), Block(8))
        self.layer2 = nn.Sequential(Block(8))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8, 10)

    def forward(self, x):
        return self.fc(self.pool(self.layer2(self.layer1(self.stem(x)))).flatten(1))


@pytest.fixture
def residual():
    torch.manual_seed(6)
    model = Residual().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return model, torch.randn(2, 3, 17, 15)


@pytest.mark.parametrize("kind", ("training", "core", "onnx"))
@pytest.mark.parametrize("device", ("cpu", "virtual-npu"))
def test_every_layer_agrees(residual, kind, device, tmp_path):
    model, x = residual
    values = hooked(model, x)
    if kind == "onnx":  # the exporter folds batch norms into the convolutions before them
        values = {name: value for name, value in values.items() if not name.endswith(("conv1", "bn1"))}
    np.savez_compressed(tmp_path / "out.npz", x=x.numpy(), **values)
    result = compare(tmp_path, write(tmp_path, model, x, kind), "--device", device, "--reference", tmp_path / "out.npz", "--layers", status=0)
    assert result["unmatched"] == []
    assert {layer["name"] for layer in result["layers"]} == set(values) - {"output"}
    assert len(result["outputs"]) == 1
    errors = [layer["error"] for layer in result["layers"]]
    assert max(errors) < (1e-2 if device != "cpu" else 1e-5)
    assert device == "cpu" or max(errors) > 1e-5


@pytest.mark.parametrize("broken", ("stem", "layer1.0.conv1", "layer1.0.bn1", "layer1.1.conv2", "layer2.0.conv1", "fc"))
@pytest.mark.parametrize("device", ("cpu", "virtual-npu"))
def test_a_broken_layer_is_named(residual, broken, device, tmp_path):
    """The file's weights of one layer are not those that the reference was computed with."""
    model, x = residual
    np.savez(tmp_path / "out.npz", x=x.numpy(), **hooked(model, x))
    with torch.no_grad():
        model.get_submodule(broken).weight *= 1.3
    result = compare(tmp_path, write(tmp_path, model, x), "--device", device, "--reference", tmp_path / "out.npz", status=1)
    assert result["first_over"]["name"] == broken
    assert result["first_over"]["path"] == broken


def test_what_the_exporter_folded_is_told(residual, tmp_path):
    model, x = residual
    np.savez(tmp_path / "out.npz", x=x.numpy(), **hooked(model, x))
    result = compare(tmp_path, write(tmp_path, model, x, "onnx"), "--device", "cpu", "--reference", tmp_path / "out.npz", "--layers", status=1)
    assert result["first_over"]["name"] == "layer1.0.conv1"
    assert result["unmatched"] == ["layer1.0.bn1", "layer1.1.bn1", "layer2.0.bn1"]
    assert "folds a batch norm into the convolution" in result["notes"][-1]


def test_values_by_the_names_in_an_onnx_file(residual, tmp_path):
    """The older exporter calls them like paths: /layer1/layer1.0/conv1/Conv_output_0."""
    import onnx
    import onnxruntime

    model, x = residual
    path = write(tmp_path, model, x, "onnx_legacy")
    file = onnx.load(str(path))
    file.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for node in file.graph.node for name in node.output if name not in {output.name for output in file.graph.output})
    session = onnxruntime.InferenceSession(file.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    assert any(name.startswith("/") for name in names)
    values = dict(zip(names, session.run(None, {session.get_inputs()[0].name: x.numpy()})))
    np.savez(tmp_path / "out.npz", **values)
    np.save(tmp_path / "x.npy", x.numpy())
    result = compare(tmp_path, path, "--device", "cpu", "--input", tmp_path / "x.npy", "--reference", tmp_path / "out.npz", "--layers", status=0)
    assert result["unmatched"] == []
    assert len(result["layers"]) + len(result["outputs"]) == len(names)


@pytest.mark.parametrize("name", ("lenet", "resnet34"))
def test_networks_within_tolerance(name, tmp_path):
    model = models.make(name)
    x = torch.from_numpy(models.stream_input())
    values = hooked(model, x)
    np.savez(tmp_path / "out.npz", **values)
    np.save(tmp_path / "x.npy", x.numpy())
    result = compare(tmp_path, write(tmp_path, model, x), "--device", "virtual-npu", "--input", tmp_path / "x.npy", "--reference", tmp_path / "out.npz", "--layers", status=0)
    assert result["unmatched"] == []
    assert result["layers"][0]["error"] > 2e-5, "that is the fp32 result"
    compare(tmp_path, name, "--device", "virtual-npu", "--layers", status=0)


class RmsNorm(nn.Module):
    """Whose squares leave 16 bits."""

    def __init__(self):
        super().__init__()
        self.up = nn.Linear(8, 32)
        self.square = Square()
        self.down = nn.Linear(32, 4)

    def forward(self, x):
        y = 3000 * self.up(x)
        return self.down(y * torch.rsqrt(self.square(y).mean(-1, keepdim=True) + 1e-6))


class Square(nn.Module):
    def forward(self, x):
        return x * x


@pytest.mark.parametrize("with_file", (False, True))
def test_where_an_overflow_begins(with_file, tmp_path):
    torch.manual_seed(6)
    model, x = RmsNorm().eval(), torch.randn(3, 8)
    np.savez(tmp_path / "out.npz", x=x.numpy(), **hooked(model, x))
    np.save(tmp_path / "x.npy", x.numpy())
    options = ("--reference", tmp_path / "out.npz") if with_file else ("--input", tmp_path / "x.npy")
    first = compare(tmp_path, write(tmp_path, model, x), "--device", "virtual-npu", *options, status=1)["first_over"]
    assert first["path"] == "square"
    assert first["device_value"] == 65504 < first["reference_value"]
    assert with_file or first["own"]["error"] > 0.5
