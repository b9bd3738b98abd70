"""Single ONNX operators on random shapes, against PyTorch: made with the onnx package as other tools write them, and as torch.onnx exports them."""
import random
import warnings

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import ropeway
from test_operators import Function

TYPES = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int64): TensorProto.INT64}
ROUNDS = 4


def save(path, op, inputs, weights, outputs, opset=18, **attributes):
    """A model of one node: inputs, then constants (None: left out)."""
    names = [f"x{i}" for i in range(len(inputs))]
    constants = [f"c{i}" if value is not None else "" for i, value in enumerate(weights)]
    operands = constants if op == "If" else names + constants  # an If's branches read what is outside
    node = helper.make_node(op, operands, [f"y{i}" for i in range(outputs)], name=op, **attributes)
    graph = helper.make_graph(
        [node], "one", [helper.make_tensor_value_info(name, TYPES[x.dtype], x.shape) for name, x in zip(names, inputs)],
        [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in node.output],
        [numpy_helper.from_array(value, name) for name, value in zip(constants, weights) if value is not None])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9), path)


class Case:
    """Random numbers of one round."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.numbers = np.random.default_rng(seed)

    def size(self, low=1, high=6):
        return self.random.randint(low, high)

    def tensor(self, *shape):
        return self.numbers.standard_normal(shape).astype(np.float32)


def conv_transpose(case):
    group, stride = case.size(1, 2), case.size(1, 3)
    x, w = case.tensor(case.size(1, 2), 2 * group, case.size(), case.size()), case.tensor(2 * group, case.size(1, 3), case.size(2, 4), 3)
    more = case.size(0, stride - 1)
    expected = F.conv_transpose2d(torch.from_numpy(x), torch.from_numpy(w), None, stride, 1, more, group)
    return dict(op="ConvTranspose", inputs=[x], weights=[w], strides=[stride] * 2, pads=[1] * 4, output_padding=[more] * 2, group=group), [expected]


def max_pool(case):
    kernel, stride = case.size(2, 3), case.size(1, 3)
    x = case.tensor(2, 3, case.size(4, 9), case.size(4, 9))
    values, indices = F.max_pool2d(torch.from_numpy(x), kernel, stride, 1, return_indices=True)
    plane = x.shape[2] * x.shape[3]
    offsets = torch.arange(6).reshape(2, 3, 1, 1) * plane
    return dict(op="MaxPool", inputs=[x], weights=[], outputs=2, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[1] * 4), [values, indices + offsets]


def max_unpool(case):
    x = case.tensor(2, 3, 2 * case.size(2, 5), 2 * case.size(2, 5))
    values, indices = F.max_pool2d(torch.from_numpy(x), 2, return_indices=True)
    offsets = torch.arange(6).reshape(2, 3, 1, 1) * x.shape[2] * x.shape[3]
    return dict(op="MaxUnpool", inputs=[values.numpy(), (indices + offsets).numpy()], weights=[], kernel_shape=[2, 2], strides=[2, 2]), [F.max_unpool2d(values, indices, 2)]


def einsum(case):
    equation = case.random.choice(["bij,bjk->bik", "bij,bjk->kb", "bij,bkj->ikb", "bij,bjk", "...ij,...jk->...ki", "bij,bjk->"])
    b, i, j, k = (case.size(2, 5) for _ in range(4))
    x, y = case.tensor(b, i, j), case.tensor(b, k, j) if "bkj" in equation else case.tensor(b, j, k)
    return dict(op="Einsum", inputs=[x, y], weights=[], equation=equation), [torch.einsum(equation, torch.from_numpy(x), torch.from_numpy(y))]


def instance_norm(case):
    channels = case.size(2, 5)
    x, scale, shift = case.tensor(2, channels, case.size(3, 6), case.size(3, 6)), case.tensor(channels), case.tensor(channels)
    return dict(op="InstanceNormalization", inputs=[x], weights=[scale, shift]), [F.instance_norm(torch.from_numpy(x), weight=torch.from_numpy(scale), bias=torch.from_numpy(shift))]


def group_norm(case):
    groups = case.size(1, 3)
    channels = groups * case.size(1, 3)
    x, scale, shift = case.tensor(2, channels, case.size(3, 6)), case.tensor(channels), case.tensor(channels)
    return dict(op="GroupNormalization", inputs=[x], weights=[scale, shift], opset=21, num_groups=groups), [F.group_norm(torch.from_numpy(x), groups, torch.from_numpy(scale), torch.from_numpy(shift))]


def rms_norm(case):
    x, scale = case.tensor(case.size(), case.size(), 7), case.tensor(7)
    return dict(op="RMSNormalization", inputs=[x], weights=[scale], opset=23, epsilon=1e-3), [F.rms_norm(torch.from_numpy(x), (7,), torch.from_numpy(scale), 1e-3)]


def arg(case):
    x, axis, op = case.tensor(case.size(), case.size(), case.size()), case.size(-3, 2), case.random.choice(["ArgMax", "ArgMin"])
    keep = case.size(0, 1)
    function = torch.argmax if op == "ArgMax" else torch.argmin
    return dict(op=op, inputs=[x], weights=[], axis=axis, keepdims=keep), [function(torch.from_numpy(x), axis, keepdim=bool(keep))]


def top_k(case):
    x, largest = case.tensor(case.size(), case.size(3, 8), case.size()), case.size(0, 1)
    k = case.size(1, 3)
    return dict(op="TopK", inputs=[x], weights=[np.array([k])], outputs=2, axis=1, largest=largest), list(torch.topk(torch.from_numpy(x), k, 1, bool(largest)))


def cumulative_sum(case):
    x, axis = case.tensor(case.size(), case.size(), case.size()), case.size(-3, 2)
    return dict(op="CumSum", inputs=[x], weights=[np.array(axis)]), [torch.from_numpy(x).cumsum(axis)]


def gather_elements(case):
    x = case.tensor(4, case.size(2, 6), 3)
    i = case.numbers.integers(0, x.shape[1], (case.size(1, 4), case.size(1, 8), 2))
    return dict(op="GatherElements", inputs=[x, i], weights=[], axis=1), [torch.from_numpy(x).gather(1, torch.from_numpy(i))]


def scatter_elements(case):
    x, shape = case.tensor(4, case.size(2, 6)), (case.size(1, 4), case.size(1, 5))
    i, u = case.numbers.integers(0, x.shape[1], shape), case.tensor(*shape)
    return dict(op="ScatterElements", inputs=[x, i, u], weights=[], axis=1, reduction="add"), [torch.from_numpy(x).scatter_add(1, torch.from_numpy(i), torch.from_numpy(u))]


def scatter_rows(case):
    x, shape = case.tensor(case.size(3, 6), case.size(), 3), (case.size(1, 3), case.size(1, 3))
    i = case.numbers.integers(-x.shape[0], x.shape[0], (*shape, 1))
    u = case.tensor(*shape, *x.shape[1:])
    expected = torch.from_numpy(x).index_put((torch.from_numpy(i[..., 0]),), torch.from_numpy(u), accumulate=True)
    return dict(op="ScatterND", inputs=[x, i, u], weights=[], reduction="add"), [expected]


def triangle(case):
    x, k, upper = case.tensor(2, case.size(), case.size()), case.size(-3, 3), case.size(0, 1)
    function = torch.triu if upper else torch.tril
    return dict(op="Trilu", inputs=[x], weights=[np.array(k)], upper=upper), [function(torch.from_numpy(x), k)]


def resize(case):
    x, sizes = case.tensor(2, 3, case.size(2, 7), case.size(2, 7)), [case.size(1, 12), case.size(1, 12)]
    mode, place, corners = case.random.choice([("nearest", "asymmetric", None), ("linear", "half_pixel", False), ("linear", "align_corners", True)])
    expected = F.interpolate(torch.from_numpy(x), sizes, mode="nearest" if mode == "nearest" else "bilinear", align_corners=corners)
    return dict(op="Resize", inputs=[x], weights=[None, None, np.array([2, 3, *sizes])], mode=mode, coordinate_transformation_mode=place, nearest_mode="floor"), [expected]


def depth_to_space(case):
    times = case.size(1, 3)
    x = case.tensor(2, times * times * case.size(1, 3), case.size(), case.size())
    return dict(op="DepthToSpace", inputs=[x], weights=[], mode="CRD", blocksize=times), [F.pixel_shuffle(torch.from_numpy(x), times)]


def space_to_depth(case):
    times = case.size(1, 3)
    x = case.tensor(2, case.size(1, 3), times * case.size(1, 3), times * case.size(1, 3))
    blocks = F.pixel_unshuffle(torch.from_numpy(x), times).unflatten(1, (x.shape[1], times * times))  # by channel; ONNX has the channels of one place together
    return dict(op="SpaceToDepth", inputs=[x], weights=[], blocksize=times), [blocks.transpose(1, 2).flatten(1, 2)]


def global_max_pool(case):
    x = case.tensor(2, 3, case.size(), case.size())
    return dict(op="GlobalMaxPool", inputs=[x], weights=[]), [F.adaptive_max_pool2d(torch.from_numpy(x), 1)]


def of_several(case):
    op, shape = case.random.choice(["Mean", "Sum"]), (case.size(), case.size())
    x = [case.tensor(*shape), case.tensor(shape[1]), case.tensor(shape[0], 1)]
    total = sum(map(torch.from_numpy, x))
    return dict(op=op, inputs=x, weights=[]), [total / 3 if op == "Mean" else total]


def cast_like(case):
    x = 5 * case.tensor(case.size(), case.size())
    return dict(op="CastLike", inputs=[x], weights=[np.array(1)]), [torch.from_numpy(x).long()]


def size(case):
    x = case.tensor(case.size(), case.size())
    return dict(op="Size", inputs=[x], weights=[]), [torch.tensor(x.size)]


def sequence(case):
    first, step = case.size(-5, 5), case.size(1, 4)
    return dict(op="Range", inputs=[], weights=[np.array(first), np.array(20), np.array(step)]), [torch.arange(first, 20, step)]


def known_condition(case):
    x, condition = case.tensor(case.size(), case.size()), bool(case.size(0, 1))
    branch = lambda op: helper.make_graph([helper.make_node(op, ["x0"], ["y"], name=op)], op, [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    return dict(op="If", inputs=[x], weights=[np.array(condition)], then_branch=branch("Relu"), else_branch=branch("Neg")), [torch.relu(torch.from_numpy(x)) if condition else -torch.from_numpy(x)]


NODES = [
    conv_transpose, max_pool, max_unpool, einsum, instance_norm, group_norm, rms_norm, arg, top_k, cumulative_sum, gather_elements, scatter_elements, scatter_rows, triangle, resize, depth_to_space, space_to_depth,
    global_max_pool, of_several, cast_like, size, sequence, known_condition,
]


@pytest.mark.parametrize("seed", range(ROUNDS))
@pytest.mark.parametrize("make", NODES, ids=lambda make: make.__name__)
def test_node(make, seed, tmp_path):
    arguments, expected = make(Case(seed))
    inputs = arguments["inputs"]
    save(tmp_path / "model.onnx", outputs=arguments.pop("outputs", 1), **arguments)
    ropeway.compare(tmp_path / "model.onnx", [torch.from_numpy(x) for x in inputs], expected, 3e-6)


IMAGE = torch.randn(2, 4, 9, 8, generator=torch.Generator().manual_seed(5))
EXPORTED = {
    "nearest": (lambda x: F.interpolate(x, scale_factor=2), IMAGE), "nearest_to_size": (lambda x: F.interpolate(x, size=(5, 13)), IMAGE), "bilinear": (lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), IMAGE),
    "corners": (lambda x: F.interpolate(x, size=(5, 13), mode="bilinear", align_corners=True), IMAGE), "conv_transpose": (nn.ConvTranspose2d(4, 3, 3, 2, 1, 1), IMAGE), "pixel_shuffle": (lambda x: F.pixel_shuffle(x, 2), IMAGE),
    "instance_norm": (nn.InstanceNorm2d(4, affine=True), IMAGE), "rms_norm": (nn.RMSNorm(8), IMAGE), "einsum": (lambda x: torch.einsum("bchw,bdhw->bcd", x, x), IMAGE), "cumsum": (lambda x: x.cumsum(1), IMAGE),
    "argmax": (lambda x: x.argmax(1), IMAGE), "topk": (lambda x: x.topk(3, 1), IMAGE), "max": (lambda x: torch.max(x, 1), IMAGE), "gather": (lambda x: x.gather(1, x.argsort(1)), IMAGE), "triangle": (lambda x: x.tril(), IMAGE),
    "max_pool": (lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True), IMAGE), "gelu": (lambda x: F.gelu(x) + F.gelu(x, approximate="tanh") + x * torch.sigmoid(1.702 * x), IMAGE),
}


@pytest.mark.parametrize("dynamo", (True, False), ids=("dynamo", "legacy"))
@pytest.mark.parametrize("name", EXPORTED)
def test_exported(name, dynamo, tmp_path):
    if name == "rms_norm" and not dynamo:
        pytest.skip("PyTorch's older exporter does not know it")
    function, x = EXPORTED[name]
    module = (function if isinstance(function, nn.Module) else Function(function)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x,), str(tmp_path / "model.onnx"), dynamo=dynamo, opset_version=18 if dynamo else 17, verbose=False)
    with torch.no_grad():
        expected = module(x)
    ropeway.compare(tmp_path / "model.onnx", [x], expected, 3e-6)
