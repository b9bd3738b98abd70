#include "report/describe.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"

namespace ropeway {
namespace {

// As Python prints a tuple.
std::string tuple(const Ints& values) { return values.size() == 1 ? fmt::format("({},)", values[0]) : fmt::format("({})", fmt::join(values, ", ")); }

// As Python prints a float. What a file holds in single precision was written by a person with few digits: 1e-06, not 9.999999974752427e-07.
std::string real(double value) {
  const auto single = static_cast<float>(value);
  const std::string text = single == value ? fmt::format("{}", single) : fmt::format("{}", value);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

// One number where all are equal: how such sizes are mostly written.
std::string number_or_tuple(const Ints& values) {
  const bool equal = !values.empty() && std::all_of(values.begin(), values.end(), [&](int64_t value) { return value == values[0]; });
  return equal ? std::to_string(values[0]) : tuple(values);
}

bool all_are(const Ints& values, int64_t wanted) {
  return std::all_of(values.begin(), values.end(), [&](int64_t value) { return value == wanted; });
}

// Begins and ends of the padding: one number per dimension where they agree, a pair where not.
std::string padding_of(const Ints& pads, bool shorten) {
  const auto half = pads.begin() + static_cast<std::ptrdiff_t>(pads.size() / 2);
  const Ints begins(pads.begin(), half), ends(half, pads.end());
  if (begins == ends) return shorten ? number_or_tuple(begins) : tuple(begins);
  std::vector<std::string> pairs;
  for (size_t i = 0; i < begins.size(); ++i) pairs.push_back(tuple({begins[i], ends[i]}));
  return fmt::format("({})", fmt::join(pairs, ", "));
}

std::string pool(const Node& node, size_t dimensions) {
  const auto& p = node.get<PoolParams>();
  if (node.op == Op::AveragePool && dimensions == 1) return fmt::format("AvgPool1d(kernel_size={}, stride={}, padding={})", tuple(p.kernel_shape), tuple(p.strides), padding_of(p.pads, false));
  std::string text = fmt::format("{}{}d(kernel_size={}, stride={}, padding={}", node.op == Op::MaxPool ? "MaxPool" : "AvgPool", dimensions, number_or_tuple(p.kernel_shape),
                                 number_or_tuple(p.strides), padding_of(p.pads, true));
  if (node.op == Op::MaxPool) text += fmt::format(", dilation={}, ceil_mode={}", number_or_tuple(p.dilations), p.ceil_mode ? "True" : "False");
  return text + ")";
}

std::string unary(const UnaryParams& p) {
  switch (p.function) {
    case UnaryFunction::relu: return "ReLU()";
    case UnaryFunction::clip:
      if (p.alpha == 0 && p.beta == 6) return "ReLU6()";
      return fmt::format("Hardtanh(min_val={}, max_val={})", real(p.alpha), real(p.beta));
    case UnaryFunction::leaky_relu: return fmt::format("LeakyReLU(negative_slope={})", real(p.alpha));
    case UnaryFunction::elu: return fmt::format("ELU(alpha={})", real(p.alpha));
    case UnaryFunction::sigmoid: return "Sigmoid()";
    case UnaryFunction::hard_sigmoid: return "Hardsigmoid()";
    case UnaryFunction::hard_swish: return "Hardswish()";
    case UnaryFunction::silu: return "SiLU()";
    case UnaryFunction::gelu: return "GELU(approximate='none')";
    case UnaryFunction::gelu_tanh: return "GELU(approximate='tanh')";
    case UnaryFunction::mish: return "Mish()";
    case UnaryFunction::tanh: return "Tanh()";
    default: return name(p.function);
  }
}

std::string layer_norm(const Graph& graph, const Node& node) {
  const auto& p = node.get<NormParams>();
  const Shape& shape = graph.type(node.inputs[0]).shape;
  const Ints normalised(shape.begin() + static_cast<std::ptrdiff_t>(p.axis), shape.end());
  const auto has = [&](size_t input) { return node.input(input) == kNoValue ? "False" : "True"; };
  return fmt::format("LayerNorm({}, eps={}, elementwise_affine={}, bias={})", tuple(normalised), real(p.epsilon), has(1), has(2));
}

std::string key(const Node& node) { return fmt::format("{} {}", name(node.op), to_string(node.origin)); }

}  // namespace

Describer::Describer(const Graph& graph) : graph_(graph), producer_(producers(graph)), uses_(use_counts(graph)), reader_(graph.values.size(), -1), is_input_(graph.values.size(), false) {
  for (const ValueId id : graph.inputs) is_input_[static_cast<size_t>(id)] = true;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const ValueId id : graph.nodes[n].inputs) {
      if (id != kNoValue) reader_[static_cast<size_t>(id)] = static_cast<int>(n);
    }
  }
}

bool Describer::is_weight(ValueId id) const { return id != kNoValue && producer_[static_cast<size_t>(id)] < 0 && !is_input_[static_cast<size_t>(id)]; }

bool Describer::bears_weight(const Node& node) const {
  if (node.op == Op::Conv || node.op == Op::Gemm || node.op == Op::LayerNormalization || node.op == Op::BatchNormalization) return is_weight(node.input(1));
  if (node.op == Op::Gather) return is_weight(node.input(0)) && graph_.type(node.input(0)).shape.size() == 2;
  return node.op == Op::MatMul && (is_weight(node.input(0)) || is_weight(node.input(1)));
}

const Node* Describer::bias_after(const Node& product) const {
  const auto out = static_cast<size_t>(product.outputs[0]);
  if (uses_[out] != 1 || reader_[out] < 0) return nullptr;
  const Node& next = graph_.nodes[static_cast<size_t>(reader_[out])];
  if (next.op != Op::Binary || next.get<BinaryParams>().function != BinaryFunction::add) return nullptr;
  const ValueId other = next.inputs[0] == product.outputs[0] ? next.inputs[1] : next.inputs[0];
  const Shape& vector = graph_.type(other).shape;
  return is_weight(other) && vector.size() == 1 && vector[0] == graph_.type(product.outputs[0]).shape.back() ? &next : nullptr;
}

bool Describer::is_bias(const Node& node) const {
  for (const ValueId id : node.inputs) {
    const int from = id == kNoValue ? -1 : producer_[static_cast<size_t>(id)];
    if (from < 0) continue;
    const Node& before = graph_.nodes[static_cast<size_t>(from)];
    if (before.op == Op::MatMul && is_weight(before.input(1)) && bias_after(before) == &node) return true;
  }
  return false;
}

std::string Describer::convolution(const Node& node) const {
  const auto& p = node.get<ConvParams>();
  const Shape& weight = graph_.type(node.inputs[1]).shape;  // [out, in / groups, kernel…]
  const Ints kernel(weight.begin() + 2, weight.end());
  std::string text = fmt::format("Conv{}d({}, {}, kernel_size={}, stride={}", kernel.size(), weight[1] * p.group, weight[0], tuple(kernel), tuple(p.strides));
  if (!all_are(p.pads, 0)) text += fmt::format(", padding={}", padding_of(p.pads, false));
  if (!all_are(p.dilations, 1)) text += fmt::format(", dilation={}", tuple(p.dilations));
  if (p.group != 1) text += fmt::format(", groups={}", p.group);
  if (node.input(2) == kNoValue) text += ", bias=False";
  return text + ")";
}

std::string Describer::product(const Node& node, ValueId weight, bool out_first, bool bias) const {
  const Shape& shape = graph_.type(weight).shape;
  if (shape.size() != 2) return name(node.op);
  return fmt::format("Linear(in_features={}, out_features={}, bias={})", shape[out_first ? 1 : 0], shape[out_first ? 0 : 1], bias ? "True" : "False");
}

std::string Describer::describe(const Node& node) const {
  const auto rank = [&] { return graph_.type(node.inputs[0]).shape.size(); };
  switch (node.op) {
    case Op::Conv: return convolution(node);
    case Op::Gemm: return is_weight(node.input(1)) ? product(node, node.inputs[1], node.get<GemmParams>().transB, node.input(2) != kNoValue) : "matmul";
    case Op::MatMul: return is_weight(node.input(1)) ? product(node, node.inputs[1], false, bias_after(node) != nullptr) : "matmul";
    case Op::MaxPool:
    case Op::AveragePool: return pool(node, rank() - 2);
    case Op::AdaptiveAveragePool: return fmt::format("AdaptiveAvgPool{}d(output_size={})", rank() - 2, tuple(node.get<AdaptivePoolParams>().output_size));
    case Op::BatchNormalization: return fmt::format("BatchNorm{}d({}, eps={})", rank() < 3 ? 1 : rank() - 2, graph_.type(node.inputs[1]).shape[0], real(node.get<EpsilonParams>().epsilon));
    case Op::LayerNormalization: return layer_norm(graph_, node);
    case Op::ScaledDotProductAttention: return "scaled_dot_product_attention";
    case Op::Gather: return bears_weight(node) ? fmt::format("Embedding({}, {})", graph_.type(node.inputs[0]).shape[0], graph_.type(node.inputs[0]).shape[1]) : name(node.op);
    case Op::Softmax: return fmt::format("Softmax(dim={})", node.get<AxisParams>().axis);
    case Op::LogSoftmax: return fmt::format("LogSoftmax(dim={})", node.get<AxisParams>().axis);
    case Op::Dropout: return fmt::format("Dropout(p={})", real(node.get<DropoutParams>().ratio));
    case Op::Unary: return unary(node.get<UnaryParams>());
    case Op::Binary: return name(node.get<BinaryParams>().function);
    case Op::Reduce: return fmt::format("{}(dim={})", name(node.get<ReduceParams>().function), tuple(node.get<ReduceParams>().axes));
    case Op::Reshape: return fmt::format("reshape{}", tuple(node.get<ShapeParams>().shape));
    case Op::Transpose: return fmt::format("permute{}", tuple(node.get<PermParams>().perm));
    case Op::Concat: return fmt::format("cat(dim={})", node.get<AxisParams>().axis);
    default: return name(node.op);
  }
}

std::string Describer::kind(const Node& node) const {
  const std::string text = describe(node);
  return text.substr(0, text.find('('));
}

Labels::Labels(const Graph& as_read) {
  const Describer describer(as_read);
  for (const Node& node : as_read.nodes) {
    if (!describer.bears_weight(node)) continue;
    const std::string text = describer.describe(node);
    const auto [at, added] = by_origin_.emplace(key(node), text);
    if (!added && at->second != text) at->second.clear();
  }
}

std::optional<std::string> Labels::find(const Node& node) const {
  const auto at = by_origin_.find(key(node));
  return at == by_origin_.end() || at->second.empty() ? std::nullopt : std::optional(at->second);
}

}  // namespace ropeway
