#include "chip/numerics.h"

#include <algorithm>
#include <utility>

#include "ops/convert.h"

namespace ropeway {
namespace {

bool is_relu(const Node& node) { return node.op == Op::Unary && node.get<UnaryParams>().function == UnaryFunction::relu; }

// Whether every element of the result is one of the data inputs' elements, or a number that is the same in both widths.
bool only_moves(const Node& node) {
  switch (node.op) {
    case Op::MaxPool:
    case Op::Identity:
    case Op::Reshape:
    case Op::Expand:
    case Op::Transpose:
    case Op::Concat:
    case Op::Split:
    case Op::Slice:
    case Op::Gather:
    case Op::GatherND:
    case Op::Where: return true;
    case Op::Dropout: return !node.get<DropoutParams>().training_mode;
    case Op::Unary: {
      const UnaryFunction function = node.get<UnaryParams>().function;
      return function == UnaryFunction::relu || function == UnaryFunction::abs || function == UnaryFunction::neg;
    }
    case Op::Binary: {
      const BinaryFunction function = node.get<BinaryParams>().function;
      return function == BinaryFunction::min || function == BinaryFunction::max;
    }
    default: return false;
  }
}

class Rounder {
 public:
  explicit Rounder(Graph graph) : graph_(std::move(graph)), uses_(use_counts(graph_)), reader_(graph_.values.size(), -1) {
    nodes_ = std::exchange(graph_.nodes, {});
    for (size_t n = 0; n < nodes_.size(); ++n) {
      for (const ValueId id : nodes_[n].inputs) {
        if (id != kNoValue) reader_[index(id)] = static_cast<int>(n);
      }
    }
    now_.resize(graph_.values.size());
    for (size_t i = 0; i < now_.size(); ++i) now_[i] = static_cast<ValueId>(i);
    rounded_.resize(graph_.values.size(), false);
  }

  Graph run() {
    for (const ValueId id : graph_.inputs) round(id, {});
    for (Node& node : nodes_) {
      for (ValueId& id : node.inputs) {
        if (id != kNoValue) id = rounded_input(id, node.origin);
      }
      const bool exact = only_moves(node) && std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) { return id == kNoValue || !is_f32(id) || rounded_[index(id)]; });
      const std::vector<ValueId> outputs = node.outputs;
      const Origin origin = node.origin;
      graph_.nodes.push_back(std::move(node));
      for (const ValueId id : outputs) {
        if (exact) rounded_[index(id)] = true;
        else if (!waits_for_relu(id)) round(id, origin);
      }
    }
    for (ValueId& id : graph_.outputs) deliver(id);
    return compact(graph_);
  }

 private:
  static size_t index(ValueId id) { return static_cast<size_t>(id); }
  bool is_f32(ValueId id) const { return graph_.type(id).dtype == DType::f32; }

  bool waits_for_relu(ValueId id) const { return uses_[index(id)] == 1 && reader_[index(id)] >= 0 && is_relu(nodes_[static_cast<size_t>(reader_[index(id)])]); }

  ValueId add(const std::string& name, TensorType type, bool rounded) {
    const ValueId id = graph_.add_value(name, std::move(type));
    rounded_.push_back(rounded);
    now_.push_back(id);
    return id;
  }

  void cast(ValueId from, ValueId to, const Origin& origin) {
    Node node{Op::Cast, CastParams{graph_.type(to).dtype}, {from}, {to}, origin};
    if (!origin.node.empty()) node.origin.node = origin.node + (graph_.type(to).dtype == DType::f16 ? "/to_fp16" : "/to_fp32");
    graph_.nodes.push_back(std::move(node));
  }

  // From here on the value is read in its rounded form.
  void round(ValueId id, const Origin& origin) {
    if (!is_f32(id)) return;
    const std::string name = graph_.value(id).name;
    const Shape shape = graph_.type(id).shape;
    const ValueId half = add(name + ".fp16", {DType::f16, shape}, false);
    const ValueId full = add(name + ".rounded", {DType::f32, shape}, true);
    cast(id, half, origin);
    cast(half, full, origin);
    now_[index(id)] = full;
  }

  ValueId rounded_input(ValueId id, const Origin& origin) {
    if (now_[index(id)] == id && is_f32(id) && graph_.value(id).constant) {
      const ValueId half = graph_.add_constant(graph_.value(id).name + ".fp16", convert(*graph_.value(id).constant, DType::f16));
      rounded_.push_back(false);
      now_.push_back(half);
      const ValueId full = add(graph_.value(id).name + ".rounded", graph_.type(id), true);
      cast(half, full, origin);
      now_[index(id)] = full;
    }
    return now_[index(id)];
  }

  // An output keeps its name, whatever stands for it now.
  void deliver(ValueId& id) {
    const ValueId given = id;
    id = rounded_input(id, {});
    if (id == given) return;
    if (std::find(graph_.inputs.begin(), graph_.inputs.end(), given) == graph_.inputs.end()) std::swap(graph_.value(id).name, graph_.value(given).name);
  }

  Graph graph_;
  std::vector<Node> nodes_;
  std::vector<int> uses_, reader_;  // by value of the given graph
  std::vector<ValueId> now_;        // by value: what stands for it
  std::vector<bool> rounded_;       // by value: every element is an fp16 number
};

}  // namespace

Graph apply_numerics(Graph graph) { return Rounder(std::move(graph)).run(); }

}  // namespace ropeway
