// What the substitutions that were asked for do to a model's outputs.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/model.h"

namespace ropeway {

// A sentence for each of options.substitutions: what it replaces in `graph`, which has none yet, and how far every output then is from the model's own. Both are
// computed on the CPU for `inputs`. Nothing where nothing is to be substituted. Throws as Model::compile and Model::run do.
std::vector<std::string> substitution_notes(const Graph& graph, const SessionOptions& options, std::span<const Tensor> inputs);

}  // namespace ropeway
