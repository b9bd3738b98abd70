// Values from elsewhere, such as from forward hooks in PyTorch, and the values of a model that they are for.
#pragma once

#include <string>
#include <vector>

#include "formats/npz.h"
#include "ir/graph.h"

namespace ropeway {

struct NamedValue {
  std::string name;  // in the file
  size_t output = 0; // of an output: which one
  ValueId value = kNoValue;
  Tensor tensor;
};

struct NamedValues {
  std::string file;
  std::vector<NamedValue> outputs;     // in the model's order; those that the file has
  std::vector<NamedValue> layers;      // in the order of the nodes that compute them
  std::vector<std::string> unmatched;  // names that are none of the model's
};

// What a name means, the first that fits:
//   - an output or an input of the model (inputs are left out: they are not compared);
//   - a value of the graph as it was read;
//   - a node: the last of its results that others read;
//   - a module: likewise. Of a module that is called several times this is the last call, as in a dictionary that hooks fill;
//   - output i for "arr_i", as numpy.savez(file, y) calls it; the one output for "output".
// Throws Error{invalid_argument} when nothing fits, or a shape differs: both names and both types; and what Npz::read throws.
NamedValues match_names(const Graph& graph, const Npz& npz);

// "a, b and c", or the first ten and how many more there are.
std::string first_of(const std::vector<std::string>& names);

}  // namespace ropeway
