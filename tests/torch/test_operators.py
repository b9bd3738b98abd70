"""Every row of the .pt2 reader's tables against PyTorch: each case is a function of tensors, exported as PyTorch leaves it and decomposed to core ATen.

A last test holds that no row of the tables is without a case.
"""
import re
import warnings
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ropeway

torch.manual_seed(7)


def t(*shape):
    return torch.randn(shape)


def positive(*shape):
    return torch.rand(shape) + 0.1


I = torch.tensor([[3, -7, 0], [5, 2, -1]])
J = torch.tensor([[2, 3, 5], [-4, 3, 7]])
B = torch.tensor([[True, False, True], [False, False, True]])
C = torch.tensor([True, True, False])
X, Y = t(2, 3), t(2, 3)
IMAGE = t(2, 4, 9, 8)
LINE = t(2, 4, 11)
CUBE = t(1, 2, 5, 6, 7)

# Name: function, its inputs.
CASES = {
    # element-wise, one operand
    "relu": (lambda x: torch.relu(x) + x.relu_(), X), "abs": (torch.abs, X), "neg": (lambda x: -x, X), "sign": (torch.sign, X), "floor": (torch.floor, 3 * X),
    "ceil": (torch.ceil, 3 * X), "round": (torch.round, 3 * X), "isnan": (torch.isnan, X / torch.tensor([0.0, 1.0, 1.0]) * 0), "sigmoid": (torch.sigmoid, X), "hardswish": (F.hardswish, 4 * X),
    "silu": (F.silu, X), "mish": (F.mish, X), "tanh": (torch.tanh, X), "erf": (torch.erf, X), "exp": (torch.exp, X), "log": (torch.log, positive(2, 3)),
    "log1p": (torch.log1p, positive(2, 3)), "sqrt": (torch.sqrt, positive(2, 3)), "rsqrt": (torch.rsqrt, positive(2, 3)), "reciprocal": (torch.reciprocal, positive(2, 3)),
    "sin": (torch.sin, X), "cos": (torch.cos, X), "square": (torch.square, X), "relu6": (F.relu6, 8 * X), "relu6_op": (torch.ops.aten.relu6, 8 * X), "hardtanh": (lambda x: F.hardtanh(x, -0.5, 0.7), X),
    "leaky_relu": (lambda x: F.leaky_relu(x) + F.leaky_relu(x, 0.3), X), "hardsigmoid": (F.hardsigmoid, 4 * X), "elu": (lambda x: F.elu(x) + F.elu(x, 0.4), X),
    "gelu": (lambda x: F.gelu(x) + F.gelu(x, approximate="tanh"), X), "softplus": (F.softplus, 9 * X), "logical_not": (torch.logical_not, I), "logical_not_bool": (torch.logical_not, B),
    "bitwise_not": (lambda x: ~x, B), "sqrt_of_whole": (lambda x: torch.sqrt(x * x), I), "abs_whole": (torch.abs, I), "relu_whole": (torch.relu, I),
    "selu": (lambda x: (F.selu(x), torch.ops.aten.elu(x, 0.5, 2.0)), X), "log_sigmoid": (F.logsigmoid, 9 * X), "glu": (lambda x: (F.glu(x, 1), F.glu(x, -1)), IMAGE),
    # element-wise, two operands
    "add": (lambda x, y: x + y + 2 + torch.add(x, y, alpha=0.5), X, Y), "add_scalar": (lambda x: torch.ops.aten.add.Scalar(x, 3), X), "sub": (lambda x, y: x - y - 2 - torch.sub(x, y, alpha=3), X, Y),
    "sub_scalar": (lambda x: torch.ops.aten.sub.Scalar(x, 3), X), "rsub": (lambda x: 3 - x, X), "rsub_tensor": (lambda x, y: torch.rsub(x, y, alpha=2), X, Y), "mul": (lambda x, y: x * y * 0.5, X, Y),
    "mul_scalar": (lambda x: torch.ops.aten.mul.Scalar(x, 3), X), "div": (lambda x, y: x / y / 4, X, Y), "div_scalar": (lambda x: torch.ops.aten.div.Scalar(x, 3), X), "div_whole": (lambda x, y: x / y, I, J),
    "div_modes": (lambda x, y: (torch.div(x, y, rounding_mode="floor"), torch.div(x, 4, rounding_mode="floor"), torch.div(x, y, rounding_mode="trunc")), I, J),
    "div_scalar_mode": (lambda x: torch.ops.aten.div.Scalar_mode(x, 2, rounding_mode="floor"), X), "div_floor_real": (lambda x, y: torch.div(x, y, rounding_mode="floor"), X, Y),
    "floor_divide": (lambda x, y: (x // y, torch.floor_divide(x.float(), 1.5)), I, J), "remainder": (lambda x, y: (x % y, x % 3, x.float() % 1.5), I, J), "fmod": (lambda x, y: (torch.fmod(x, y), torch.fmod(x, 3)), I, J),
    "pow": (lambda x, y: (x**y, x**2, x**1.5, 2.5**y), positive(2, 3), Y), "minimum": (torch.minimum, X, Y), "maximum": (torch.maximum, X, Y), "maximum_bool": (torch.maximum, B, B.flip(0)),
    "compare": (lambda x, y: (x == y, x != y, x < y, x <= y, x > y, x >= y), I, J), "compare_scalar": (lambda x: (x == 2, x != 2, x < 2, x <= 2, x > 2, x >= 2.5), I),
    "logical": (lambda x, y: (torch.logical_and(x, y), torch.logical_or(x, y), torch.logical_xor(x, y)), B, I), "bitwise": (lambda x, y: (x & y, x | y, x ^ y), B, B.flip(1)),
    "prelu": (nn.PReLU(4, 0.3), IMAGE), "prelu_one": (nn.PReLU(init=0.2), X), "prelu_kernel": (torch.ops.aten._prelu_kernel, X, torch.tensor([[0.3]])), "clamp": (lambda x: (x.clamp(-0.5, 0.5), x.clamp(min=0.1), x.clamp(max=0.2), torch.clamp_min(x, -0.1), torch.clamp_max(x, 0.3)), X),
    "clamp_whole": (lambda x: x.clamp(-2, 3), I), "clamp_tensor": (lambda x, y: (torch.clamp(x, min=y), torch.clamp(x, max=y)), X, Y),
    "where": (lambda c, x, y: (torch.where(c, x, y), torch.where(c, x, 2.0), torch.where(c, 1.0, y), torch.where(c, 1.0, 2.0)), B, X, Y),
    "masked_fill": (lambda x, c: (x.masked_fill(c, float("-inf")), x.masked_fill(c, torch.tensor(3.0))), X, B),
    # promotion
    "promotion": (lambda x, i, b: (x + i, i + 1.5, b + i, b * 2, i * torch.tensor(1.5), x * torch.tensor(2, dtype=torch.float64), i.int() + i, (i % 100).to(torch.uint8) + i.to(torch.int8)), X, I, B),
    "promotion_half": (lambda x, i: ((x.half() + 1.5).float(), (x.half() * i).float(), (x.bfloat16() + x.half()), x.half() * torch.tensor(2.0)), X, I),
    "double": (lambda x: (x.double() + 1) * 2, X),
    # types and copies
    "to": (lambda x, i: (x.to(torch.int64), x.double(), i.float(), x.to(torch.float32), x.type_as(i), i.to(x), torch.ops.aten.to.other(i, x), x.to("cpu"), x.to(torch.float16, copy=True)), 5 * X, I),
    "to_copy": (lambda x: torch.ops.aten._to_copy(x, dtype=torch.int32), 5 * X), "to_dtype_layout": (lambda x: torch.ops.aten.to.dtype_layout(x, dtype=torch.float64, layout=torch.strided, device="cpu"), X),
    "to_device": (lambda x: torch.ops.aten.to.device(x, "cpu", torch.float64), X), "bool": (lambda x: (x.bool(), x.to(torch.bool).float()), I),
    "copies": (lambda x: (x.clone(), x.detach() + 1, x.t().contiguous(), x.contiguous() + 1, torch.ops.aten.alias(x) * 1), X),
    # layers
    "conv1d": (nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2), LINE), "conv2d": (nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), bias=False), IMAGE), "conv3d": (nn.Conv3d(2, 3, 3, padding=1), CUBE),
    "conv_same": (nn.Conv2d(4, 3, (4, 3), padding="same", dilation=(1, 2)), IMAGE), "conv1d_same": (nn.Conv1d(4, 3, 4, padding="same"), LINE), "conv3d_valid": (nn.Conv3d(2, 3, 2, padding="valid"), CUBE),
    "max_pool": (lambda x: (F.max_pool2d(x, 3, 2, 1), F.max_pool2d(x, (3, 2), ceil_mode=True, dilation=(1, 2))), IMAGE), "max_pool1d": (lambda x: F.max_pool1d(x, 3), LINE), "max_pool3d": (lambda x: F.max_pool3d(x, 2), CUBE),
    "avg_pool": (lambda x: (F.avg_pool2d(x, 3, 2, 1), F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False), F.avg_pool2d(x, 2, divisor_override=3)), IMAGE),
    "avg_pool1d": (lambda x: F.avg_pool1d(x, 3, 2), LINE), "avg_pool3d": (lambda x: F.avg_pool3d(x, 2, 1), CUBE),
    "adaptive": (lambda x: (F.adaptive_avg_pool2d(x, (5, 3)), F.adaptive_avg_pool2d(x, 1), F.adaptive_avg_pool2d(x, (None, 11))), IMAGE), "adaptive1d": (lambda x: F.adaptive_avg_pool1d(x, 4), LINE),
    "adaptive3d": (lambda x: F.adaptive_avg_pool3d(x, (2, 3, 4)), CUBE), "adaptive_max": (lambda x: F.adaptive_max_pool2d(x, 1), IMAGE), "adaptive_max1d": (lambda x: F.adaptive_max_pool1d(x, 1), LINE), "adaptive_max3d": (lambda x: F.adaptive_max_pool3d(x, 1), CUBE),
    "batch_norm": (nn.BatchNorm2d(4, eps=1e-3), IMAGE), "batch_norm_plain": (nn.BatchNorm1d(4, affine=False), LINE), "layer_norm": (nn.LayerNorm((9, 8)), IMAGE), "layer_norm_plain": (lambda x: F.layer_norm(x, (8,), eps=1e-6), IMAGE),
    "group_norm": (nn.GroupNorm(2, 4), IMAGE), "linear": (nn.Linear(8, 5), IMAGE), "linear_vector": (nn.Linear(3, 5, bias=False), t(3)), "linear_matrix": (nn.Linear(3, 5), X), "addmm": (lambda a, b, c: torch.addmm(c, a, b, beta=0.5, alpha=2), X, t(3, 4), t(4)),
    "mm": (lambda a, b: (torch.mm(a, b), a @ a.t()), X, t(3, 4)), "bmm": (torch.bmm, t(2, 3, 4), t(2, 4, 5)), "matmul": (lambda a, b: (a @ b, a[0] @ b, b[0, 0] @ b), t(2, 5, 3, 4), t(5, 4, 4)),
    "baddbmm": (lambda a, b, c: torch.baddbmm(c, a, b, beta=2, alpha=0.5), t(2, 3, 4), t(2, 4, 5), t(2, 3, 5)), "softmax": (lambda x: (F.softmax(x, -1), x.softmax(1), F.log_softmax(x, 2), F.softmax(x, 0, dtype=torch.float64)), IMAGE),
    "attention": (F.scaled_dot_product_attention, t(2, 3, 5, 4), t(2, 3, 6, 4), t(2, 3, 6, 7)), "attention_causal": (lambda q: F.scaled_dot_product_attention(q, q, q, is_causal=True, scale=0.3), t(2, 3, 5, 4)),
    "attention_mask": (lambda q, m: F.scaled_dot_product_attention(q, q, q, attn_mask=m), t(2, 3, 5, 4), t(5, 5)), "attention_bool": (lambda q, m: F.scaled_dot_product_attention(q, q, q, attn_mask=m), t(2, 3, 5, 4), torch.ones(5, 5).tril().bool()),
    "dropout": (lambda x: F.dropout(x, 0.5, training=False) + F.dropout2d(x, 0.5, training=False), IMAGE),
    # With these probabilities nothing is left to chance.
    "dropout_training": (lambda x: (F.dropout(x, 1.0, True), F.dropout2d(x, 1.0, True), F.dropout(x, 0.0, True), torch.native_dropout(x, 1.0, True)[0], torch.native_dropout(x, 0.3, False)[0], torch.bernoulli(x, 1.0), torch.bernoulli(x, 0.0)), IMAGE),
    "write_to_training_dropout": (lambda x: (lambda a, b: (F.dropout(a, 1.0, True).add_(1), F.dropout(a, 0.0, True).mul_(2), F.dropout(b, 1.0, True, inplace=True).sub_(3), a, b))(x * 1, x + 1), X),
    "conv_transpose": (nn.ConvTranspose2d(4, 6, (3, 2), stride=(2, 3), padding=1, output_padding=(1, 2), groups=2, dilation=(1, 2)), IMAGE), "conv_transpose1d": (nn.ConvTranspose1d(4, 3, 5, stride=2, padding=2, bias=False), LINE), "conv_transpose3d": (nn.ConvTranspose3d(2, 3, 2, stride=(2, 1, 2)), CUBE),
    "max_pool_indices": (lambda x: (*F.max_pool2d(x, 3, 2, 1, return_indices=True), *F.max_pool2d(x, (3, 2), ceil_mode=True, dilation=(1, 2), return_indices=True)), IMAGE),
    "max_pool1d_indices": (lambda x: F.max_pool1d(x, 3, 2, return_indices=True), LINE), "max_pool3d_indices": (lambda x: F.max_pool3d(x, 2, return_indices=True), CUBE),
    "adaptive_max_any": (lambda x: (F.adaptive_max_pool2d(x, (4, 3)), F.adaptive_max_pool2d(x, (3, 4)), F.adaptive_max_pool2d(x, (9, 5)), F.adaptive_max_pool2d(x, (13, 3))), IMAGE), "adaptive_max_any1d": (lambda x: F.adaptive_max_pool1d(x, 4), LINE), "adaptive_max_any3d": (lambda x: F.adaptive_max_pool3d(x, (2, 3, 4)), CUBE),
    "adaptive_max_indices": (lambda x, y, z: (*F.adaptive_max_pool2d(x, (4, 3), return_indices=True), *F.adaptive_max_pool2d(x, 1, return_indices=True), *F.adaptive_max_pool1d(y, 4, return_indices=True), *F.adaptive_max_pool3d(z, (2, 3, 4), return_indices=True)), IMAGE, LINE, CUBE),
    "max_unpool": (lambda x: (F.max_unpool2d(*F.max_pool2d(x[..., :8], 2, return_indices=True), 2), F.max_unpool2d(*F.max_pool2d(x, 3, 2, return_indices=True), 3, 2, output_size=x.shape)), t(2, 4, 8, 9)), "max_unpool3d": (lambda x: F.max_unpool3d(*F.max_pool3d(x, 2, return_indices=True), 2), t(1, 2, 4, 6, 6)),
    "einsum": (lambda a, b, c: (torch.einsum("bij,bjk->bik", a, b), torch.einsum("bij,bjk->ki", a, b), torch.einsum("bij,bjk", a, b), torch.einsum("...ij,...jk->...ik", a, b), torch.einsum("bij,bjk,kl->lib", a, b, c), torch.einsum("bij->ji", a), torch.einsum("bij->", a), torch.einsum("kl,mn->nmkl", c, c)), t(2, 3, 4), t(2, 4, 5), t(5, 2)),
    "einsum_attention": (lambda q, k, v: torch.einsum("bhqk,bkhd->bqhd", torch.einsum("bqhd,bkhd->bhqk", q, k).softmax(-1), v), t(2, 5, 3, 4), t(2, 6, 3, 4), t(2, 6, 3, 4)),
    "rms_norm": (nn.RMSNorm(8), IMAGE), "rms_norm_plain": (lambda x: (F.rms_norm(x, (9, 8), eps=1e-3), F.rms_norm(x.double(), (8,)), F.rms_norm(x.half(), (8,)).float()), IMAGE), "rms_norm_fused": (lambda x: torch.ops.aten._fused_rms_norm(x, [8], None, 1e-3)[0], IMAGE), "instance_norm": (nn.InstanceNorm2d(4, affine=True), IMAGE), "instance_norm_plain": (nn.InstanceNorm1d(4), LINE),
    "instance_norm_tracked": (nn.InstanceNorm2d(4, track_running_stats=True), IMAGE),
    # selections
    "arg": (lambda x: (x.argmax(), x.argmax(1), x.argmin(-1, keepdim=True), x.argmin(), x.argmax(keepdim=True)), t(2, 3, 4)), "arg_whole": (lambda x: (x.argmax(1), x.argmin(0)), I), "extremes_indices": (lambda x: (*x.max(1), *x.min(2, keepdim=True), *x[0, 0, 0].max(0)), t(2, 3, 4)),
    "topk": (lambda x: (*x.topk(3), *x.topk(2, 1, largest=False)), t(2, 5, 4)), "sort": (lambda x: (*x.sort(), *x.sort(1, descending=True), x.argsort(0), *torch.sort(x, dim=1, stable=True), torch.argsort(x, dim=1, stable=True)), t(2, 5, 4)),
    "cumsum": (lambda x, i, b: (x.cumsum(1), x.cumsum(-1, dtype=torch.float64), i.cumsum(0), b.cumsum(1)), t(2, 3, 4), I, B), "gather": (lambda x, i: (x.gather(1, i), x.gather(0, i % 2)), t(2, 4), torch.tensor([[3, 0, 1], [2, 2, 1]])),
    "scatter_elements": (lambda x, i, s: (x.scatter(1, i, s), x.scatter(1, i, 1.5), x.scatter_add(1, i % 2, s), (x * 1).scatter_(1, i, 0.5)), t(2, 4), torch.tensor([[3, 0], [2, 1]]), t(2, 4)),
    "index_put": (lambda x, y: (torch.index_put(x, (torch.tensor([1, 0]),), y), torch.index_put(x, (torch.tensor([1, 1]),), y, accumulate=True), torch.ops.aten.index_put(x, [None, torch.tensor([3, 0])], y[:, :2]), torch.index_put(x, (x > 0,), torch.tensor(2.0))), t(2, 4), t(2, 4)),
    "triangles": (lambda x: (x.tril(), x.triu(), x.tril(-1), x.triu(2)), t(2, 3, 4)),
    # images
    "nearest": (lambda x: (F.interpolate(x, scale_factor=2), F.interpolate(x, size=(5, 13)), F.interpolate(x, scale_factor=(1.5, 0.7))), IMAGE), "bilinear": (lambda x: (F.interpolate(x, scale_factor=2, mode="bilinear"), F.interpolate(x, size=(5, 13), mode="bilinear"), F.interpolate(x, size=(5, 13), mode="bilinear", align_corners=True), F.interpolate(x, scale_factor=(1.5, 0.7), mode="bilinear")), IMAGE),
    "resized_lines": (lambda x: (F.interpolate(x, scale_factor=2), F.interpolate(x, size=7, mode="linear"), F.interpolate(x, size=7, mode="linear", align_corners=True)), LINE),
    "upsample_op": (lambda x, y: (torch.ops.aten.upsample_nearest2d(x, [18, 16]), torch.ops.aten.upsample_bilinear2d(x, [18, 11], False), torch.ops.aten.upsample_nearest1d(y, [22]), torch.ops.aten.upsample_linear1d(y, [5], True)), IMAGE, LINE),
    "pixel_shuffle": (lambda x: (F.pixel_shuffle(x, 2), F.pixel_unshuffle(x[:, :, :8], 2), F.pixel_shuffle(x[0], 2), F.channel_shuffle(x, 2)), IMAGE),
    # reductions
    "sum": (lambda x: (x.sum(), x.sum(1), x.sum((0, 2), keepdim=True), x.sum(-1, dtype=torch.float64)), t(2, 3, 4)), "sum_whole": (lambda x, b: (x.sum(), b.sum(1), x.int().sum(0)), I, B), "prod": (lambda x: (x.prod(), x.prod(1), x.prod(0, keepdim=True)), X),
    "mean": (lambda x: (x.mean(), x.mean((1, 2)), x.mean(-1, keepdim=True)), t(2, 3, 4)), "extremes": (lambda x: (x.amax(1), x.amin((0, 2), keepdim=True), x.max(), x.min(), x.max(1).values, x.min(2, keepdim=True).values), t(2, 3, 4)),
    "truth": (lambda x: (x.any(), x.any(1), x.all(), x.all(0, keepdim=True), torch.any(x, (0, 1)), torch.all(x, (0, 1))), B), "var": (lambda x: (x.var(1), x.var((0, 2), unbiased=False), torch.var(x, 1, correction=2), x.std(2), torch.std(x, 1, correction=0)), t(2, 3, 4)),
    "norms": (lambda x: (torch.linalg.vector_norm(x), x.norm(dim=1), x.norm(1, dim=(0, 2), keepdim=True), x.norm(float("inf"), dim=1), F.normalize(x, dim=1)), t(2, 3, 4)),
    "reduce_scalar": (lambda x: x.sum(0), t(3)[0]),
    # shapes
    "view": (lambda x: (x.view(6), x.view(-1, 2), x.reshape(3, -1), torch.ops.aten._unsafe_view(x, [3, 2])), X), "flatten": (lambda x: (x.flatten(), x.flatten(1), x.flatten(1, 2), x[0, 0, 0, 0].flatten()), IMAGE), "unflatten": (lambda x: x.unflatten(1, (2, -1)), IMAGE),
    "squeeze": (lambda x: (x.unsqueeze(-1), x.unsqueeze(0).squeeze(), x.unsqueeze(1).squeeze(1), x.squeeze(1), x.unsqueeze(0).unsqueeze(-1).squeeze((0, -1))), X), "permute": (lambda x: (x.permute(0, 2, 3, 1), x.transpose(1, -1), x[0, 0].t(), x.mT, x[0, 0].T), IMAGE),
    "expand": (lambda x: (x[:, None].expand(-1, 4, 3), x.expand(5, 2, 3), x[0].expand_as(x), x.repeat(2, 1, 3), x.tile(2), x.tile(2, 1, 3), x.repeat_interleave(2, 1), x.repeat_interleave(3)), X), "cat": (lambda x, i: (torch.cat([x, x + 1, x], 1), torch.cat([x, i], -1), torch.stack([x, x * 2], 1), torch.cat([torch.empty(0), x])), X, I),
    "split": (lambda x: (*x.split(3, 2), *x.split([1, 3], 1), *x.chunk(2, 3), *x.unbind(1), *torch.ops.aten.split.sizes(x, [4, 5], 2)), IMAGE),
    "slice": (lambda x: (x[:, 1:3], x[..., ::2], x[:, :, -3:], x[0:1, 5:9], x.narrow(2, 1, 4), x.narrow(2, -3, 2), x[:, -1], x.select(0, 1), x.flip((0, 3))), IMAGE), "roll": (lambda x: (x.roll(2, 1), x.roll((1, -3), (2, 3)), x.roll(5)), IMAGE),
    "pad": (lambda x: (F.pad(x, (1, 2)), F.pad(x, (1, 0, 2, 1), value=1.5), F.pad(x, (-1, 0, 2, -3)), F.pad(x, (1, 2, 0, 3), mode="reflect"), F.pad(x, (1, 2, 0, 3), mode="replicate"), F.pad(x, (1, 2, 0, 3), mode="circular")), IMAGE),
    "pads_by_rank": (lambda x, y: (torch.ops.aten.reflection_pad1d(x, [1, 2]), torch.ops.aten.replication_pad1d(x, [2, 0]), torch.ops.aten.reflection_pad3d(y, [1, 2, 0, 1, 1, 0]), torch.ops.aten.replication_pad3d(y, [1, 2, 0, 1, 1, 0])), LINE, CUBE),
    "pads_of_images": (lambda x: (torch.ops.aten.reflection_pad2d(x, [1, 2, 0, 3]), torch.ops.aten.replication_pad2d(x, [1, 2, 0, 3])), IMAGE), "index_select": (lambda x: x.index_select(1, torch.tensor([2, 0, 2])), IMAGE),
    "embedding": (nn.Embedding(10, 4, padding_idx=0), torch.tensor([[1, 0, 9], [3, 3, 2]])),
    "index": (lambda x, i: (x[i], x[:, i], x[i, i], x[:, i, i], x[:, :, i[:, None], i[None]], x[i, :, i], x[:, torch.tensor([-1, 0])]), IMAGE, torch.tensor([1, 0, 1])),
    "scatter": (lambda x, y: (torch.slice_scatter(x, y[:, :2], 1, 1, 3), torch.select_scatter(x, y[0], 0, 1)), X, Y),
    # constants
    "full": (lambda x: x + torch.full((2, 3), 2.5) + torch.full_like(x, 3) + torch.zeros(3) + torch.ones(2, 1) + torch.zeros_like(x) + torch.ones_like(x, dtype=torch.int64) + x.new_zeros(3) + x.new_ones(2, 3) + x.new_full((3,), 0.5) + torch.scalar_tensor(2.0), X),
    "empty": (lambda x: (torch.empty(2, 3).fill_(2) + torch.empty_like(x).zero_() + x.new_empty(2, 3).copy_(x) + torch.zeros(2, 3).fill_(torch.tensor(1.5))), X), "full_types": (lambda x: (torch.full((2,), 3), torch.full((2,), True), torch.full((2,), 3, dtype=torch.float64), x * 1), X),
    "arange": (lambda x: (x + torch.arange(3), torch.arange(2, 8, 2), torch.arange(1.0, 2.0, 0.3), torch.arange(5, 0, -2), torch.arange(2, 5)), X),
    # writes in place
    "writes": (lambda x: (lambda a: (a.add_(1), a.mul_(x), a.clamp_(-1, 1), a[:, 1].zero_(), a.t()[0].copy_(x[:, 2]), a, a.view(-1).neg_(), a))(x + 0), X),
    "masked_write": (lambda x, c: (x * 1).masked_fill_(c, 0.5), X, B),
    "write_to_slices": (lambda x: (lambda a: (a[:, 1:3, 2:5].fill_(7), a[0].mul_(2), a.split(2, 1)[1].sub_(1), a.unbind(3)[2].add_(4), a))(x * 1)[-1], IMAGE),
    "write_to_dropout": (lambda x: (lambda a: (F.dropout(a, 0.5, training=False).add_(1), a.contiguous().mul_(2), a.detach().sub_(0.5), a.to(torch.float32).mul_(3), a))(x * 1)[-1], X),
    "floor_of_rounded": (lambda x, y: (x // y, torch.div(x, y, rounding_mode="floor"), x // 0.1, -x // 0.3), torch.tensor([1.0, 3.0, 0.7, -1.0, 5.0, -5.0]), torch.tensor([0.1, 0.3, 0.1, 0.3, 0.0, 0.0])),
    "isnan_whole": (torch.isnan, I),
    "view_after_write": (lambda x: (lambda a: (a.relu_().permute(0, 2, 3, 1).reshape(2, 9, -1), a.flatten(2).transpose(1, 2).reshape(2, -1)))(x * 1), IMAGE),
    "parts_after_write": (lambda x: (lambda a: (lambda p, q: (a.add_(1), p * q, a.sub_(2), p + q)[1::2])(*a.chunk(2, 1)))(x * 1), IMAGE),
    "write_after_channels_last": (lambda x: (lambda a, b, c: (b.add_(1), c.mul_(2), a, b, c)[2:])(x, x.contiguous(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)), IMAGE),
    "same_names": (lambda x: {"inputs_0": torch.relu(x), "y": x}, X),
    "write_to_copies": (lambda x: (lambda a: (a.clone().add_(1), a.t().contiguous().mul_(2), a.double().sub_(0.5), a))(x * 1)[-1], X),
}

class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def row_names():
    folder = Path(__file__).resolve().parents[2] / "src" / "formats" / "pt2"
    rows = set()
    for file in folder.glob("*.cc"):
        rows |= {match for match in re.findall(r'^    \{"([\w]+\.\w+)", ', file.read_text(), re.MULTILINE) if not match.startswith(("torch", "_operator"))}
    return rows


SEEN, DONE = set(), set()


@pytest.mark.parametrize("kind", ("training", "core"))
@pytest.mark.parametrize("name", CASES)
def test_operator(name, kind, tmp_path):
    function, *inputs = CASES[name]
    module = (function if isinstance(function, nn.Module) else Function(function)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(module, tuple(inputs))
        if kind == "core":
            program = program.run_decompositions()
        torch.export.save(program, str(tmp_path / "model.pt2"))
    DONE.add(name)
    for node in program.graph.nodes:
        if node.op == "call_function":
            target = str(node.target).removeprefix("aten.")
            SEEN.update((target, target.replace("_.", ".")))
    # PyTorch's own decomposition loses writes to aliases here and there: what counts is what the program that was saved computes.
    reference = program.module() if kind == "core" else module
    with torch.no_grad():
        expected = reference(*[x.clone() for x in inputs])
    ropeway.compare(tmp_path / "model.pt2", inputs, expected, 2e-6)


KEEPING_NAN = {
    "conv": (nn.Conv2d(16, 21, 3, padding=1), t(1, 16, 9, 8)), "pointwise": (nn.Conv2d(16, 40, 1), t(1, 16, 9, 8)), "depthwise": (nn.Conv2d(16, 16, 3, padding=1, groups=16), t(1, 16, 9, 8)),
    "linear": (nn.Linear(16, 500), t(4, 16)), "linear_row": (nn.Linear(16, 500), t(1, 16)), "matmul": (lambda x: x @ x.mT, t(2, 5, 16)), "none": (lambda x: x * 1, t(1, 3, 6, 5)),
}


@pytest.mark.parametrize("after", ("none", "relu", "relu6", "hardtanh", "sigmoid", "gelu", "max_pool"))
@pytest.mark.parametrize("name", KEEPING_NAN)
def test_nan_is_kept(name, after, tmp_path):
    """A row of NaN, and infinities, through the layers and what is fused into them: relative_error() wants what is not finite to be the same."""
    layer, x = KEEPING_NAN[name]
    x = x.clone()
    x[..., 0, :] = float("nan")
    if x.shape[-2] > 3 and after != "gelu":  # of infinity PyTorch's is NaN in f32, infinity in f64
        x[..., -1, 2], x[..., -1, 4] = float("inf"), -float("inf")
    if after == "max_pool" and x.dim() < 4:
        pytest.skip("no image")
    follow = {"none": lambda y: y, "relu": torch.relu, "relu6": F.relu6, "hardtanh": F.hardtanh, "sigmoid": torch.sigmoid, "gelu": F.gelu, "max_pool": lambda y: F.max_pool2d(torch.relu(y), 2)}[after]

    class Layers(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, x):
            return follow(self.layer(x))

    module = Layers().eval()
    torch.export.save(torch.export.export(module, (x,)), str(tmp_path / "model.pt2"))
    with torch.no_grad():
        expected = module(x)
    assert expected.isnan().any()
    ropeway.compare(tmp_path / "model.pt2", [x], expected, 2e-6)


@pytest.mark.parametrize("causal", (False, True))
def test_attention_with_dropout(causal, tmp_path):
    """Its weights go through a Dropout in training mode, as in PyTorch: what that gives is random."""
    module = Function(lambda q, k: F.scaled_dot_product_attention(q, k, k, dropout_p=0.25, is_causal=causal))
    torch.export.save(torch.export.export(module, (t(2, 3, 5, 4), t(2, 3, 5, 4))), str(tmp_path / "model.pt2"))
    graph = ropeway.command("inspect", tmp_path / "model.pt2", "--stage", "graph")
    names = re.findall(r" = (MatMul|Softmax|Dropout|Where)\(.*", graph)
    assert names == (["MatMul", "Where", "Softmax", "Where", "Dropout", "MatMul"] if causal else ["MatMul", "Softmax", "Dropout", "MatMul"])
    assert "ratio=0.25 training_mode=true" in graph


def test_every_row_has_a_case():
    if DONE != set(CASES):
        pytest.skip("only some of the cases ran")
    rows = row_names()
    assert len(rows) > 150
    assert rows - SEEN == set()


def test_every_row_is_on_the_page_of_operators():
    """What the rows become, of which docs/operators.md is made: tools/reader_operators.py writes it."""
    lines = (Path(__file__).resolve().parents[2] / "tools" / "reader_operators.tsv").read_text().splitlines()
    assert row_names() - {line.split("\t")[1] for line in lines if line.startswith("aten\t")} == set()
