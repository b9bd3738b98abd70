// Rewriting for one target: not part of the common pipeline.
#pragma once

#include <string>
#include <cstdint>
#include <vector>

#include "ir/graph.h"

namespace ropeway {

// The same function in operators that ONNX opset 17 has: attention, adaptive pooling, GELU, SiLU, Mish and others become what they are made of. What follows from a node
// keeps its origin. An attention whose added mask is computed, or has a row of −∞ only, gives zeros for a query that sees nothing, as PyTorch has it; a number of −65504 or
// less then hides its key, as −∞ does, which differs from PyTorch only in a row without any greater one. Left as it is, for the writer to refuse: what opset 17 cannot say at all (an average pool with dilations), and dropout in training mode, which is lowered before.
// `sources`, when given, receives for each node of the result the index of the node that it came from.
Graph lower_to_onnx17(Graph graph, std::vector<int>* sources = nullptr);

struct NarrowedValues {
  int number = 0;
  std::string first;  // the first constant, where there is one
  bool first_is_constant = false;
};
struct Narrowing {
  NarrowedValues floats, integers;
  std::vector<std::string> findings;  // constants that float32 cannot hold: which, and a value
  std::vector<std::string> kept;      // constants that int32 cannot hold, and that stay int64 therefore
};

// For a chip without float64: every value in it becomes float32; with `integers`, int64 becomes int32 where all operators around a value take that and none computes
// with it (elements are only moved, and cannot leave int32 when inputs and constants are within). The graph's inputs and outputs change their types with it.
Graph narrow(Graph graph, bool integers, Narrowing& done);

// What a dropout multiplies by, drawn anew for every run: an element is 0 with probability `ratio`, else 1 / (1 − ratio).
struct DropoutMask {
  double ratio = 0.5;
  uint64_t stream = 0;  // of random numbers, its own
};

// Every Dropout in training mode becomes a product with a mask, an input of the graph that callers do not give: the last inputs of the result are those of `masks`,
// in their order. Nothing is drawn for a ratio of 0, which does nothing, nor of 1.
Graph lower_training_dropout(Graph graph, std::vector<DropoutMask>& masks);

}  // namespace ropeway
