"""The networks that are measured: those of tests/torch/models.py, by name, with an input, 224×224.

    module, x = make("mobilenet_v2")      # evaluation mode, seeded random weights; the article's three have the weights of Ropeway's built-in models
"""
import sys
from pathlib import Path

NAMES = ("alexnet", "lenet", "resnet34", "vgg16", "resnet50", "mobilenet_v2", "vit_tiny")  # compare.py reads them, where torch may be missing

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "torch"))


def make(name):
    import models
    import torch
    x = torch.from_numpy(models.stream_input(1))
    if name in models.BUILTIN:
        return models.make_builtin(name), x
    return models.make("vit" if name == "vit_tiny" else name), x
