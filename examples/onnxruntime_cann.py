#!/usr/bin/env python3
"""An ONNX model through onnxruntime-cann, on whichever CANN this shell has, beside its CPU provider: needs onnxruntime-cann, and numpy below 2.

    source build/release/virtual-cann/set_env.sh && python examples/onnxruntime_cann.py model.onnx
"""
import sys

import numpy as np
import onnxruntime

NPU = ("CANNExecutionProvider", {"dump_om_model": "0"})  # else every model that it compiles stays in the current folder
CPU = "CPUExecutionProvider"

npu = onnxruntime.InferenceSession(sys.argv[1], providers=[NPU, CPU])
cpu = onnxruntime.InferenceSession(sys.argv[1], providers=[CPU])
print("providers:", *npu.get_providers())
random = np.random.default_rng(0)
sizes = {each.name: [size if isinstance(size, int) else 1 for size in each.shape] for each in npu.get_inputs()}
inputs = {name: random.standard_normal(shape).astype(np.float32) for name, shape in sizes.items()}
for port, actual, expected in zip(npu.get_outputs(), npu.run(None, inputs), cpu.run(None, inputs)):
    print(f"{port.name}: largest error {np.abs(actual - expected).max() / np.abs(expected).max():.1e} of the largest value")
