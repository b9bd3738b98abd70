#include "chip/numerics.h"

#include <algorithm>
#include <utility>

#include "chip/rounding.h"
#include "ops/convert.h"

namespace ropeway::chip {
namespace {

bool is_cast_to_f16(const Node& node) { return node.op == Op::Cast && node.get<CastParams>().to == DType::f16; }

class Rounding {
 public:
  Rounding(Graph graph, const NumericsOptions& options) : graph_(std::move(graph)), options_(options), readers_(graph_.values.size()), delivered_(graph_.values.size()) {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      for (const ValueId id : graph_.nodes[i].inputs) {
        if (id != kNoValue) readers_[at(id)].push_back(static_cast<int>(i));
      }
    }
    for (const ValueId id : graph_.outputs) delivered_[at(id)] = true;
    for (const Value& value : graph_.values) constant_.push_back(value.constant.has_value());
    now_.resize(graph_.values.size());
    for (size_t i = 0; i < now_.size(); ++i) now_[i] = static_cast<ValueId>(i);
    raw_.resize(graph_.values.size(), false);
  }

  Graph run() {
    for (const ValueId id : graph_.inputs) round_input(id);
    std::vector<Node> nodes = std::move(graph_.nodes);
    for (Node& node : nodes) {
      for (const ValueId id : node.inputs) round_constant(id);
      add(node, nodes);
    }
    graph_.nodes = std::move(kept_);
    return compact(graph_);
  }

 private:
  static size_t at(ValueId id) { return static_cast<size_t>(id); }
  bool is_f32(ValueId id) const { return id != kNoValue && graph_.type(id).dtype == DType::f32; }

  void cast(ValueId from, ValueId to, const Origin& origin) { kept_.push_back({Op::Cast, CastParams{graph_.type(to).dtype}, {from}, {to}, origin}); }
  ValueId half_of(ValueId id) { return graph_.add_value(graph_.value(id).name + ".f16", {DType::f16, graph_.type(id).shape}); }

  void round_input(ValueId id) {
    const auto& readers = readers_[at(id)];
    if (!is_f32(id) || readers.empty() || only_read_to_be_rounded(id, graph_.nodes)) return;
    const Origin origin{graph_.value(id).name, {}};
    const ValueId half = half_of(id), rounded = graph_.add_value(graph_.value(id).name + ".rounded", graph_.type(id));
    cast(id, half, origin);
    cast(half, rounded, origin);
    now_[at(id)] = rounded;
  }

  // The constant's value is from now on a Cast's.
  void round_constant(ValueId id) {
    if (!is_f32(id) || !graph_.is_constant(id)) return;
    const Tensor exact = *std::exchange(graph_.value(id).constant, std::nullopt);
    const ValueId half = graph_.add_constant(graph_.value(id).name + ".f16", convert(exact, DType::f16));
    cast(half, id, {graph_.value(id).name, {}});
  }

  void add(Node node, const std::vector<Node>& nodes) {
    const bool exact_inputs = std::none_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) { return id != kNoValue && raw_[at(id)]; });
    const bool selected = exact_inputs && selects(graph_, node) && !options_.everywhere;
    for (ValueId& id : node.inputs) {
      if (id != kNoValue) id = now_[at(id)];
    }
    std::vector<std::pair<ValueId, ValueId>> to_round;  // what the node gives, what others read
    for (ValueId& id : node.outputs) {
      if (!is_f32(id) || selected) continue;
      if (rounded_later(node, id, nodes)) {
        raw_[at(id)] = true;
        continue;
      }
      const ValueId unrounded = graph_.add_value(graph_.value(id).name + ".unrounded", graph_.type(id));
      to_round.emplace_back(std::exchange(id, unrounded), unrounded);
    }
    const Origin origin = node.origin;
    kept_.push_back(std::move(node));
    for (const auto& [id, unrounded] : to_round) {
      const ValueId half = half_of(id);
      cast(unrounded, half, origin);
      cast(half, id, origin);
    }
  }

  bool only_read_to_be_rounded(ValueId id, const std::vector<Node>& nodes) const {
    const auto& readers = readers_[at(id)];
    return !delivered_[at(id)] && !readers.empty() && std::all_of(readers.begin(), readers.end(), [&](int reader) { return is_cast_to_f16(nodes[static_cast<size_t>(reader)]); });
  }

  // Whether the only reader of the node's output takes care of rounding.
  bool rounded_later(const Node& node, ValueId id, const std::vector<Node>& nodes) const {
    if (only_read_to_be_rounded(id, nodes)) return true;
    if (delivered_[at(id)] || readers_[at(id)].size() != 1) return false;
    const Node& reader = nodes[static_cast<size_t>(readers_[at(id)][0])];
    return (is_clamp(reader) && !options_.everywhere) || (node.op == Op::MatMul && adds_bias(graph_, reader, id, constant_));
  }

  Graph graph_;
  const NumericsOptions& options_;
  std::vector<std::vector<int>> readers_;  // by value, as all below: the nodes that read it
  std::vector<bool> delivered_;            // an output of the graph
  std::vector<bool> constant_;             // in the graph that was given
  std::vector<bool> raw_;                  // left unrounded: its only reader sees to it
  std::vector<ValueId> now_;               // what nodes read in its place
  std::vector<Node> kept_;
};

}  // namespace

Graph apply_numerics(Graph graph, const NumericsOptions& options) {
  if (options.mode != PrecisionMode::force_fp16 || !options.keep.empty()) return round_by_operator(std::move(graph), options);
  return Rounding(std::move(graph), options).run();
}

}  // namespace ropeway::chip
