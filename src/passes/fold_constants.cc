// Computes nodes whose inputs are all constants.
//   const %w …
//   %t = Transpose(%w) perm=[1,0] …   →   const %t …
// A result that is larger than its inputs together is only kept up to 1 MiB: an Expand of a weight is cheaper to do than to store.
#include <algorithm>

#include "ops/operator.h"
#include "passes/pipeline.h"

namespace ropeway {
namespace {

constexpr size_t kGrowthLimit = size_t{1} << 20;

bool worth_folding(const Graph& graph, const Node& node) {
  if (is_random(node.op, node.params)) return false;
  if (!std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) { return id == kNoValue || graph.is_constant(id); })) return false;
  size_t read = 0, written = 0;
  const auto bytes = [&](ValueId id) { return id == kNoValue ? size_t{0} : static_cast<size_t>(element_count(graph.type(id).shape)) * size_of(graph.type(id).dtype); };
  for (const ValueId id : node.inputs) read += bytes(id);
  for (const ValueId id : node.outputs) written += bytes(id);
  return written <= std::max(read, kGrowthLimit);
}

}  // namespace

Graph fold_constants(Graph graph) {
  std::vector<Node> kept;
  for (Node& node : graph.nodes) {
    if (!worth_folding(graph, node)) {
      kept.push_back(std::move(node));
      continue;
    }
    std::vector<const Tensor*> inputs;
    for (const ValueId id : node.inputs) inputs.push_back(id == kNoValue ? nullptr : &*graph.value(id).constant);
    std::vector<Tensor> results = evaluate(node.op, node.params, inputs);
    for (size_t i = 0; i < results.size(); ++i) graph.value(node.outputs[i]).constant = std::move(results[i]);
  }
  graph.nodes = std::move(kept);
  return graph;
}

}  // namespace ropeway
