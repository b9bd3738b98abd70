// One node as a NodeProto.
#pragma once

#include <string>

#include "ir/graph.h"

namespace ropeway::onnx {

// What writing a node needs from the model around it.
class Names {
 public:
  virtual ~Names() = default;
  virtual const std::string& value(ValueId id) const = 0;
  // The name of an initialiser with these elements, which is added to the model.
  virtual std::string initialiser(const Tensor& tensor) = 0;
};

// A serialised NodeProto called `node_name`. Throws Error{unsupported}.
std::string write_node(const Graph& graph, const Node& node, const std::string& node_name, Names& names);
// The operator that the node is written as, "Relu". Throws as write_node does.
std::string written_operator(const Graph& graph, const Node& node);

}  // namespace ropeway::onnx
