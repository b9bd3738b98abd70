// Operators with weights or windows, normalisation, softmax and attention.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "formats/onnx/operators.h"

namespace ropeway::onnx {
namespace {

using Ids = std::vector<ValueId>;

size_t spatial_rank(const NodeImporter& node) {
  if (node.rank(0) < 3) fail(ErrorCode::invalid_model, "an input of {} has no spatial dimension", to_string(node.type(0)));
  return static_cast<size_t>(node.rank(0)) - 2;
}

constexpr int64_t kWidest = int64_t{1} << 31;  // no sum or product of a window's numbers overflows

// ⌈size / stride⌉ outputs, with the odd element of the padding at the end (SAME_UPPER) or at the beginning.
Ints pads_to_same(const Shape& in, const Ints& kernel, const Ints& strides, const Ints& dilations, bool upper) {
  const size_t n = kernel.size();
  Ints pads(2 * n);
  for (size_t d = 0; d < n; ++d) {
    const int64_t outputs = (in[d + 2] - 1) / strides[d] + 1;
    const int64_t total = std::max<int64_t>(0, (outputs - 1) * strides[d] + (kernel[d] - 1) * dilations[d] + 1 - in[d + 2]);
    pads[d] = upper ? total / 2 : total - total / 2;
    pads[n + d] = total - pads[d];
  }
  return pads;
}

void expect_window(const Ints& numbers, size_t count, int64_t least, const char* what) {
  const bool fits = std::all_of(numbers.begin(), numbers.end(), [&](int64_t each) { return least <= each && each <= kWidest; });
  if (numbers.size() != count || !fits) fail(ErrorCode::invalid_model, "{} [{}] must be {} numbers of at least {}", what, fmt::join(numbers, ","), count, least);
}

// Attributes that convolution and pooling share: defaults filled in, auto_pad as pads.
template <class P>
P windowed(const NodeImporter& node, P params, const Ints& kernel) {
  const size_t n = spatial_rank(node);
  params = node.attributes(std::move(params));
  if (params.strides.empty()) params.strides.assign(n, 1);
  if (params.dilations.empty()) params.dilations.assign(n, 1);
  if (params.pads.empty()) params.pads.assign(2 * n, 0);
  expect_window(kernel, n, 1, "kernel_shape");
  expect_window(params.strides, n, 1, "strides");
  expect_window(params.dilations, n, 1, "dilations");
  expect_window(params.pads, 2 * n, 0, "pads");
  const std::string auto_pad = node.string("auto_pad", "NOTSET");
  if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
    params.pads = pads_to_same(node.shape(0), kernel, params.strides, params.dilations, auto_pad == "SAME_UPPER");
  } else if (auto_pad == "VALID") {
    params.pads.assign(2 * n, 0);
  } else if (auto_pad != "NOTSET" && !auto_pad.empty()) {
    fail(ErrorCode::invalid_model, "auto_pad is '{}', not NOTSET, SAME_UPPER, SAME_LOWER or VALID", auto_pad);
  }
  return params;
}

Ids conv(const NodeImporter& node) {
  const Shape& weight = node.shape(1);
  if (weight.size() < 3) fail(ErrorCode::invalid_model, "a weight of {} has no spatial dimension", to_string(node.type(1)));
  const Ints kernel(weight.begin() + 2, weight.end());
  if (node.integers("kernel_shape").value_or(kernel) != kernel) fail(ErrorCode::invalid_model, "kernel_shape is not that of the weight, {}", to_string(node.type(1)));
  return node.result(Op::Conv, windowed(node, ConvParams{}, kernel), {node.input(0), node.input(1), node.optional_input(2)});
}

template <Op op>
Ids pool(const NodeImporter& node) {
  node.ignore("storage_order");  // of the indices, which are refused
  const auto kernel = node.integers("kernel_shape");
  if (!kernel) fail(ErrorCode::invalid_model, "{} has no kernel_shape", name(op));
  const PoolParams params = windowed(node, PoolParams{}, *kernel);
  for (size_t d = 0; d < params.pads.size(); ++d) {
    const size_t axis = d % kernel->size();
    if (params.pads[d] > (params.dilations[axis] * ((*kernel)[axis] - 1) + 1) / 2) fail(ErrorCode::unsupported, "{} with pads [{}], more than half of its window", name(op), fmt::join(params.pads, ","));
  }
  return node.result(op, params, {node.input(0)});
}

Ids global_average_pool(const NodeImporter& node) {
  return node.result(Op::AdaptiveAveragePool, AdaptivePoolParams{Ints(spatial_rank(node), 1)}, {node.input(0)});
}

Ids global_max_pool(const NodeImporter& node) {
  ReduceParams params{ReduceFunction::max, Ints(spatial_rank(node)), true};
  for (size_t d = 0; d < params.axes.size(); ++d) params.axes[d] = static_cast<int64_t>(d) + 2;
  return node.result(Op::Reduce, params, {node.input(0)});
}

Ids batch_normalization(const NodeImporter& node) {
  if (node.integer("training_mode", 0) != 0) fail(ErrorCode::unsupported, "BatchNormalization in training mode: call model.eval() before the export");
  node.ignore("momentum");
  return node.result(Op::BatchNormalization, node.attributes(EpsilonParams{}), {node.input(0), node.input(1), node.input(2), node.input(3), node.input(4)});
}

Ids layer_normalization(const NodeImporter& node) {
  if (node.integer("stash_type", 1) != 1) fail(ErrorCode::unsupported, "LayerNormalization with a stash_type other than 1 (f32)");
  NormParams params = node.attributes(NormParams{});
  params.axis = node.axis(params.axis, node.rank(0));
  const Shape normalised(node.shape(0).begin() + params.axis, node.shape(0).end());
  const auto parameter = [&](size_t i) -> ValueId {
    if (!node.has_input(i) || node.shape(i) == normalised) return node.optional_input(i);
    return node.step(Op::Expand, ShapeParams{normalised}, {node.input(i)});
  };
  return node.result(Op::LayerNormalization, params, {node.input(0), parameter(1), parameter(2)});
}

Ids gemm(const NodeImporter& node) { return node.result(Op::Gemm, node.attributes(GemmParams{}), {node.input(0), node.input(1), node.optional_input(2)}); }

Ids matmul(const NodeImporter& node) { return node.result(Op::MatMul, NoParams{}, {node.input(0), node.input(1)}); }

template <Op op>
Ids softmax(const NodeImporter& node) {
  return node.result(op, AxisParams{node.axis(node.integer("axis", -1), node.rank(0))}, {node.input(0)});
}

// Before opset 13, over all dimensions from `axis` on as one.
template <Op op>
Ids flattening_softmax(const NodeImporter& node) {
  const int64_t axis = node.axis(node.integer("axis", 1), node.rank(0));
  const Shape shape = node.shape(0);
  const auto rows = std::span(shape).first(static_cast<size_t>(axis)), columns = std::span(shape).subspan(static_cast<size_t>(axis));
  const ValueId flat = node.reshape(node.input(0), {element_count(rows), element_count(columns)});
  return node.result(Op::Reshape, ShapeParams{shape}, {node.step(op, AxisParams{1}, {flat})});
}

// [batch, length, heads · width] → [batch, heads, length, width].
ValueId split_heads(const NodeImporter& node, size_t i, int64_t heads) {
  const Shape& shape = node.shape(i);
  if (heads < 1 || shape[2] % heads != 0) fail(ErrorCode::invalid_model, "Attention: {} cannot be divided into {} heads", to_string(node.type(i)), heads);
  return node.step(Op::Transpose, PermParams{{0, 2, 1, 3}}, {node.reshape(node.input(i), {shape[0], shape[1], heads, shape[2] / heads})});
}

Ids attention(const NodeImporter& node) {
  if (node.has_input(4) || node.has_input(5)) fail(ErrorCode::unsupported, "Attention with past keys and values is not supported");
  if (node.number("softcap", 0) != 0) fail(ErrorCode::unsupported, "Attention with softcap is not supported");
  if (node.integer("softmax_precision", 1) != 1) fail(ErrorCode::unsupported, "Attention with a softmax_precision other than f32 is not supported");
  node.ignore("qk_matmul_output_mode");  // of an output that is refused
  const int64_t q_heads = node.integer("q_num_heads", 0), kv_heads = node.integer("kv_num_heads", 0);
  const bool has_heads = node.rank(0) == 4;
  for (size_t i = 0; i < 3; ++i) {
    if (node.rank(i) != (has_heads ? 4 : 3)) fail(ErrorCode::invalid_model, "Attention: Q, K and V must have 4 dimensions each, or 3 each, but input {} is {}", i, to_string(node.type(i)));
  }
  const bool is_grouped = has_heads ? node.shape(0)[1] != node.shape(1)[1] : q_heads != kv_heads;
  if (is_grouped) fail(ErrorCode::unsupported, "Attention with fewer heads of keys than of queries is not supported");

  Ids operands;
  for (size_t i = 0; i < 3; ++i) operands.push_back(has_heads ? node.input(i) : split_heads(node, i, q_heads));
  const double width = static_cast<double>(node.type_of(operands[0]).shape[3]);
  const AttentionParams params{node.number("scale", 1 / std::sqrt(width)), node.integer("is_causal", 0) != 0};
  operands.push_back(node.optional_input(3));
  if (has_heads) return node.result(Op::ScaledDotProductAttention, params, operands);
  const ValueId heads = node.step(Op::ScaledDotProductAttention, params, operands);
  const Shape shape = node.type_of(heads).shape;
  const ValueId lines = node.step(Op::Transpose, PermParams{{0, 2, 1, 3}}, {heads});
  return node.result(Op::Reshape, ShapeParams{{shape[0], shape[2], shape[1] * shape[3]}}, {lines});
}

// The seed is of ONNX's own random numbers, which the standard does not define.
Ids dropout(const NodeImporter& node) {
  node.ignore("seed");
  DropoutParams params;
  params.training_mode = node.has_input(2) && node.scalar(2, "the training mode") != 0;
  params.ratio = node.has_input(1) ? node.scalar(1, "the ratio") : node.number("ratio", params.ratio);
  return node.result(Op::Dropout, params, {node.input(0)});
}

constexpr Operator kRows[] = {
    {.op_type = "Conv", .convert = conv},
    {.op_type = "MaxPool", .convert = pool<Op::MaxPool>},
    {.op_type = "AveragePool", .convert = pool<Op::AveragePool>},
    {.op_type = "GlobalAveragePool", .convert = global_average_pool},
    {.op_type = "GlobalMaxPool", .convert = global_max_pool},
    {.op_type = "BatchNormalization", .convert = batch_normalization},
    {.op_type = "LayerNormalization", .since = 17, .convert = layer_normalization},
    {.op_type = "Gemm", .convert = gemm},
    {.op_type = "MatMul", .convert = matmul},
    {.op_type = "Softmax", .until = 12, .convert = flattening_softmax<Op::Softmax>},
    {.op_type = "Softmax", .since = 13, .convert = softmax<Op::Softmax>},
    {.op_type = "LogSoftmax", .until = 12, .convert = flattening_softmax<Op::LogSoftmax>},
    {.op_type = "LogSoftmax", .since = 13, .convert = softmax<Op::LogSoftmax>},
    {.op_type = "Attention", .since = 23, .convert = attention},
    {.op_type = "Dropout", .convert = dropout},
};

}  // namespace

std::span<const Operator> layer_operators() { return kRows; }

}  // namespace ropeway::onnx
