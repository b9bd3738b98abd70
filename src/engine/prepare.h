// A model's way from its file to what is planned: what `Model`, `compile_for_npu` and `ropeway check` do alike. Needs no device.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/placing.h"
#include "passes/lower.h"
#include "ropeway/session.h"

namespace ropeway {

struct PreparedModel {
  Graph graph;  // after passes, in dtypes that the chip has; behind the model's inputs it has the masks
  std::vector<ValueInfo> inputs, outputs;  // as the model declares them
  std::vector<DropoutMask> masks;
  std::vector<std::string> notes;     // see Model::notes
  std::vector<std::string> findings;  // of the notes those that cost exactness: constants that the chip's dtypes cannot hold
};

// Sees the graph after each step that ran, by its name.
using AfterStep = std::function<void(const std::string& step, const Graph& graph)>;

// Substitutions, masks of dropout in training mode, passes, and for a chip dtypes that it has. `chip`: nullptr for the CPU.
// Throws Error{invalid_argument} for an unknown pass or substitution.
PreparedModel prepare(Graph graph, const SessionOptions& options, const Chip* chip, const AfterStep& after = {});

// Names and types of values of a graph.
std::vector<ValueInfo> describe(const Graph& graph, const std::vector<ValueId>& ids);

}  // namespace ropeway
