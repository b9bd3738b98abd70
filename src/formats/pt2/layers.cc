// Products, normalisation, softmax and attention.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/text.h"
#include "formats/compositions.h"
#include "formats/einsum.h"
#include "formats/pt2/operators.h"
#include "formats/pt2/promotion.h"
#include "ops/convert.h"

namespace ropeway::pt2 {
namespace {

using Ids = std::vector<ValueId>;

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

Ids group_norm(const NodeImporter& node) {
  node.ignore({"cudnn_enabled", "N", "C", "HxW"});  // sizes of the input, once more
  return ropeway::group_norm(node, node.tensor("input"), node.integer(node.has("group") ? "group" : "num_groups"), node.number("eps", 1e-5), node.optional_tensor("weight"), node.optional_tensor("bias"));
}

// By the statistics of each image, or else by those of training.
Ids instance_norm(const NodeImporter& node) {
  if (node.rank("input") < 2) fail(ErrorCode::invalid_model, "an input of {} has no channels", to_string(node.type("input")));
  if (!node.boolean("use_input_stats", true)) return inference_batch_norm(node);
  if (node.has("running_mean")) fail(ErrorCode::unsupported, "instance normalisation in training mode: call model.eval() before the export");
  node.ignore({"momentum", "cudnn_enabled", "running_var"});
  return ropeway::group_norm(node, node.tensor("input"), node.shape("input")[1], node.number("eps", 1e-5), node.optional_tensor("weight"), node.optional_tensor("bias"));
}

// What instance normalisation is decomposed to: the channels of all images as those of one.
Ids batch_norm_without_statistics(const NodeImporter& node) {
  const Shape shape = node.shape("input");
  if (shape.size() < 2 || shape[0] != 1) fail(ErrorCode::unsupported, "batch normalisation by the batch's own statistics is not supported: call model.eval() before the export");
  node.ignore({"training", "momentum"});
  return ropeway::group_norm(node, node.tensor("input"), shape[1], node.number("eps", 1e-5), node.optional_tensor("weight"), node.optional_tensor("bias"));
}

Ids rms_norm(const NodeImporter& node) {
  const int64_t axis = node.rank("input") - std::ssize(node.integers("normalized_shape"));
  if (axis < 0) fail(ErrorCode::invalid_model, "normalisation over more dimensions than {} has", to_string(node.type("input")));
  // The least number that added to 1 gives another, in the dtype that it is computed in.
  const double least = node.type("input").dtype == DType::f64 ? std::numeric_limits<double>::epsilon() : static_cast<double>(std::numeric_limits<float>::epsilon());
  return ropeway::rms_norm(node, node.tensor("input"), axis, node.number("eps", least), node.optional_tensor("weight"));
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

Ids einsum_of(const NodeImporter& node) {
  node.ignore({"path"});  // in which order: of no consequence
  return einsum(node, node.text("equation", ""), node.tensors("tensors"));
}

// ---- softmax, attention, dropout ----

template <Op op>
Ids softmax(const NodeImporter& node) {
  ValueId self = node.tensor("self");
  if (const auto dtype = node.dtype("dtype")) self = cast_to(node, self, *dtype);
  if (node.boolean("half_to_float", false)) self = cast_to(node, self, DType::f32);
  return node.result(op, AxisParams{node.axis("dim", -1)}, {self});
}

// Which keys each query sees, as booleans; kNoValue: all.
ValueId visible_keys(const NodeImporter& node, const Shape& scores) {
  if (!node.boolean("is_causal", false)) return node.has("attn_mask") && node.type("attn_mask").dtype == DType::boolean ? node.tensor("attn_mask") : kNoValue;
  if (node.has("attn_mask")) fail(ErrorCode::unsupported, "attention with dropout, a mask and is_causal at once is not supported");
  return triangle_mask(node, scores[scores.size() - 2], scores.back(), 0, false);
}

// softmax(Q Kᵀ scale + mask), some of it left out at random, times V. A query that sees nothing gives zeros.
Ids attention_with_dropout(const NodeImporter& node, double scale) {
  const ValueId query = node.tensor("query"), key = node.tensor("key");
  const DType dtype = node.type_of(query).dtype;
  const int64_t rank = node.rank("key"), last = node.rank("query") - 1;
  if (rank < 2 || last < 1) fail(ErrorCode::invalid_model, "attention of {} to {}", to_string(node.type("query")), to_string(node.type("key")));
  const auto number = [&](double value) { return node.step_constant(filled({dtype, {}}, value)); };
  const auto step = [&](BinaryFunction function, ValueId a, ValueId b) { return node.step(Op::Binary, BinaryParams{function}, {a, b}); };
  PermParams perm{Ints(static_cast<size_t>(rank))};
  std::iota(perm.perm.begin(), perm.perm.end(), 0);
  std::swap(perm.perm.rbegin()[0], perm.perm.rbegin()[1]);
  ValueId scores = node.step(Op::MatMul, NoParams{}, {query, node.step(Op::Transpose, perm, {key})});
  scores = step(BinaryFunction::mul, scores, number(scale));
  const ValueId visible = visible_keys(node, node.shape_of(scores));
  if (visible != kNoValue) scores = node.step(Op::Where, NoParams{}, {visible, scores, number(-65504)});  // the least number of 16 bits
  else if (node.has("attn_mask")) scores = step(BinaryFunction::add, scores, node.tensor("attn_mask"));
  ValueId weights = node.step(Op::Softmax, AxisParams{node.rank_of(scores) - 1}, {scores});
  if (visible != kNoValue) weights = node.step(Op::Where, NoParams{}, {visible, weights, number(0)});
  weights = node.step(Op::Dropout, DropoutParams{node.number("dropout_p"), true}, {weights});
  return node.result(Op::MatMul, NoParams{}, {weights, node.tensor("value")});
}

Ids attention(const NodeImporter& node) {
  const bool grouped = node.boolean("enable_gqa", false) && node.rank("query") >= 3 && node.rank("key") >= 3 && node.shape("query")[node.shape("query").size() - 3] != node.shape("key")[node.shape("key").size() - 3];
  if (grouped) fail(ErrorCode::unsupported, "attention with fewer heads of keys than of queries is not supported");
  const double width = static_cast<double>(node.shape("query").empty() ? 1 : node.shape("query").back());
  const AttentionParams params{node.number("scale", 1 / std::sqrt(width)), node.boolean("is_causal", false)};
  if (node.number("dropout_p", 0) != 0) return attention_with_dropout(node, params.scale);
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

constexpr Operator kLayerRows[] = {
    {"batch_norm.default", batch_norm},
    {"_native_batch_norm_legit_no_training.default", inference_batch_norm},
    {"layer_norm.default", layer_norm},
    {"native_layer_norm.default", layer_norm},
    {"group_norm.default", group_norm},
    {"native_group_norm.default", group_norm},
    {"instance_norm.default", instance_norm},
    {"_native_batch_norm_legit.no_stats", batch_norm_without_statistics},
    {"rms_norm.default", rms_norm},
    {"_fused_rms_norm.default", rms_norm},
    {"linear.default", linear},
    {"addmm.default", addmm},
    {"mm.default", mm},
    {"bmm.default", bmm},
    {"matmul.default", matmul},
    {"baddbmm.default", baddbmm},
    {"einsum.default", einsum_of},
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

std::span<const Operator> layer_operators() { return kLayerRows; }

}  // namespace ropeway::pt2
