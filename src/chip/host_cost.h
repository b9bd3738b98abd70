// What a node costs on the processor of a board with an Ascend 310B: a prediction, for deciding what the NPU should not compute.
#pragma once

#include "ir/graph.h"

namespace ropeway::chip {

// Milliseconds in fp32, by itself: max(flops / rate, bytes / rate) + overhead, with the rates of the article's board whatever this machine is, so that a model is
// split the same everywhere. Coarse: the article's rows are 0.3 to 3 times what this gives.
double host_ms(const Graph& graph, const Node& node);

}  // namespace ropeway::chip
