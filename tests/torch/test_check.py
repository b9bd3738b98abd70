"""`ropeway check` on what PyTorch exports: verdicts, fallback, float64, precision, exit statuses."""
import json
import subprocess
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ropeway


class Unpooling(nn.Module):
    """Convolutions around a pool whose indices are used."""

    def __init__(self):
        super().__init__()
        self.encode = nn.Conv2d(16, 64, 3, padding=1)
        self.pool = nn.MaxPool2d(2, return_indices=True)
        self.unpool = nn.MaxUnpool2d(2)
        self.decode = nn.Conv2d(64, 64, 3, padding=1)

    def forward(self, x):
        values, indices = self.pool(self.encode(x).relu())
        return self.decode(self.unpool(values, indices))


class Squares(nn.Module):
    """x² beyond what 16 bits hold, in the middle."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(32, 32)

    def forward(self, x):
        y = self.first(x)
        return y / (y * y).mean(-1, keepdim=True).sqrt()


class MonteCarlo(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.drop, self.last = nn.Linear(32, 64), nn.Dropout(0.25), nn.Linear(64, 4)

    def forward(self, x):
        return self.last(self.drop(self.first(x).relu()))


def export(module, inputs, path, train=False):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module.train(train), inputs), str(path))
    return path


def check(model, tmp_path, *options):
    """Exit status, table, JSON."""
    report = tmp_path / "check.json"
    result = subprocess.run([ropeway.PROGRAM, "check", str(model), "--json", str(report), *options], capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr, json.loads(report.read_text())


def verdicts(report, kind):
    return {each["verdict"] for each in report["operators"] if each["operator"] == kind}


def test_a_pool_whose_indices_are_used_falls_back(tmp_path):
    model = export(Unpooling(), (torch.randn(1, 16, 64, 64),), tmp_path / "m.pt2")
    status, text, report = check(model, tmp_path)
    assert status == 2, text
    assert "a fallback to the CPU" in report["reservations"]  # 16 bits may move a maximum, too
    on_cpu = [each for each in report["operators"] if each["verdict"] == "on the CPU"]
    assert any(each["origin"].startswith("pool") and "indices of a maximum pool" in each["why"] for each in on_cpu), on_cpu
    assert verdicts(report, "Conv2d") == {"native"}
    devices = [each["device"] for each in report["segments"]]
    assert devices.count("Ascend310B1") == 2 and "cpu" in devices
    assert all(each["reads"] and each["leaves"] for each in report["segments"] if each["device"] == "Ascend310B1")


def test_plain_models_run_as_they_are(tmp_path):
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d((3, 4)), nn.Dropout(), nn.Flatten(), nn.Linear(96, 5))
    model = export(module, (torch.randn(1, 3, 20, 18),), tmp_path / "m.pt2")
    status, text, report = check(model, tmp_path, "--cann", "7.0.RC1", "--soc", "Ascend310B4")
    assert status == 0, text
    assert verdicts(report, "MaxPool2d") == {"native"} and verdicts(report, "AdaptiveAvgPool2d") == {"rewritten"}
    assert {each["becomes"] for each in report["operators"] if each["verdict"] == "rewritten"} >= {"nothing", "part of the convolution before it"}
    assert "article, unverified" in text and "Ascend310B4, CANN 7.0.RC1" in text
    assert report["accuracy"]["samples"] == "the inputs that it was exported with"


def test_float64_is_told_and_no_reservation(tmp_path):
    module = nn.Sequential(nn.Linear(8, 4), nn.ReLU()).double()
    model = export(module, (torch.randn(2, 8, dtype=torch.float64),), tmp_path / "m.pt2")
    status, text, report = check(model, tmp_path)
    assert status == 0, text
    assert any(each.startswith("float64 is not supported by Ascend310B1: ") and "0.weight" in each for each in report["notes"]), report["notes"]


def test_float64_beyond_float32_is_a_finding(tmp_path):
    module = nn.Sequential(nn.Linear(8, 4)).double()
    with torch.no_grad():
        module[0].bias[2] = 1e300
    model = export(module, (torch.randn(2, 8, dtype=torch.float64),), tmp_path / "m.pt2")
    status, text, report = check(model, tmp_path)
    assert status == 2, text
    assert "a precision finding" in report["reservations"]
    assert any("0.bias" in each for each in report["findings"]), report["findings"]


def test_overflow_is_a_finding_until_it_is_kept(tmp_path):
    torch.manual_seed(3)
    model = export(Squares(), (3000 * torch.randn(4, 32),), tmp_path / "m.pt2")
    status, text, report = check(model, tmp_path)
    assert status == 2, text
    assert report["reservations"] == ["a precision finding"]
    assert any("too large for 16 bits" in each["finding"] for each in report["accuracy"]["operators"])
    kept = report["accuracy"]["keep_fp32"]
    assert kept and report["accuracy"]["error_kept"] < 1e-2
    assert "--precision auto" in text
    status, text, report = check(model, tmp_path, "--precision", "auto")
    assert status == 0, text
    assert report["accuracy"]["kept"] and report["accuracy"]["error"] < 1e-2
    status, text, report = check(model, tmp_path, "--range", "-1,1")
    assert status == 0, text
    assert report["accuracy"]["samples"] == "generated inputs in [-1, 1)"


def test_dropout_in_training_mode_is_rewritten(tmp_path):
    model = export(MonteCarlo(), (torch.randn(2, 32),), tmp_path / "m.pt2", train=True)
    status, text, report = check(model, tmp_path)
    assert status == 0, text
    drops = [each for each in report["operators"] if "drop" in each["origin"]]
    assert [(each["verdict"], each["becomes"]) for each in drops] == [("rewritten", "Mul")] and "mask = (rand > p)" in drops[0]["why"]


def test_what_cannot_run_is_named(tmp_path):
    class Spectrum(nn.Module):
        def forward(self, x):
            return torch.fft.rfft(x).abs()

    model = export(Spectrum(), (torch.randn(2, 32),), tmp_path / "m.pt2")
    status, text, report = check(model, tmp_path)
    assert status == 3
    assert "fft_rfft" in text and report["runs"] is False and "fft_rfft" in report["why"]


@pytest.mark.parametrize("options, part", [(("--range", "1,1"), "--range 1,1 is empty"), (("--input", "missing.npy"), "missing.npy"), (("--precision", "int8"), "int8")])
def test_wrong_arguments(options, part, tmp_path):
    model = export(nn.Linear(3, 2), (torch.randn(1, 3),), tmp_path / "m.pt2")
    result = subprocess.run([ropeway.PROGRAM, "check", str(model), *options], capture_output=True, text=True)
    assert result.returncode in (5, 6) and part in result.stderr
