// Rewriting for one target: not part of the common pipeline.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace ropeway {

// The same function in operators that ONNX opset 17 has: attention, adaptive pooling, GELU, SiLU, Mish and others become what they are made of. What follows from a node
// keeps its origin. Left as it is, for the writer to refuse: what opset 17 cannot say at all (dropout in training mode, an average pool with dilations).
// `sources`, when given, receives for each node of the result the index of the node that it came from.
Graph lower_to_onnx17(Graph graph, std::vector<int>* sources = nullptr);

}  // namespace ropeway
