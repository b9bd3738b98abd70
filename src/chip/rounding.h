// What the precision modes share: which nodes need no rounding of their own.
#pragma once

#include <vector>

#include "chip/numerics.h"
#include "ir/graph.h"

namespace ropeway::chip {

// Functions that commute with rounding: they grow with x, and map 16-bit floats to such.
bool is_clamp(const Node& node);

// Whether the results of the node are 16-bit floats because its inputs are.
bool selects(const Graph& graph, const Node& node);

// Whether the node adds a constant row to `product`, which goes into the accumulator. `constant`, by value: constants of the graph.
bool adds_bias(const Graph& graph, const Node& node, ValueId product, const std::vector<bool>& constant);

// Each operator by itself: the modes other than force_fp16, and nodes that are kept.
Graph round_by_operator(Graph graph, const NumericsOptions& options);

// What an operator reads and delivers as 16-bit floats.
struct Halves {
  bool in = false, out = false;
  bool operator==(const Halves&) const = default;
};
Halves halves_of(const Graph& graph, const Node& node, PrecisionMode mode, bool kept);

}  // namespace ropeway::chip
