"""Runs the program on what PyTorch exports, and compares."""
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch.utils._pytree import tree_flatten

PROGRAM = os.environ.get("ROPEWAY_PROGRAM", str(Path(__file__).resolve().parents[2] / "build" / "dev" / "ropeway"))


def command(*arguments):
    """Standard output; AssertionError with what the program says when it fails."""
    result = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)
    assert result.returncode == 0, f"exit status {result.returncode}: {result.stderr}"
    return result.stdout


def run(model, inputs, *options):
    """The model's outputs, by name, in its order. `inputs`: arrays, by position."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = []
        for i, value in enumerate(inputs):
            np.save(f"{folder}/in{i}.npy", value)
            arguments += ["--input", f"{folder}/in{i}.npy"]
        out = Path(folder) / "out"
        out.mkdir()
        lines = command("run", model, *arguments, "--output-dir", out, *options).splitlines()
        names = [line.split(":")[0] for line in lines if ": " in line and not line.startswith(("no --input", "split:"))]
        return {name: np.load(out / f"{name}.npy") for name in names}


def arrays(values):
    return [value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value) for value in tree_flatten(values)[0]]


def relative_error(actual, expected):
    """Largest error over largest value. What is not finite must be the same."""
    assert actual.shape == expected.shape and actual.dtype == expected.dtype, f"{actual.dtype}{actual.shape} where {expected.dtype}{expected.shape} belongs"
    finite = np.isfinite(expected)
    assert np.array_equal(actual[~finite], expected[~finite], equal_nan=expected.dtype.kind == "f")
    if not finite.any():
        return 0.0
    difference = np.abs(actual[finite].astype(np.float64) - expected[finite].astype(np.float64)).max()
    return float(difference / max(np.abs(expected[finite].astype(np.float64)).max(), 1e-30))


def compare(model, inputs, outputs, tolerance, *options):
    results = run(model, arrays(inputs), *options)
    expected = arrays(outputs)
    assert len(results) == len(expected)
    for (name, actual), wanted in zip(results.items(), expected):
        error = relative_error(actual, wanted)
        assert error <= tolerance, f"{name}: an error of {error:.2g} of the largest value"
