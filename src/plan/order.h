// The order in which the parts of a split model run.
#pragma once

#include <span>
#include <vector>

#include "ir/graph.h"

namespace ropeway {

// All nodes in topological order, so that one side goes on as long as it has a node that is ready, then the other; of the two ways to begin, the one with fewer changes.
// Within a stretch nodes are in the graph's order. `sides`: by node, which of two devices.
std::vector<int> order(const Graph& graph, std::span<const size_t> sides);

}  // namespace ropeway
