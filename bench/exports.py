"""The files from which each engine reads a model, made once and kept: PREFIX.pt2, .onnx, .xml (OpenVINO's), .ncnn.param and .fp16.ncnn.param, with its input and PyTorch's output.

In a process of its own, so that nothing of it is in memory when something is measured:    exports.py MODEL PREFIX
MODEL is a name of bench/networks.py, or a .pt2 file with one input and one output.
"""
import logging
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
import networks  # noqa: E402


def module_and_input(model):
    if model in networks.NAMES:
        return networks.make(model)
    program = torch.export.load(model)
    values, named = program.example_inputs
    if len(values) != 1 or named or not isinstance(program.module()(*values), torch.Tensor):
        sys.exit(f"{model}: compare.py takes models with one input and one output, exported with the input")
    return program.module(), values[0]


def split_attention(self, x):
    """models.FusedAttention without the tensor of 5 dimensions, which ncnn does not have."""
    batch, tokens, width = x.shape
    q, k, v = (part.reshape(batch, tokens, self.heads, width // self.heads).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
    x = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    return self.proj(x.transpose(1, 2).reshape(batch, tokens, width))


def ncnn_files(script, x, prefix):
    shape = "[" + ",".join(map(str, x.shape)) + "]"
    for fp16, target in ((0, ".ncnn"), (1, ".fp16.ncnn")):
        subprocess.run([Path(sys.executable).parent / "pnnx", script, f"inputshape={shape}", f"fp16={fp16}", f"ncnnparam={prefix}{target}.param", f"ncnnbin={prefix}{target}.bin"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def export(model, prefix):
    """Files PREFIX.*; the last one, PREFIX.output.npy, says that all are there."""
    import openvino
    logging.disable(logging.WARNING)  # torchvision is missing, as often as it has operators
    module, x = module_and_input(model)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = module(x)
        torch.export.save(torch.export.export(module, (x,)), f"{prefix}.pt2")
        torch.onnx.export(module, (x,), f"{prefix}.onnx", verbose=False)
        openvino.save_model(openvino.convert_model(f"{prefix}.onnx"), f"{prefix}.xml", compress_to_fp16=False)
        # pnnx leaves further files beside its input.
        script = Path(f"{prefix}.pnnx") / "model.pt"
        script.parent.mkdir(exist_ok=True)
        networks.models.FusedAttention.forward = split_attention
        torch.jit.trace(module, x, check_trace=False).save(str(script))
        try:
            ncnn_files(script, x, prefix)
        finally:
            for left in script.parent.iterdir():
                left.unlink()
            script.parent.rmdir()
    np.save(f"{prefix}.input.npy", x.numpy())
    x.numpy().tofile(f"{prefix}.input.bin")
    np.save(f"{prefix}.output.npy", expected.numpy())


if __name__ == "__main__":
    export(*sys.argv[1:])
