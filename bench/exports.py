"""The files from which each engine reads a model, made once and kept: PREFIX.pt2, .onnx, .xml (OpenVINO's), .ncnn.param and .fp16.ncnn.param, with its input and PyTorch's output.
Where a converter cannot take a model, PREFIX.onnx.failed and so on say why; the engine is skipped. Called again, it tries these alone.

In a process of its own, so that nothing of it is in memory when something is measured:    exports.py MODEL PREFIX
MODEL is a name of bench/networks.py, or a .pt2 file with one input and one output.
"""
import logging
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
import networks  # noqa: E402
import models  # noqa: E402, networks says where they are


def first_line(error):
    return (re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip() or "no reason given").splitlines()[0]  # without colours


def module_and_input(model):
    if model in networks.NAMES:
        return networks.make(model)
    try:
        program = torch.export.load(model)
    except Exception as error:  # of any kind: it depends on what the file is instead
        sys.exit(f"{model} is not a .pt2 file that PyTorch {torch.__version__} can read; torch.export.save writes one: {first_line(error)}")
    values, named = program.example_inputs or ((), {})
    if len(values) != 1 or named or not isinstance(program.module()(*values), torch.Tensor):
        sys.exit(f"{model}: compare.py takes models with one input and one output, exported with the input")
    return program.module(), values[0]


def split_attention(self, x):
    """models.FusedAttention without the tensor of 5 dimensions, which ncnn does not have."""
    batch, tokens, width = x.shape
    q, k, v = (part.reshape(batch, tokens, self.heads, width // self.heads).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
    x = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    return self.proj(x.transpose(1, 2).reshape(batch, tokens, width))


def ncnn_files(module, x, prefix):
    models.FusedAttention.forward = split_attention
    shape = "[" + ",".join(map(str, x.shape)) + "]"
    with tempfile.TemporaryDirectory(dir=Path(prefix).parent) as scratch:  # pnnx leaves further files beside its input
        script = Path(scratch) / "model.pt"
        torch.jit.trace(module, x, check_trace=False).save(str(script))
        for fp16, target in ((0, "ncnn"), (1, "fp16.ncnn")):
            command = [sys.executable, Path(sys.executable).parent / "pnnx", script, f"inputshape={shape}", f"fp16={fp16}"]
            done = subprocess.run(command + [f"ncnnparam={prefix}.{target}.param", f"ncnnbin={prefix}.{target}.bin"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if done.returncode or not Path(f"{prefix}.{target}.param").exists():
                raise RuntimeError(f"pnnx ended with status {done.returncode}")


def onnx_files(module, x, prefix):
    torch.onnx.export(module, (x,), f"{prefix}.onnx", verbose=False)


def openvino_files(module, x, prefix):
    import openvino
    if Path(f"{prefix}.onnx.failed").exists():
        raise RuntimeError("it reads the ONNX file, which could not be made")
    openvino.save_model(openvino.convert_model(f"{prefix}.onnx"), f"{prefix}.xml", compress_to_fp16=False)


def convert(module, x, prefix, again):
    """What other engines read. `again`: only what failed before."""
    for kind, make in (("onnx", onnx_files), ("xml", openvino_files), ("ncnn", ncnn_files)):  # the last one changes a module's function
        failed = Path(f"{prefix}.{kind}.failed")
        if again and not failed.exists():
            continue
        failed.unlink(missing_ok=True)
        try:
            make(module, x, prefix)
        except Exception as error:  # a converter's, of any kind
            failed.write_text(f"the .{kind} file could not be made: {type(error).__name__}: {first_line(error)}")


def export(model, prefix):
    """Files PREFIX.*; the last one, PREFIX.output.npy, says that all are there but for those that failed."""
    logging.disable(logging.WARNING)  # torchvision is missing, as often as it has operators
    module, x = module_and_input(model)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if Path(f"{prefix}.output.npy").exists():
            convert(module, x, prefix, again=True)
            return
        expected = module(x)
        torch.export.save(torch.export.export(module, (x,)), f"{prefix}.pt2")
        convert(module, x, prefix, again=False)
    np.save(f"{prefix}.input.npy", x.numpy())
    x.numpy().tofile(f"{prefix}.input.bin")
    np.save(f"{prefix}.output.npy", expected.numpy())


if __name__ == "__main__":
    export(*sys.argv[1:])
