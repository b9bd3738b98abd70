#include "chip/fusion.h"

#include <algorithm>
#include <set>

#include "ops/shape_util.h"

namespace ropeway::chip {
namespace {

bool is_cube(Op op) { return op == Op::Conv || op == Op::Gemm || op == Op::MatMul; }
bool is_element_wise(Op op) { return op == Op::Unary || op == Op::Binary || op == Op::Where || op == Op::BatchNormalization || op == Op::Cast; }

class Grouping {
 public:
  explicit Grouping(const Graph& graph) : graph_(graph), group_(graph.values.size(), -1), root_(graph.values.size()), source_(graph.values.size()), known_(graph.values.size()) {
    for (size_t i = 0; i < graph.values.size(); ++i) {
      root_[i] = source_[i] = static_cast<ValueId>(i);
      known_[i] = graph.values[i].constant.has_value();
    }
  }

  std::vector<CompiledOperator> run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) add(static_cast<int>(i));
    collect();
    std::stable_sort(operators_.begin(), operators_.end(), [](const auto& a, const auto& b) { return a.nodes.back() < b.nodes.back(); });
    return std::move(operators_);
  }

 private:
  static size_t at(ValueId id) { return static_cast<size_t>(id); }
  int64_t count(ValueId id) const { return element_count(graph_.type(id).shape); }

  // Nodes that are no operators: their outputs are known, or another name for their input.
  bool vanishes(const Node& node) {
    if (std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) { return id == kNoValue || known_[at(id)]; })) {
      for (const ValueId id : node.outputs) known_[at(id)] = true;
      return true;
    }
    const ValueId in = node.inputs[0], out = node.outputs[0];
    const bool same_place = node.op == Op::Identity || node.op == Op::Dropout || (node.op == Op::Cast && is_float(graph_.type(in).dtype) && is_float(graph_.type(out).dtype));
    if (!same_place && node.op != Op::Reshape) return false;
    root_[at(out)] = root_[at(in)];
    if (same_place) source_[at(out)] = source_[at(in)];  // CANN fuses along direct edges: a Reshape ends a chain
    return true;
  }

  void add(int index) {
    const Node& node = graph_.nodes[static_cast<size_t>(index)];
    if (vanishes(node)) return;
    int group = is_element_wise(node.op) ? group_to_join(node) : -1;
    if (group < 0) {
      group = static_cast<int>(operators_.size());
      operators_.emplace_back();
      before_.emplace_back();
    }
    operators_[static_cast<size_t>(group)].nodes.push_back(index);
    for (const int other : groups_read(node)) {
      if (other != group) before_[static_cast<size_t>(group)].insert(other);
    }
    for (const ValueId id : node.outputs) group_[at(id)] = group;
  }

  std::set<int> groups_read(const Node& node) const {
    std::set<int> result;
    for (const ValueId id : node.inputs) {
      if (id != kNoValue && group_[at(root_[at(id)])] >= 0) result.insert(group_[at(root_[at(id)])]);
    }
    return result;
  }

  // The youngest operator that may take the node in; -1: none.
  int group_to_join(const Node& node) const {
    std::set<int> candidates;
    for (const ValueId id : node.inputs) {
      if (id == kNoValue || count(id) != count(node.outputs[0])) continue;
      const int group = group_[at(source_[at(id)])];
      if (group < 0) continue;
      const Op head = graph_.nodes[static_cast<size_t>(operators_[static_cast<size_t>(group)].nodes[0])].op;
      if (is_cube(head) || is_element_wise(head)) candidates.insert(group);
    }
    const std::set<int> read = groups_read(node);
    for (auto group = candidates.rbegin(); group != candidates.rend(); ++group) {
      if (std::none_of(read.begin(), read.end(), [&](int other) { return other != *group && depends(other, *group); })) return *group;
    }
    return -1;
  }

  // Whether operator `later` needs a result of `earlier`.
  bool depends(int later, int earlier) const {
    std::vector<int> todo{later};
    std::set<int> seen;
    while (!todo.empty()) {
      const int group = todo.back();
      todo.pop_back();
      if (group == earlier) return true;
      if (!seen.insert(group).second) continue;
      todo.insert(todo.end(), before_[static_cast<size_t>(group)].begin(), before_[static_cast<size_t>(group)].end());
    }
    return false;
  }

  void collect() {
    std::vector<bool> wanted(graph_.values.size(), false);  // by root: read from outside of its operator
    for (const ValueId id : graph_.outputs) wanted[at(root_[at(id)])] = true;
    for (size_t g = 0; g < operators_.size(); ++g) {
      std::set<ValueId> seen;
      for (const int index : operators_[g].nodes) {
        for (const ValueId id : graph_.nodes[static_cast<size_t>(index)].inputs) {
          if (id == kNoValue) continue;
          const ValueId root = root_[at(id)];
          if (group_[at(root)] == static_cast<int>(g)) continue;
          wanted[at(root)] = true;
          if (seen.insert(root).second) operators_[g].inputs.push_back(root);
        }
      }
    }
    for (CompiledOperator& each : operators_) {
      for (const int index : each.nodes) {
        for (const ValueId id : graph_.nodes[static_cast<size_t>(index)].outputs) {
          if (wanted[at(id)]) each.outputs.push_back(id);
        }
      }
    }
  }

  const Graph& graph_;
  std::vector<CompiledOperator> operators_;
  std::vector<std::set<int>> before_;  // by operator: those whose results it reads
  std::vector<int> group_;             // by value: the operator that computes it; -1: none does
  std::vector<ValueId> root_;          // by value: what it is another name for
  std::vector<ValueId> source_;        // likewise, but not through Reshape
  std::vector<bool> known_;            // by value
};

}  // namespace

std::vector<CompiledOperator> compiled_operators(const Graph& graph) { return Grouping(graph).run(); }

}  // namespace ropeway::chip
