// Inputs that a model's file brings along.
#pragma once

#include <optional>
#include <vector>

#include "ir/graph.h"

namespace ropeway {

// The inputs with which a .pt2 was exported, when its file holds them as plain tensors of the types that the graph's inputs have; nothing otherwise, whatever the reason: other shapes
// were asked for, the file is of another kind, is gone, or its samples are damaged. The file is the graph's source.
std::optional<std::vector<Tensor>> stored_samples(const Graph& graph);

}  // namespace ropeway
