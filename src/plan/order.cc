#include "plan/order.h"

#include <algorithm>

namespace ropeway {
namespace {

struct Ordered {
  std::vector<int> nodes;
  size_t changes = 0;
};

// Nodes are in topological order, so that one walk over them finds all of a stretch.
Ordered order_from(const Graph& graph, std::span<const size_t> sides, const std::vector<int>& producer, size_t side) {
  Ordered result;
  std::vector<bool> done(graph.nodes.size(), false);
  const auto is_ready = [&](const Node& node) {
    return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) { return id == kNoValue || producer[static_cast<size_t>(id)] < 0 || done[static_cast<size_t>(producer[static_cast<size_t>(id)])]; });
  };
  for (; result.nodes.size() < graph.nodes.size(); side = 1 - side) {
    const size_t before = result.nodes.size();
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      if (done[n] || sides[n] != side || !is_ready(graph.nodes[n])) continue;
      done[n] = true;
      result.nodes.push_back(static_cast<int>(n));
    }
    if (result.nodes.size() > before) ++result.changes;
  }
  return result;
}

}  // namespace

std::vector<int> order(const Graph& graph, std::span<const size_t> sides) {
  const std::vector<int> producer = producers(graph);
  Ordered first = order_from(graph, sides, producer, 0), second = order_from(graph, sides, producer, 1);
  return first.changes <= second.changes ? first.nodes : second.nodes;
}

}  // namespace ropeway
