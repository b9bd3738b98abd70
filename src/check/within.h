// Values from within a model: it is compiled once more, with them as outputs.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/model.h"

namespace ropeway {

// A model's outputs of one run. Throws as Model::run does.
std::vector<Tensor> run_once(const Model& model, std::span<const Tensor> inputs);

// The graph with further outputs, behind its own; those that are outputs already stay where they are.
Graph with_outputs(Graph graph, std::span<const ValueId> values);

// The results of all nodes that anything reads, in order: a result that nobody reads would make another operator of its node.
std::vector<ValueId> results_of_nodes(const Graph& graph);

// The values in groups of at most `bytes` bytes each, at least one value a group, in their order.
std::vector<std::vector<ValueId>> in_batches(const Graph& graph, std::span<const ValueId> values, size_t bytes);

// Bytes that the values take together.
size_t bytes_of(const Graph& graph, std::span<const ValueId> values);

}  // namespace ropeway
