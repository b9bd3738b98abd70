// How readers and tests make graphs: nodes are added in order, and types are known at once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace ropeway {

class GraphBuilder {
 public:
  GraphBuilder(std::string name, std::string source);

  ValueId input(const std::string& name, TensorType type);
  ValueId constant(const std::string& name, Tensor tensor);
  // Adds a node and returns its outputs, named `name` (name.1, name.2 … for further ones). Throws what type inference throws.
  std::vector<ValueId> add(Op op, Params params, std::vector<ValueId> inputs, const std::string& name, const Origin& origin = {});
  // The same for a node with one output.
  ValueId add1(Op op, Params params, std::vector<ValueId> inputs, const std::string& name, const Origin& origin = {});
  void output(ValueId id);

  const Graph& graph() const { return graph_; }
  const TensorType& type(ValueId id) const { return graph_.type(id); }
  const Shape& shape(ValueId id) const { return graph_.type(id).shape; }

  // The value's elements when they follow from constants alone: evaluates producers by their references, and remembers.
  // This is how readers see through the chains that exporters write to compute shapes.
  std::optional<Tensor> known(ValueId id);

  // Hands the graph over: dead nodes dropped, values compacted.
  Graph finish();

 private:
  Graph graph_;
  std::vector<int> producer_;  // by value; -1: none
};

}  // namespace ropeway
