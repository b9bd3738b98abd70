// Drops nodes that do nothing at inference: Identity, Dropout, a Cast to the same dtype, a Reshape or Expand to the same shape, a Transpose that keeps the order,
// a Slice of everything, a Concat of one. Two Reshapes in a row become one.
//   %d = Dropout(%x) ratio=0.5 …
//   %y = Unary(%d) function=relu   →   %y = Unary(%x) function=relu
#include <algorithm>

#include "passes/pipeline.h"

namespace ropeway {
namespace {

bool does_nothing(const Graph& graph, const Node& node) {
  const bool same_type = graph.type(node.inputs[0]) == graph.type(node.outputs[0]);
  switch (node.op) {
    case Op::Identity: return true;
    case Op::Dropout: return !node.get<DropoutParams>().training_mode;
    case Op::Cast:
    case Op::Reshape:
    case Op::Expand: return same_type;
    case Op::Concat: return node.inputs.size() == 1;
    case Op::Transpose: return std::is_sorted(node.get<PermParams>().perm.begin(), node.get<PermParams>().perm.end());
    case Op::Slice: {
      const Ints& steps = node.get<SliceParams>().steps;
      return same_type && std::all_of(steps.begin(), steps.end(), [](int64_t step) { return step == 1; });
    }
    default: return false;
  }
}

}  // namespace

Graph remove_no_ops(Graph graph) {
  std::vector<ValueId> now(graph.values.size());  // what stands for each value
  for (size_t i = 0; i < now.size(); ++i) now[i] = static_cast<ValueId>(i);
  std::vector<ValueId> reshaped(graph.values.size(), kNoValue);  // what a Reshape's output was made from
  std::vector<Node> kept;
  for (Node& node : graph.nodes) {
    for (ValueId& id : node.inputs) {
      if (id != kNoValue) id = now[static_cast<size_t>(id)];
    }
    if (node.op == Op::Reshape) {
      const ValueId before = reshaped[static_cast<size_t>(node.inputs[0])];
      if (before != kNoValue) node.inputs[0] = before;
      reshaped[static_cast<size_t>(node.outputs[0])] = node.inputs[0];
    }
    if (does_nothing(graph, node)) {
      now[static_cast<size_t>(node.outputs[0])] = node.inputs[0];
    } else {
      kept.push_back(std::move(node));
    }
  }
  graph.nodes = std::move(kept);
  for (ValueId& id : graph.outputs) id = now[static_cast<size_t>(id)];
  return graph;
}

}  // namespace ropeway
