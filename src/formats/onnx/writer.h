// Graph → ONNX file.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace ropeway {

inline constexpr int64_t kWrittenOpset = 17;

// The bytes of an ONNX model of opset 17 (IR version 8): weights inside, every shape written down, inputs and outputs under their own names, and every node under a name
// of its own that begins with its origin's ("features.0/conv"). The graph must be in that opset's operators, as lower_to_onnx17 leaves it.
// Throws Error{unsupported} that names the operator and its module for what opset 17 cannot say, and for a model of 2 GB or more, which no ONNX file can hold.
std::string write_onnx(const Graph& graph);

// The names that nodes have in that file, by node.
std::vector<std::string> onnx_node_names(const Graph& graph);

}  // namespace ropeway
