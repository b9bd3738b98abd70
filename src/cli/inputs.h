// Input files given on the command line, and the model's inputs that they are for.
#pragma once

#include <string>
#include <vector>

#include "engine/model.h"

namespace ropeway::cli {

struct GivenInput {
  std::string name;  // "" when it is given by its position
  std::string file;
  Tensor value;
};

// Reads `x.npy` and `NAME=x.npy`. A text that is the path of an existing file is one, even with a = in it.
// Throws Error{invalid_argument} for a name that is given twice, and as read_npy does.
std::vector<GivenInput> read_inputs(const std::vector<std::string>& texts);

// The graph of `model`, its symbolic dimensions settled by the inputs given, and the value given for each of its inputs, without one where none is given.
// Unnamed inputs go, in order, to the model's inputs that no other is named after.
// Throws Error{invalid_argument}: a name that the model does not have, too many inputs, a dtype or shape other than expected.
struct BoundInputs {
  Graph graph;
  std::vector<std::optional<Tensor>> values;
};
BoundInputs bind_inputs(const std::string& model, const std::vector<GivenInput>& given);
// The same for a graph that is there, and static.
std::vector<std::optional<Tensor>> bind_inputs(const Graph& graph, const std::vector<GivenInput>& given);

// The values, once some are given. Throws Error{invalid_argument} that names the inputs without one.
std::vector<Tensor> all_inputs(const Graph& graph, const std::vector<std::optional<Tensor>>& given);

}  // namespace ropeway::cli
