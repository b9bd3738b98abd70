// A model as the chip computes it, on the CPU.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "backend/backend.h"
#include "chip/precision.h"

namespace ropeway {

// The operators that atc reads, and the nodes that they came from.
struct LoweredGraph {
  Graph graph;
  std::vector<int> sources;  // by node: of the graph that was lowered; -1: unknown
};
LoweredGraph lower_for_chip(Graph graph);

// The graph with the chip's rounding, `keep`: nodes of the graph that was lowered. The 310B's overflow saturates.
Graph rounded_for_chip(const LoweredGraph& lowered, chip::PrecisionMode mode, const std::set<int>& keep);

// Nodes of the graph that was lowered whose operators compute otherwise when they are kept.
std::set<int> can_be_kept(const LoweredGraph& lowered, chip::PrecisionMode mode);

// The values of a graph, `wanted`, in order, for its inputs: computed by the backend in one run.
std::vector<Tensor> run_graph(Graph graph, const std::vector<ValueId>& wanted, const std::vector<Tensor>& inputs, const Backend& backend);

}  // namespace ropeway
