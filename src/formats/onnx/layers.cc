// Products, normalisation, softmax and attention.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "formats/compositions.h"
#include "formats/einsum.h"
#include "formats/onnx/operators.h"

namespace ropeway::onnx {
namespace {

using Ids = std::vector<ValueId>;

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

Ids instance_normalization(const NodeImporter& node) {
  if (node.rank(0) < 2) fail(ErrorCode::invalid_model, "an input of {} has no channels", to_string(node.type(0)));
  return group_norm(node, node.input(0), node.shape(0)[1], node.number("epsilon", 1e-5), node.input(1), node.input(2));
}

// Before opset 21 a scale per group, from then on one per channel.
Ids group_normalization(const NodeImporter& node) {
  if (node.integer("stash_type", 1) != 1) fail(ErrorCode::unsupported, "GroupNormalization with a stash_type other than 1 (f32)");
  const int64_t groups = node.integer("num_groups", 0);
  const Shape& shape = node.shape(0);
  if (shape.size() < 2 || groups < 1 || shape[1] % groups != 0) fail(ErrorCode::invalid_model, "the channels of {} do not divide into {} groups", to_string(node.type(0)), groups);
  const int64_t channels = shape[1];
  const auto per_channel = [&](size_t i) {
    if (node.opset() >= 21) return node.input(i);
    const ValueId wide = node.step(Op::Expand, ShapeParams{{groups, channels / groups}}, {node.reshape(node.input(i), {groups, 1})});
    return node.reshape(wide, {channels});
  };
  return group_norm(node, node.input(0), groups, node.number("epsilon", 1e-5), per_channel(1), per_channel(2));
}

Ids rms_normalization(const NodeImporter& node) {
  if (node.integer("stash_type", 1) != 1) fail(ErrorCode::unsupported, "RMSNormalization with a stash_type other than 1 (f32)");
  return rms_norm(node, node.input(0), node.axis(node.integer("axis", -1), node.rank(0)), node.number("epsilon", 1e-5), node.input(1));
}

Ids einsum_of(const NodeImporter& node) {
  Ids operands;
  for (size_t i = 0; i < node.input_count(); ++i) operands.push_back(node.input(i));
  return einsum(node, node.string("equation", ""), operands);
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

constexpr Operator kLayerRows[] = {
    {.op_type = "BatchNormalization", .convert = batch_normalization},
    {.op_type = "LayerNormalization", .since = 17, .convert = layer_normalization},
    {.op_type = "InstanceNormalization", .convert = instance_normalization},
    {.op_type = "GroupNormalization", .since = 18, .convert = group_normalization},
    {.op_type = "RMSNormalization", .since = 23, .convert = rms_normalization},
    {.op_type = "Einsum", .since = 12, .convert = einsum_of},
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

std::span<const Operator> layer_operators() { return kLayerRows; }

}  // namespace ropeway::onnx
