"""Writes networks of tests/torch/models.py as PyTorch exports them at opset 17. Runs in .venv, which has PyTorch.

    export_models.py FOLDER NAME...
"""
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "torch"))
import models  # noqa: E402
import torch  # noqa: E402

folder, *names = sys.argv[1:]
warnings.simplefilter("ignore")
for name in names:
    x = torch.from_numpy(models.stream_input())
    torch.onnx.export(models.make(name), (x,), f"{folder}/{name}.onnx", dynamo=False, opset_version=17)
