#!/usr/bin/env python3
"""Writes tests/golden/builtin/*.npy: what PyTorch gives for the built-in models, batch 1, with the input of the stream "input".

The weights and the input come from tools/random_stream.py, so the files hold outputs alone. Needs torch and numpy (requirements-test.txt).
"""
import sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "torch"))
import models  # noqa: E402

folder = ROOT / "tests" / "golden" / "builtin"
folder.mkdir(parents=True, exist_ok=True)
torch.set_num_threads(2)
for name in models.BUILTIN:
    with torch.no_grad():
        # In float64: the rounding of one machine's float32 kernels is not worth a golden file.
        output = models.make_builtin(name).double()(torch.from_numpy(models.stream_input()).double())
    np.save(folder / f"{name}.npy", output.float().numpy())
    print(f"{name}: {tuple(output.shape)}, largest value {output.abs().max():.4g}")
