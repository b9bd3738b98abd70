#include "ops/builder.h"

#include <algorithm>

#include "base/text.h"
#include "ops/operator.h"

namespace ropeway {

GraphBuilder::GraphBuilder(std::string name, std::string source) {
  graph_.name = std::move(name);
  graph_.source = std::move(source);
}

ValueId GraphBuilder::input(const std::string& name, TensorType type) {
  const ValueId id = graph_.add_value(name, std::move(type));
  producer_.push_back(-1);
  graph_.inputs.push_back(id);
  return id;
}

ValueId GraphBuilder::constant(const std::string& name, Tensor tensor) {
  const ValueId id = graph_.add_constant(name, std::move(tensor));
  producer_.push_back(-1);
  return id;
}

std::vector<ValueId> GraphBuilder::add(Op op, Params params, std::vector<ValueId> inputs, const std::string& name, const Origin& origin) {
  while (!inputs.empty() && inputs.back() == kNoValue) inputs.pop_back();
  std::vector<const TensorType*> types;
  for (const ValueId id : inputs) types.push_back(id == kNoValue ? nullptr : &graph_.type(id));
  const std::vector<TensorType> results = infer(op, params, types);
  Node node{op, std::move(params), std::move(inputs), {}, origin};
  for (size_t i = 0; i < results.size(); ++i) {
    node.outputs.push_back(graph_.add_value(i == 0 ? name : fmt::format("{}.{}", name, i), results[i]));
    producer_.push_back(static_cast<int>(graph_.nodes.size()));
  }
  graph_.nodes.push_back(std::move(node));
  return graph_.nodes.back().outputs;
}

ValueId GraphBuilder::add1(Op op, Params params, std::vector<ValueId> inputs, const std::string& name, const Origin& origin) {
  return add(op, std::move(params), std::move(inputs), name, origin).front();
}

void GraphBuilder::output(ValueId id) { graph_.outputs.push_back(id); }

std::optional<Tensor> GraphBuilder::known(ValueId id) {
  if (graph_.value(id).constant) return graph_.value(id).constant;
  const int index = producer_[static_cast<size_t>(id)];
  if (index < 0) return std::nullopt;
  const Node& node = graph_.nodes[static_cast<size_t>(index)];
  std::vector<std::optional<Tensor>> inputs;
  std::vector<const Tensor*> arguments;
  for (const ValueId input : node.inputs) {
    inputs.push_back(input == kNoValue ? std::nullopt : known(input));
    if (input != kNoValue && !inputs.back()) return std::nullopt;
  }
  for (const auto& input : inputs) arguments.push_back(input ? &*input : nullptr);
  const std::vector<Tensor> results = evaluate(node.op, node.params, arguments);
  for (size_t i = 0; i < results.size(); ++i) {
    // The node stays until `finish`; its outputs now stand on their own.
    graph_.value(node.outputs[i]).constant = results[i];
  }
  return graph_.value(id).constant;
}

Graph GraphBuilder::finish() {
  std::vector<bool> wanted(graph_.values.size(), false);
  for (const ValueId id : graph_.outputs) wanted[static_cast<size_t>(id)] = true;
  std::vector<Node> kept;
  for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) {
    const bool needed = std::any_of(node->outputs.begin(), node->outputs.end(), [&](ValueId id) { return wanted[static_cast<size_t>(id)] && !graph_.value(id).constant; });
    if (!needed) continue;
    for (const ValueId id : node->outputs) graph_.value(id).constant.reset();
    for (const ValueId id : node->inputs) {
      if (id != kNoValue) wanted[static_cast<size_t>(id)] = true;
    }
    kept.push_back(std::move(*node));
  }
  std::reverse(kept.begin(), kept.end());
  graph_.nodes = std::move(kept);
  return compact(graph_);
}

}  // namespace ropeway
