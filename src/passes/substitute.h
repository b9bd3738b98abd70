// Other functions in the place of a model's own, only on request: what comes out is another function of the inputs.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace ropeway {

// The names of all there are: "maxpool=avgpool".
const std::vector<std::string>& substitutions();

struct Substituted {
  Graph graph;
  std::vector<Origin> replaced;  // the nodes that are another function now, in order
};

// maxpool=avgpool: every MaxPool becomes an average pool of the same window, as torch's AvgPool2d(kernel_size, stride, padding, ceil_mode) is.
// Throws Error{invalid_argument} for a name that is none of substitutions(), Error{unsupported} that names the nodes that have no such form.
Substituted substitute(Graph graph, const std::string& name);

}  // namespace ropeway
