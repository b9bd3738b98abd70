#!/usr/bin/env python3
"""From an nn.Module to Ropeway's table and numbers: needs torch and numpy, and the program in the path or in build/release."""
import os
import subprocess

import numpy as np
import torch
from torch import nn

os.environ["PATH"] += os.pathsep + os.path.join(os.path.dirname(__file__), "..", "build", "release")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2))
        self.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(32, 10))

    def forward(self, x):
        return self.classifier(self.features(x))


model, x = Net().eval(), torch.randn(1, 3, 64, 64)
torch.export.save(torch.export.export(model, (x,)), "net.pt2")
np.save("x.npy", x.numpy())

subprocess.run(["ropeway", "bench", "net.pt2", "--by", "module"], check=True)
subprocess.run(["ropeway", "run", "net.pt2", "--input", "x.npy", "--output", "y.npy"], check=True)
with torch.no_grad():
    print("largest difference from PyTorch:", np.abs(np.load("y.npy") - model(x).numpy()).max())
