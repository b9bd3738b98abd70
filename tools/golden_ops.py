"""What real PyTorch computes for tests/cases/*.txt, kept in tests/golden/ops/*.txt.

    python tools/golden_ops.py            write the golden files
    python tools/golden_ops.py --check    compare them with this PyTorch's results; exit status 1 when one differs

A golden file is itself in the text form of a graph (src/ir/text.h): a constant <case>/<output> for every output of every case.
Cases in f32 are computed in f64 and rounded once at the end, so that a golden number is right to the last bit or nearly so.
"""
import argparse
import math
import pathlib
import re
import sys

import numpy as np
import torch
import torch.nn.functional as F

from random_stream import random_uniform

ROOT = pathlib.Path(__file__).resolve().parent.parent
DTYPES = {"f32": torch.float32, "f64": torch.float64, "f16": torch.float16, "bf16": torch.bfloat16, "i8": torch.int8, "i16": torch.int16, "i32": torch.int32,
          "i64": torch.int64, "u8": torch.uint8, "u16": torch.uint16, "u32": torch.uint32, "u64": torch.uint64, "bool": torch.bool}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def uniform(dtype, shape, name, scale):
    """uniform_tensor of src/ir/text.h."""
    numbers = torch.from_numpy(random_uniform(name, math.prod(shape)) * np.float32(scale)).reshape(shape)
    if dtype == torch.bool:
        return numbers > 0
    if dtype in (torch.uint8, torch.uint16, torch.uint32, torch.uint64):
        numbers = numbers.abs()
    return numbers.to(dtype)


def case_input(dtype, shape, name):
    """case_input of tests/support/cases.h."""
    return uniform(dtype, shape, name, 1 if dtype == torch.bool else 2 if dtype.is_floating_point else 9)


# ---- the text form -----------------------------------------------------------------------------------------------------------------------------

def parse_value(text):
    if text.startswith("["):
        return [parse_value(each) for each in re.split(r",\s*", text[1:-1]) if each]
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def parse_type(text):
    dtype, shape = re.fullmatch(r"(\w+)\[([\d,]*)\]", text.strip()).groups()
    return DTYPES[dtype], [int(size) for size in shape.split(",") if size]


def parse_constant(dtype, shape, text):
    kind = re.fullmatch(r"(fill|uniform)\((.*)\)", text)
    if kind is None:
        values = parse_value(text)
        if dtype == torch.uint64:
            return torch.from_numpy(np.array(values, dtype=np.uint64)).reshape(shape)
        return torch.tensor(values, dtype=dtype).reshape(shape)
    if kind[1] == "fill":
        return torch.full(shape, parse_value(kind[2]), dtype=dtype)
    name, *scale = kind[2].split(",")
    return uniform(dtype, shape, name, float(scale[0]) if scale else 1)


def cases(path):
    """(name, lines) of every case of a file."""
    for block in re.split(r"^graph ", path.read_text(), flags=re.MULTILINE)[1:]:
        name, *lines = block.splitlines()
        yield name.strip(), [line for line in lines if line.strip() and not line.startswith("#")]


# ---- the operators -----------------------------------------------------------------------------------------------------------------------------

def split_pads(pads):
    """F.pad's list: last dimension first, begin and end of each."""
    n = len(pads) // 2
    return [pad for d in reversed(range(n)) for pad in (pads[d], pads[n + d])]


def conv(x, w, b=None, *, strides, pads, dilations, group=1):
    n = x.dim() - 2
    return [F.conv1d, F.conv2d, F.conv3d][n - 1](F.pad(x, split_pads(pads)), w, b, strides, 0, dilations, group)


def max_pool(x, *, kernel_shape, strides, pads, dilations, ceil_mode=False):
    n = x.dim() - 2
    symmetric = pads[:n] == pads[n:]
    if not symmetric:
        assert not ceil_mode
        x = F.pad(x, split_pads(pads), value=-math.inf)
    return [F.max_pool1d, F.max_pool2d, F.max_pool3d][n - 1](x, kernel_shape, strides, pads[:n] if symmetric else 0, dilations, ceil_mode)


def max_pool_indices(x, *, kernel_shape, strides, pads, dilations, ceil_mode=False):
    n = x.dim() - 2
    assert pads[:n] == pads[n:]
    return [F.max_pool1d, F.max_pool2d, F.max_pool3d][n - 1](x, kernel_shape, strides, pads[:n], dilations, ceil_mode, return_indices=True)[1]


def conv_transpose(x, w, b=None, *, strides, pads, dilations, output_padding, group=1):
    n = x.dim() - 2
    assert pads[:n] == pads[n:]
    return [F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d][n - 1](x, w, b, strides, pads[:n], output_padding, group, dilations)


def average_pool(x, *, kernel_shape, strides, pads, dilations, ceil_mode=False, count_include_pad=False, divisor=0):
    n = x.dim() - 2
    assert all(dilation == 1 for dilation in dilations)
    pool = [F.avg_pool1d, F.avg_pool2d, F.avg_pool3d][n - 1]
    override = {"divisor_override": divisor} if divisor else {}
    if pads[:n] == pads[n:]:
        return pool(x, kernel_shape, strides, pads[:n], ceil_mode, count_include_pad, **override)
    assert not ceil_mode and not divisor
    mean = pool(F.pad(x, split_pads(pads)), kernel_shape, strides)
    return mean if count_include_pad else mean / pool(F.pad(torch.ones_like(x), split_pads(pads)), kernel_shape, strides)


def gemm(a, b, c=None, *, alpha=1, beta=1, transA=False, transB=False):
    a, b = a.T if transA else a, b.T if transB else b
    return torch.addmm(torch.zeros((), dtype=a.dtype) if c is None else c, a, b, alpha=alpha, beta=beta if c is not None else 0)


def layer_norm(x, scale=None, b=None, *, axis, epsilon):
    return F.layer_norm(x, x.shape[axis:], scale, b, epsilon)


UNARY = {
    "relu": lambda x, a, b: torch.relu(x), "leaky_relu": lambda x, a, b: F.leaky_relu(x, a), "elu": lambda x, a, b: F.elu(x, a),
    "clip": lambda x, a, b: torch.clamp(x, a, b) if x.is_floating_point() else torch.clamp(x.double(), a, b).to(x.dtype),
    "hard_sigmoid": lambda x, a, b: F.hardsigmoid(x), "hard_swish": lambda x, a, b: F.hardswish(x),
    "silu": lambda x, a, b: F.silu(x) if a == 1 else x * torch.sigmoid(a * x), "gelu": lambda x, a, b: F.gelu(x),
    "gelu_tanh": lambda x, a, b: F.gelu(x, approximate="tanh"), "softplus": lambda x, a, b: F.softplus(x), "mish": lambda x, a, b: F.mish(x),
    "is_nan": lambda x, a, b: torch.isnan(x),
}
BINARY = {"min": torch.minimum, "max": torch.maximum, "mod": torch.remainder, "less": torch.lt, "less_or_equal": torch.le, "greater": torch.gt,
          "greater_or_equal": torch.ge, "equal": torch.eq, "prelu": lambda a, b: torch.where(a < 0, a * b, a),
          "div": lambda a, b: a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")}
REDUCE = {"mean": torch.mean, "max": torch.amax, "min": torch.amin}


def unary(x, *, function, alpha=0, beta=0):
    return UNARY[function](x, alpha, beta) if function in UNARY else getattr(torch, function)(x)


def binary(a, b, *, function):
    return BINARY[function](a, b) if function in BINARY else getattr(torch, function)(a, b)


def reduce(x, *, function, axes, keepdims=True):
    if function == "sum":
        return torch.sum(x, axes, keepdim=keepdims, dtype=x.dtype)
    if function == "prod":
        for axis in reversed(axes):
            x = torch.prod(x, axis, keepdim=keepdims, dtype=x.dtype)
        return x
    if x.dtype == torch.uint64:  # torch has no maximum of these
        return torch.from_numpy({"max": np.max, "min": np.min}[function](x.numpy(), axis=tuple(axes), keepdims=keepdims))
    return REDUCE[function](x, axes, keepdim=keepdims)


def slice_(x, *, starts, ends, steps):
    for d, (start, end, step) in enumerate(zip(starts, ends, steps)):
        x = x.index_select(d, torch.arange(start, end, step))
    return x


def pad(x, *, mode="constant", pads, value=0):
    if mode == "constant":
        return F.pad(x, split_pads(pads), value=bool(value) if x.dtype == torch.bool else value)
    spatial = split_pads(pads)[:2 * (x.dim() - 2)]
    return F.pad(x, spatial, mode={"reflect": "reflect", "edge": "replicate", "wrap": "circular"}[mode])


def gather(x, i, *, axis):
    return x[(slice(None),) * axis + (i.long(),)]


def gather_nd(x, i, *, batch_dims=0):
    batch = torch.meshgrid(*[torch.arange(size) for size in x.shape[:batch_dims]], indexing="ij") if batch_dims else ()
    batch = tuple(each.reshape(each.shape + (1,) * (i.dim() - 1 - batch_dims)) for each in batch)
    return x[batch + tuple(i.unbind(-1))]


def gather_elements(x, i, *, axis):
    return torch.gather(x, axis, i.long() % x.shape[axis])


def scatter_elements(x, i, u, *, axis, reduction):
    return x.scatter_add(axis, i, u) if reduction == "add" else x.scatter(axis, i, u)


def arg(function, x, *, axis, keepdims):
    return function(x, axis, keepdim=keepdims)


def top_k(x, *, axis, k, largest):
    # torch.topk leaves open which of equal elements comes first; a stable sort does not.
    values, indices = torch.sort(x, dim=axis, descending=largest, stable=True)
    return values.narrow(axis, 0, k), indices.narrow(axis, 0, k)


def cumulative_sum(x, *, axis, exclusive, reverse):
    x = x.flip(axis) if reverse else x
    y = x.cumsum(axis) - x if exclusive else x.cumsum(axis)
    return y.flip(axis) if reverse else y


def resize(x, *, mode, output_size, scale_h, scale_w, align_corners):
    scales = scale_h or None, scale_w or None
    if mode == "nearest":
        return torch.ops.aten.upsample_nearest2d(x, output_size, *scales)
    return torch.ops.aten.upsample_bilinear2d(x, output_size, align_corners, *scales)


OPERATORS = {
    "Conv": conv, "MaxPool": max_pool, "AveragePool": average_pool, "Gemm": gemm, "MatMul": torch.matmul, "LayerNormalization": layer_norm,
    "AdaptiveAveragePool": lambda x, output_size: [F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d][x.dim() - 3](x, output_size),
    "BatchNormalization": lambda x, scale, b, mean, var, epsilon: F.batch_norm(x, mean, var, scale, b, False, 0, epsilon),
    "ScaledDotProductAttention": lambda q, k, v, mask=None, scale=1, is_causal=False: F.scaled_dot_product_attention(q, k, v, mask, 0, is_causal, scale=scale),
    "Softmax": lambda x, axis: torch.softmax(x, axis), "LogSoftmax": lambda x, axis: torch.log_softmax(x, axis),
    "Unary": unary, "Binary": binary, "Where": torch.where, "Reduce": reduce, "Cast": lambda x, to: x.to(DTYPES[to]), "Identity": lambda x: x,
    "Dropout": lambda x, ratio, training_mode=False: F.dropout(x, ratio, training_mode), "Reshape": lambda x, shape: x.reshape(shape),
    "Expand": lambda x, shape: x.expand(shape), "Transpose": lambda x, perm: x.permute(perm), "Concat": lambda *x, axis: torch.cat(x, axis),
    "Split": lambda x, axis, split: torch.split(x, split, axis), "Slice": slice_, "Pad": pad, "Gather": gather, "GatherND": gather_nd,
    "MaxPoolIndices": max_pool_indices, "ConvTranspose": conv_transpose, "GatherElements": gather_elements, "ScatterElements": scatter_elements,
    "ArgMax": lambda x, **p: arg(torch.argmax, x, **p), "ArgMin": lambda x, **p: arg(torch.argmin, x, **p), "TopK": top_k, "CumSum": cumulative_sum, "Resize": resize,
}


def run_case(lines):
    """(name, tensor) of every output."""
    values, narrow = {"_": None}, {}

    def define(name, tensor):
        narrow[name] = tensor.dtype
        values[name] = tensor

    for line in lines:
        if match := re.fullmatch(r"input %(\S+): (\S+)", line):
            define(match[1], case_input(*parse_type(match[2]), match[1]))
        elif match := re.fullmatch(r"const %(\S+): (\S+) = (.*)", line):
            define(match[1], parse_constant(*parse_type(match[2]), match[3]))
        elif match := re.fullmatch(r"output %(\S+)", line):
            yield match[1], values[match[1]].to(narrow[match[1]])
        else:
            outputs, op, inputs, params = re.fullmatch(r"(.*?) = (\w+)\((.*?)\)(.*)", line).groups()
            arguments = [values[each.lstrip("%")] for each in re.split(r",\s*", inputs)]
            names = [each.lstrip("%") for each in re.split(r",\s*", outputs)]
            params = {key: parse_value(value) for key, value in re.findall(r"(\w+)=(\[.*?\]|\S+)", params)}
            # Computed in f64, remembered as f32. Cast alone is about the dtype itself.
            f32 = op != "Cast" and any(each is not None and narrow[name.lstrip("%")] == torch.float32 for name, each in zip(re.split(r",\s*", inputs), arguments))
            if f32:
                arguments = [each.double() if each is not None and each.dtype == torch.float32 else each for each in arguments]
            results = OPERATORS[op](*arguments, **params)
            for name, result in zip(names, results if isinstance(results, tuple) else (results,)):
                # Each node's result is rounded, as a backend that keeps tensors in f32 does.
                define(name, result.float() if f32 and result.dtype == torch.float64 else result)


# ---- golden files ------------------------------------------------------------------------------------------------------------------------------

def number_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if math.isinf(value) or math.isnan(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return repr(value)[:-2] if repr(value).endswith(".0") else repr(value)


def element_texts(tensor):
    if tensor.dtype == torch.float32:
        # Shortest decimal that reads back as the same f32.
        return [number_text(float(value)) if math.isinf(value) or math.isnan(value) else np.format_float_positional(value, unique=True, trim="-")
                if 1e-4 <= abs(value) < 1e7 or value == 0 else np.format_float_scientific(value, unique=True, trim="-") for value in tensor.flatten().numpy()]
    return [number_text(value) for value in tensor.flatten().tolist()]


def golden_text(path):
    lines = [f"# Written by tools/golden_ops.py with PyTorch {torch.__version__.split('+')[0]}: outputs of tests/cases/{path.name}.", f"graph {path.stem}"]
    for name, case in cases(path):
        for output, tensor in run_case(case):
            shape = ",".join(str(size) for size in tensor.shape)
            lines.append(f"const %{name}/{output}: {NAMES[tensor.dtype]}[{shape}] = [{', '.join(element_texts(tensor.contiguous()))}]")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    differing = []
    for path in sorted((ROOT / "tests/cases").glob("*.txt")):
        golden = ROOT / "tests/golden/ops" / path.name
        text = golden_text(path)
        if check and (not golden.exists() or golden.read_text() != text):
            differing.append(path.name)
        elif not check:
            golden.parent.mkdir(parents=True, exist_ok=True)
            golden.write_text(text)
    if differing:
        sys.exit(f"golden numbers differ: {', '.join(differing)}")


if __name__ == "__main__":
    main()
