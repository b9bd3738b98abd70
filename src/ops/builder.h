// How readers and tests make graphs: nodes are added in order, and types are known at once.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/graph.h"

namespace ropeway {

class GraphBuilder {
 public:
  GraphBuilder(std::string name, std::string source);

  ValueId input(const std::string& name, TensorType type);
  ValueId constant(const std::string& name, Tensor tensor);
  // Adds a node and returns its outputs, named `name` (name.1, name.2 … for further ones). Throws what type inference throws, and
  // Error{unsupported} for a result of more than 32 dimensions, or when constants that follow from others take more than 4 GiB.
  std::vector<ValueId> add(Op op, Params params, std::vector<ValueId> inputs, std::string name, const Origin& origin = {});
  // The same for a node with one output.
  ValueId add1(Op op, Params params, std::vector<ValueId> inputs, std::string name, const Origin& origin = {});
  // Makes a value an output, under its own name or another, by which callers know it: another output or an input of that name makes it name_1, whatever else
  // is called so gives way. A value that is an input or an output under another name already is handed through an Identity.
  void output(ValueId id);
  void output(ValueId id, const std::string& name);

  // Counts bytes that the model has made out of nothing; Error{unsupported} when that comes to more than 4 GiB.
  void account(double bytes);

  const Graph& graph() const { return graph_; }
  // Valid until the next value is added.
  const TensorType& type(ValueId id) const { return graph_.type(id); }
  const Shape& shape(ValueId id) const { return graph_.type(id).shape; }

  // The node that computes a value; nullptr for inputs and constants. Valid until the next node is added.
  const Node* producer(ValueId id) const;

  // The value's elements when they follow from constants alone: evaluates producers by their references, and remembers.
  // This is how readers see through the chains that exporters write to compute shapes.
  std::optional<Tensor> known(ValueId id);

  // Hands the graph over: dead nodes dropped, values compacted.
  Graph finish();

 private:
  ValueId add_value(std::string name, TensorType type, int producer, int depth);
  void account_constants(const std::vector<ValueId>& ids);

  Graph graph_;
  std::vector<int> producer_;  // by value; -1: none
  std::vector<int> depth_;     // by value: nodes to evaluate one after the other before it is known; -1: it depends on inputs
  std::vector<std::string> output_names_;
  std::unordered_map<std::string, int> names_, callers_names_;  // of values; of inputs and outputs. With the last number that was put behind each
  std::unordered_map<ValueId, std::string> callers_name_;       // of an input or output
  std::unordered_set<ValueId> delivered_;                       // outputs
  size_t constant_bytes_ = 0;  // of results that follow from constants
};

}  // namespace ropeway
