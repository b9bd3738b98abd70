// Drops nodes that no output needs, and values that nothing refers to.
//   %a = Unary(%x) function=relu …
//   %b = Unary(%x) function=tanh …   →   gone
//   output %a
#include <algorithm>

#include "passes/pipeline.h"

namespace ropeway {

Graph remove_dead_code(Graph graph) {
  std::vector<bool> needed(graph.values.size(), false);
  for (const ValueId id : graph.outputs) needed[static_cast<size_t>(id)] = true;
  std::vector<Node> kept;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    if (std::none_of(node->outputs.begin(), node->outputs.end(), [&](ValueId id) { return needed[static_cast<size_t>(id)]; })) continue;
    for (const ValueId id : node->inputs) {
      if (id != kNoValue) needed[static_cast<size_t>(id)] = true;
    }
    kept.push_back(std::move(*node));
  }
  std::reverse(kept.begin(), kept.end());
  graph.nodes = std::move(kept);
  return compact(graph);
}

}  // namespace ropeway
