// Rewriting for one target: not part of the common pipeline.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace ropeway {

// The same function in operators that ONNX opset 17 has: attention, adaptive pooling, GELU, SiLU, Mish and others become what they are made of. What follows from a node
// keeps its origin. Left as it is, for the writer to refuse: what opset 17 cannot say at all (dropout in training mode, an average pool with dilations).
// `sources`, when given, receives for each node of the result the index of the node that it came from.
Graph lower_to_onnx17(Graph graph, std::vector<int>* sources = nullptr);

struct NarrowedValues {
  int number = 0;
  std::string first;  // the first constant, where there is one
  bool first_is_constant = false;
};
struct Narrowing {
  NarrowedValues floats, integers;
  std::vector<std::string> findings;  // constants that the narrower type cannot hold: which, and a value
};

// For a chip without float64: every value in it becomes float32; with `integers`, int64 becomes int32 where all operators around a value take that and none computes
// with it (elements are only moved, and cannot leave int32 when inputs and constants are within). The graph's inputs and outputs change their types with it.
Graph narrow(Graph graph, bool integers, Narrowing& done);

}  // namespace ropeway
