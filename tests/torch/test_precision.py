"""--precision auto: networks of PyTorch's that 16 bits break, run on the virtual NPU with the operators in fp32 that it chooses; the numbers are PyTorch's."""
import re
import subprocess

import numpy as np
import pytest
import torch
from torch import nn

import ropeway
from test_models import export

NPU = ("--device", "virtual-npu")
TOLERANCE = 1e-2


class RmsNorm(nn.Module):
    """Overflows in x²: its activations are in the thousands."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, x):
        x = self.first(x) * 3000
        x = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5)
        return self.last(torch.relu(x))


class Attention(nn.Module):
    """Logits that are large beside their differences."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(64, 64) for _ in range(3))

    def forward(self, x):
        logits = self.q(x) @ self.k(x).transpose(-1, -2) + 3000.0
        return torch.softmax(logits, -1) @ self.v(x)


class Underflow(nn.Module):
    """1e-5 · 1e-5 is 0 in 16 bits."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, x):
        small = torch.tanh(self.first(x)) * 1e-5
        return self.last((small * small) * 1e10)


class RunningSum(nn.Module):
    """A sum that outgrows what is added to it, and then a difference."""

    def forward(self, x):
        total = x + 1000
        for _ in range(20):
            total = total + 0.1 * x
        return total - 1000


def program(*arguments):
    result = subprocess.run([ropeway.PROGRAM, *map(str, arguments)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stderr


@pytest.mark.parametrize("kind", ["core", "training"])
@pytest.mark.parametrize("network", [RmsNorm, Attention, Underflow, RunningSum])
def test_auto(network, kind, tmp_path):
    torch.manual_seed(0)
    model, x = network().eval(), torch.randn(4, 16, 64)
    with torch.no_grad():
        expected = model(x).numpy()
    path = tmp_path / "model.pt2"
    export(model, x, kind, path)
    np.save(tmp_path / "x.npy", x.numpy())

    (half,) = ropeway.run(path, [x.numpy()], *NPU).values()
    assert ropeway.relative_error(half, expected) > TOLERANCE, "16 bits do this model no harm"
    note = program("run", path, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy", *NPU, "--precision", "auto")
    assert ropeway.relative_error(np.load(tmp_path / "y.npy"), expected) <= TOLERANCE, note
    kept, of, before, after = re.search(r"precision auto: (\d+) of (\d+) operators in fp32, which brings the error from (\S+) to (\S+):", note).groups()
    assert float(before) == pytest.approx(ropeway.relative_error(half, expected), rel=0.1)
    assert float(after) <= TOLERANCE
    if network is not RunningSum:
        assert int(kept) < int(of)
    assert "judged by the inputs given" in note

    # Without inputs, by those that the file was exported with: the same choice.
    again = program("run", path, *NPU, "--precision", "auto")
    assert again.replace("the inputs that it was exported with", "the inputs given") == note
