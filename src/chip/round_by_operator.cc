#include <algorithm>
#include <utility>

#include "chip/operators.h"
#include "chip/rounding.h"
#include "ops/convert.h"

namespace ropeway::chip {
namespace {

class OperatorRounding {
 public:
  OperatorRounding(Graph graph, const NumericsOptions& options) : graph_(std::move(graph)), options_(options), keep_(options.keep), half_(graph_.values.size(), false), rounded_(graph_.values.size(), kNoValue), uses_(use_counts(graph_)) {
    for (const Value& value : graph_.values) constant_.push_back(value.constant.has_value());
    bias_of_.resize(graph_.values.size(), false);
  }

  Graph run() {
    nodes_ = std::exchange(graph_.nodes, {});
    if (!keep_.empty()) keep_biases();
    for (size_t i = 0; i < nodes_.size(); ++i) add(nodes_[i], i);
    return compact(graph_);
  }

 private:
  static size_t at(ValueId id) { return static_cast<size_t>(id); }
  bool is_f32(ValueId id) const { return id != kNoValue && graph_.type(id).dtype == DType::f32; }

  // A product in 16 bits and the addition of its bias are one operator.
  Halves halves(const Node& node, size_t index) const {
    const bool with_bias = std::ranges::any_of(node.inputs, [&](ValueId id) { return id != kNoValue && at(id) < bias_of_.size() && bias_of_[at(id)]; });
    if (with_bias) return {true, options_.mode != PrecisionMode::force_fp32};
    return halves_of(graph_, node, options_.mode, keep_.contains(static_cast<int>(index)));
  }

  // A product and its bias are kept together.
  void keep_biases() {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].op != Op::MatMul) continue;
      const int product = static_cast<int>(i), bias = static_cast<int>(bias_after(nodes_[i].outputs[0], i));
      if (keep_.contains(product) && bias < static_cast<int>(nodes_.size())) keep_.insert(bias);
      if (keep_.contains(bias)) keep_.insert(product);
    }
  }

  void cast(ValueId from, ValueId to, const Origin& origin) { graph_.nodes.push_back({Op::Cast, CastParams{graph_.type(to).dtype}, {from}, {to}, origin}); }

  ValueId new_value(ValueId like, const char* ending, DType dtype, bool half) {
    const ValueId id = graph_.add_value(graph_.value(like).name + ending, {dtype, graph_.type(like).shape});
    half_.resize(graph_.values.size(), false);
    rounded_.resize(graph_.values.size(), kNoValue);
    half_[at(id)] = half;
    return id;
  }

  // The value as 16 bits have it.
  ValueId rounded(ValueId id, const Origin& origin) {
    if (!is_f32(id) || half_[at(id)]) return id;
    if (rounded_[at(id)] != kNoValue) return rounded_[at(id)];
    const ValueId half = new_value(id, ".f16", DType::f16, false), result = new_value(id, ".rounded", DType::f32, true);
    if (graph_.is_constant(id)) graph_.value(half).constant = convert(*graph_.value(id).constant, DType::f16);
    else cast(id, half, origin);
    cast(half, result, origin);
    return rounded_[at(id)] = result;
  }

  void add(Node node, size_t index) {
    const Halves halves_of_node = halves(node, index);
    const Origin origin = node.origin;
    if (halves_of_node.in) {
      for (ValueId& id : node.inputs) {
        if (id != kNoValue && !raw(id)) id = rounded(id, origin);
      }
    }
    const bool exact = std::ranges::all_of(node.inputs, [&](ValueId id) { return !is_f32(id) || half_[at(id)]; });
    const bool selected = exact && selects(graph_, node);
    const bool leaves_it = halves_of_node.out && node.op == Op::MatMul && bias_after(node.outputs[0], index) < nodes_.size();
    std::vector<std::pair<ValueId, ValueId>> to_round;  // what the node gives, what others read
    for (ValueId& id : node.outputs) {
      if (!is_f32(id)) continue;
      half_[at(id)] = selected || (halves_of_node.out && !leaves_it);
      if (leaves_it) bias_of_[at(id)] = true;
      if (!halves_of_node.out || selected || leaves_it) continue;
      const ValueId whole = std::exchange(id, kNoValue);
      id = new_value(whole, ".unrounded", DType::f32, false);
      to_round.emplace_back(id, whole);
    }
    graph_.nodes.push_back(std::move(node));
    for (const auto& [unrounded, whole] : to_round) {
      const ValueId half = new_value(whole, ".f16", DType::f16, false);
      cast(unrounded, half, origin);
      cast(half, whole, origin);
    }
  }

  bool raw(ValueId id) const { return at(id) < bias_of_.size() && bias_of_[at(id)]; }

  // The node that adds the bias of a product, or one past the last.
  size_t bias_after(ValueId product, size_t index) const {
    if (uses_[at(product)] != 1) return nodes_.size();
    for (size_t i = index + 1; i < nodes_.size(); ++i) {
      if (std::ranges::count(nodes_[i].inputs, product) > 0) return adds_bias(graph_, nodes_[i], product, constant_) ? i : nodes_.size();
    }
    return nodes_.size();
  }

  Graph graph_;
  const NumericsOptions& options_;
  std::set<int> keep_;
  std::vector<bool> half_;       // by value, as all below: its elements are 16-bit floats
  std::vector<ValueId> rounded_; // what it is rounded, once somebody has asked
  std::vector<int> uses_;        // in the graph that was given, as the two below
  std::vector<bool> constant_;
  std::vector<bool> bias_of_;    // a product that is left as it is for the addition of its bias
  std::vector<Node> nodes_;      // that were given
};

}  // namespace

Halves halves_of(const Graph& graph, const Node& node, PrecisionMode mode, bool kept) {
  const auto is_f32 = [&](ValueId id) { return id != kNoValue && graph.type(id).dtype == DType::f32; };
  if (!is_f32(data_input(node)) && !is_f32(node.outputs[0])) return {};
  if (mode == PrecisionMode::force_fp16 && !kept) return {true, true};
  const std::string_view ge = ge_operator(graph, node);
  const GeOperator* const listed = find_ge_operator(ge);
  if (listed == nullptr) return {};
  const auto on_core = [&](DType dtype) { return std::ranges::count(listed->core_dtypes, dtype) > 0; };
  if (mode == PrecisionMode::must_keep_origin_dtype) return {node.op == Op::Conv, false};
  if (kept && node.op == Op::Conv) return {true, false};
  if (kept) return on_core(DType::f32) || !on_core(DType::f16) ? Halves{} : Halves{true, true};
  for (const DType dtype : computed_dtypes(mode, is_product(ge), DType::f32)) {
    if (!on_core(dtype)) continue;
    const bool half = dtype == DType::f16;
    return {half, half && !(is_product(ge) && mode == PrecisionMode::force_fp32)};
  }
  return {};
}

Graph round_by_operator(Graph graph, const NumericsOptions& options) { return OperatorRounding(std::move(graph), options).run(); }

}  // namespace ropeway::chip
