// Operators with weights or windows, normalisation, softmax and attention.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "formats/pt2/operators.h"
#include "formats/pt2/promotion.h"
#include "ops/convert.h"

namespace ropeway::pt2 {
namespace {

using Ids = std::vector<ValueId>;

// PyTorch's operators for n spatial dimensions also take an image without a batch.
template <size_t n>
void expect_batch(const NodeImporter& node, const char* input) {
  const auto rank = static_cast<size_t>(node.rank(input));
  if (rank == n + 1) fail(ErrorCode::unsupported, "an input of {} has no batch dimension. Export the model with x.unsqueeze(0)", to_string(node.type(input)));
  if (rank != n + 2) fail(ErrorCode::invalid_model, "an input of {} does not have {} spatial dimensions", to_string(node.type(input)), n);
}

// One number per spatial dimension: a single one is meant for all.
Ints per_dimension(const NodeImporter& node, const char* name, size_t count, int64_t fallback) {
  Ints result = node.integers(name, {fallback});
  if (result.empty()) result = {fallback};
  if (result.size() == 1) result.assign(count, result[0]);
  if (result.size() != count) fail(ErrorCode::invalid_model, "{} [{}] must have {} numbers", name, fmt::join(result, ","), count);
  return result;
}

Ints both_sides(const Ints& pads) {
  Ints result = pads;
  result.insert(result.end(), pads.begin(), pads.end());
  return result;
}

// ---- convolution ----

// Padding "same": the odd element at the end.
Ints named_padding(const std::string& name, const Shape& weight, const Ints& dilations) {
  const size_t n = dilations.size();
  Ints pads(2 * n, 0);
  if (name != "same" && name != "valid") fail(ErrorCode::invalid_model, "the padding is '{}', not same or valid", name);
  for (size_t d = 0; d < n && name == "same"; ++d) {
    const int64_t total = dilations[d] * (weight[d + 2] - 1);
    pads[d] = total / 2;
    pads[n + d] = total - total / 2;
  }
  return pads;
}

template <size_t n, bool named>
Ids conv(const NodeImporter& node) {
  expect_batch<n>(node, "input");
  if (node.rank("weight") != node.rank("input")) fail(ErrorCode::invalid_model, "a weight of {} does not fit an input of {}", to_string(node.type("weight")), to_string(node.type("input")));
  ConvParams params{per_dimension(node, "stride", n, 1), {}, per_dimension(node, "dilation", n, 1), node.integer("groups", 1)};
  params.pads = named ? named_padding(node.text("padding", "valid"), node.shape("weight"), params.dilations) : both_sides(per_dimension(node, "padding", n, 0));
  return node.result(Op::Conv, params, {node.tensor("input"), node.tensor("weight"), node.optional_tensor("bias")});
}

Ids convolution(const NodeImporter& node) {
  if (node.boolean("transposed", false)) fail(ErrorCode::unsupported, "transposed convolution is not supported");
  node.ignore({"output_padding"});  // of the transposed one
  switch (node.rank("weight")) {
    case 3: return conv<1, false>(node);
    case 4: return conv<2, false>(node);
    case 5: return conv<3, false>(node);
    default: fail(ErrorCode::invalid_model, "convolution with a weight of {}", to_string(node.type("weight")));
  }
}

// ---- pooling ----

PoolParams window(const NodeImporter& node, size_t n) {
  PoolParams params;
  params.kernel_shape = per_dimension(node, "kernel_size", n, 1);
  const bool has_stride = node.has("stride") && !node.integers("stride").empty();
  params.strides = has_stride ? per_dimension(node, "stride", n, 1) : params.kernel_shape;
  params.pads = both_sides(per_dimension(node, "padding", n, 0));
  params.dilations.assign(n, 1);
  params.ceil_mode = node.boolean("ceil_mode", false);
  return params;
}

template <size_t n>
Ids max_pool(const NodeImporter& node) {
  expect_batch<n>(node, "self");
  PoolParams params = window(node, n);
  params.dilations = per_dimension(node, "dilation", n, 1);
  return node.result(Op::MaxPool, params, {node.tensor("self")});
}

template <size_t n>
Ids average_pool(const NodeImporter& node) {
  expect_batch<n>(node, "self");
  PoolParams params = window(node, n);
  params.count_include_pad = node.boolean("count_include_pad", true);
  params.divisor = node.integer("divisor_override", 0);
  return node.result(Op::AveragePool, params, {node.tensor("self")});
}

template <size_t n>
Ids adaptive_average_pool(const NodeImporter& node) {
  expect_batch<n>(node, "self");
  return node.result(Op::AdaptiveAveragePool, AdaptivePoolParams{per_dimension(node, "output_size", n, 1)}, {node.tensor("self")});
}

// To one element per channel: the only size that is a plain maximum.
template <size_t n>
Ids adaptive_max_pool(const NodeImporter& node) {
  expect_batch<n>(node, "self");
  if (per_dimension(node, "output_size", n, 1) != Ints(n, 1)) fail(ErrorCode::unsupported, "adaptive max pooling to more than one element is not supported");
  ReduceParams params{ReduceFunction::max, Ints(n), true};
  for (size_t d = 0; d < n; ++d) params.axes[d] = static_cast<int64_t>(d) + 2;
  return node.result(Op::Reduce, params, {node.tensor("self")});
}

// ---- normalisation ----

ValueId vector_or(const NodeImporter& node, const char* name, int64_t count, double otherwise) {
  return node.has(name) ? node.tensor(name) : node.step_constant(filled({node.type("input").dtype, {count}}, otherwise));
}

Ids inference_batch_norm(const NodeImporter& node) {
  if (!node.has("running_mean") || !node.has("running_var")) fail(ErrorCode::unsupported, "batch normalisation by the batch's own statistics is not supported (track_running_stats=False)");
  if (node.rank("input") < 2) fail(ErrorCode::invalid_model, "an input of {} has no channels", to_string(node.type("input")));
  node.ignore({"momentum", "cudnn_enabled"});
  const int64_t channels = node.shape("input")[1];
  return node.result(Op::BatchNormalization, EpsilonParams{node.number("eps", 1e-5)},
                     {node.tensor("input"), vector_or(node, "weight", channels, 1), vector_or(node, "bias", channels, 0), node.tensor("running_mean"), node.tensor("running_var")});
}

Ids batch_norm(const NodeImporter& node) {
  if (node.boolean("training", false)) fail(ErrorCode::unsupported, "batch normalisation in training mode: call model.eval() before the export");
  return inference_batch_norm(node);
}

Ids layer_norm(const NodeImporter& node) {
  node.ignore({"cudnn_enable"});
  const NormParams params{node.rank("input") - std::ssize(node.integers("normalized_shape")), node.number("eps", 1e-5)};
  if (params.axis < 0) fail(ErrorCode::invalid_model, "layer normalisation over more dimensions than {} has", to_string(node.type("input")));
  return node.result(Op::LayerNormalization, params, {node.tensor("input"), node.optional_tensor("weight"), node.optional_tensor("bias")});
}

// The channels of a group as one: normalised together, then scaled and shifted each.
Ids group_norm(const NodeImporter& node) {
  node.ignore({"cudnn_enabled", "N", "C", "HxW"});  // sizes of the input, once more
  const Shape shape = node.shape("input");
  const int64_t groups = node.integer(node.has("group") ? "group" : "num_groups");
  if (shape.size() < 2 || groups < 1 || shape[1] % groups != 0) fail(ErrorCode::invalid_model, "the channels of {} do not divide into {} groups", to_string(node.type("input")), groups);
  const ValueId rows = node.reshape(node.tensor("input"), settled_shape(node.type("input"), {shape[0], groups, -1}));
  const ValueId normal = node.step(Op::LayerNormalization, NormParams{2, node.number("eps", 1e-5)}, {rows});
  Shape channel(shape.size(), 1);
  channel[1] = shape[1];
  ValueId value = node.reshape(normal, shape);
  if (node.has("weight")) value = node.step(Op::Binary, BinaryParams{BinaryFunction::mul}, {value, node.reshape(node.tensor("weight"), channel)});
  if (node.has("bias")) value = node.step(Op::Binary, BinaryParams{BinaryFunction::add}, {value, node.reshape(node.tensor("bias"), channel)});
  return node.result(Op::Identity, NoParams{}, {value});
}

// ---- products ----

// The matrix of which a value is the transpose: the weight of a Linear that was taken apart.
ValueId transposed_matrix(const NodeImporter& node, ValueId id) {
  const Node* producer = node.producer(id);
  return producer != nullptr && producer->op == Op::Transpose && producer->get<PermParams>().perm == Ints{1, 0} ? producer->inputs[0] : kNoValue;
}

Ids linear(const NodeImporter& node) {
  const ValueId input = node.tensor("input"), weight = node.tensor("weight"), bias = node.optional_tensor("bias");
  GemmParams params;
  params.transB = true;
  if (node.rank("input") == 2) return node.result(Op::Gemm, params, {input, weight, bias});
  if (node.rank("weight") != 2) fail(ErrorCode::unsupported, "linear with a weight of {} is not supported", to_string(node.type("weight")));
  const ValueId columns = node.step(Op::Transpose, PermParams{{1, 0}}, {weight});
  if (bias == kNoValue) return node.result(Op::MatMul, NoParams{}, {input, columns});
  return node.result(Op::Binary, BinaryParams{BinaryFunction::add}, {node.step(Op::MatMul, NoParams{}, {input, columns}), bias});
}

Ids addmm(const NodeImporter& node) {
  GemmParams params{node.number("alpha", 1), node.number("beta", 1), false, false};
  ValueId second = node.tensor("mat2");
  if (const ValueId weight = transposed_matrix(node, second); weight != kNoValue) {
    params.transB = true;
    second = weight;
  }
  return node.result(Op::Gemm, params, {node.tensor("mat1"), second, node.tensor("self")});
}

Ids mm(const NodeImporter& node) {
  if (const ValueId weight = transposed_matrix(node, node.tensor("mat2")); weight != kNoValue) {
    GemmParams params;
    params.transB = true;
    return node.result(Op::Gemm, params, {node.tensor("self"), weight});
  }
  return node.result(Op::MatMul, NoParams{}, {node.tensor("self"), node.tensor("mat2")});
}

Ids bmm(const NodeImporter& node) { return node.result(Op::MatMul, NoParams{}, {node.tensor("self"), node.tensor("mat2")}); }

Ids matmul(const NodeImporter& node) { return node.result(Op::MatMul, NoParams{}, {node.tensor("self"), node.tensor("other")}); }

Ids baddbmm(const NodeImporter& node) {
  const auto scaled = [&](ValueId id, double factor) {
    if (factor == 1) return id;
    return node.step(Op::Binary, BinaryParams{BinaryFunction::mul}, {id, node.step_constant(filled({node.type_of(id).dtype, {}}, factor))});
  };
  const ValueId batches = scaled(node.step(Op::MatMul, NoParams{}, {node.tensor("batch1"), node.tensor("batch2")}), node.number("alpha", 1));
  return node.result(Op::Binary, BinaryParams{BinaryFunction::add}, {batches, scaled(node.tensor("self"), node.number("beta", 1))});
}

// ---- softmax, attention, dropout ----

template <Op op>
Ids softmax(const NodeImporter& node) {
  ValueId self = node.tensor("self");
  if (const auto dtype = node.dtype("dtype")) self = cast_to(node, self, *dtype);
  if (node.boolean("half_to_float", false)) self = cast_to(node, self, DType::f32);
  return node.result(op, AxisParams{node.axis("dim", -1)}, {self});
}

Ids attention(const NodeImporter& node) {
  if (node.number("dropout_p", 0) != 0) fail(ErrorCode::unsupported, "attention with dropout: call model.eval() before the export, and pass dropout_p only when training");
  const bool grouped = node.boolean("enable_gqa", false) && node.rank("query") >= 3 && node.rank("key") >= 3 && node.shape("query")[node.shape("query").size() - 3] != node.shape("key")[node.shape("key").size() - 3];
  if (grouped) fail(ErrorCode::unsupported, "attention with fewer heads of keys than of queries is not supported");
  const double width = static_cast<double>(node.shape("query").empty() ? 1 : node.shape("query").back());
  const AttentionParams params{node.number("scale", 1 / std::sqrt(width)), node.boolean("is_causal", false)};
  return node.result(Op::ScaledDotProductAttention, params, {node.tensor("query"), node.tensor("key"), node.tensor("value"), node.optional_tensor("attn_mask")});
}

// Where nothing is dropped, PyTorch returns its argument.
template <bool whole_channels>
Ids dropout(const NodeImporter& node) {
  const double p = node.number("p", 0.5);
  const ValueId x = node.tensor(node.has("self") ? "self" : "input");  // in place it is called self
  const bool trains = node.boolean("train", false) && p != 0 && element_count(node.shape_of(x)) > 0;
  return node.result(Op::Dropout, DropoutParams{p, trains, trains && whole_channels}, {x});
}

// Its second result, the mask, is not computed.
Ids native_dropout(const NodeImporter& node) {
  const double p = node.number("p", 0.5);
  if (!node.boolean("train", true) || p == 0) return node.result(Op::Identity, NoParams{}, {node.tensor("input")});
  return node.result(Op::Dropout, DropoutParams{p, true}, {node.tensor("input")});
}

// What PyTorch takes dropout apart into: 1 with probability p, else 0. That is the sign of ones of which dropout keeps so many.
Ids bernoulli(const NodeImporter& node) {
  const TensorType type = node.type("self");
  const double p = node.number("p", 0.5);
  const ValueId ones = node.step(Op::Expand, ShapeParams{type.shape}, {node.step_constant(filled({type.dtype, {}}, 1))});
  return node.result(Op::Unary, UnaryParams{UnaryFunction::sign, 0, 0}, {node.step(Op::Dropout, DropoutParams{1 - p, true}, {ones})});
}

constexpr Operator kRows[] = {
    {"conv1d.default", conv<1, false>},
    {"conv2d.default", conv<2, false>},
    {"conv3d.default", conv<3, false>},
    {"conv1d.padding", conv<1, true>},
    {"conv2d.padding", conv<2, true>},
    {"conv3d.padding", conv<3, true>},
    {"convolution.default", convolution},
    {"max_pool1d.default", max_pool<1>},
    {"max_pool2d.default", max_pool<2>},
    {"max_pool3d.default", max_pool<3>},
    {"max_pool2d_with_indices.default", max_pool<2>},
    {"max_pool3d_with_indices.default", max_pool<3>},
    {"avg_pool1d.default", average_pool<1>},
    {"avg_pool2d.default", average_pool<2>},
    {"avg_pool3d.default", average_pool<3>},
    {"adaptive_avg_pool1d.default", adaptive_average_pool<1>},
    {"adaptive_avg_pool2d.default", adaptive_average_pool<2>},
    {"adaptive_avg_pool3d.default", adaptive_average_pool<3>},
    {"_adaptive_avg_pool2d.default", adaptive_average_pool<2>},
    {"_adaptive_avg_pool3d.default", adaptive_average_pool<3>},
    {"adaptive_max_pool1d.default", adaptive_max_pool<1>},
    {"adaptive_max_pool2d.default", adaptive_max_pool<2>},
    {"adaptive_max_pool3d.default", adaptive_max_pool<3>},
    {"batch_norm.default", batch_norm},
    {"_native_batch_norm_legit_no_training.default", inference_batch_norm},
    {"layer_norm.default", layer_norm},
    {"native_layer_norm.default", layer_norm},
    {"group_norm.default", group_norm},
    {"native_group_norm.default", group_norm},
    {"linear.default", linear},
    {"addmm.default", addmm},
    {"mm.default", mm},
    {"bmm.default", bmm},
    {"matmul.default", matmul},
    {"baddbmm.default", baddbmm},
    {"softmax.int", softmax<Op::Softmax>},
    {"_softmax.default", softmax<Op::Softmax>},
    {"log_softmax.int", softmax<Op::LogSoftmax>},
    {"_log_softmax.default", softmax<Op::LogSoftmax>},
    {"scaled_dot_product_attention.default", attention},
    {"dropout.default", dropout<false>, Sharing::view},
    {"feature_dropout.default", dropout<true>, Sharing::view},
    {"native_dropout.default", native_dropout},
    {"bernoulli.p", bernoulli},
};

}  // namespace

std::span<const Operator> layer_operators() { return kRows; }

}  // namespace ropeway::pt2
