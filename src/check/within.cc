#include "check/within.h"

#include <algorithm>

namespace ropeway {
namespace {

size_t bytes_of(const TensorType& type) { return static_cast<size_t>(element_count(type.shape)) * size_of(type.dtype); }

}  // namespace

std::vector<Tensor> run_once(const Model& model, std::span<const Tensor> inputs) {
  std::vector<Tensor> results;
  for (const ValueInfo& output : model.outputs()) results.emplace_back(output.type);
  model.run(*model.make_context(), inputs, results, nullptr);
  return results;
}

Graph with_outputs(Graph graph, std::span<const ValueId> values) {
  for (const ValueId id : values) {
    if (std::find(graph.outputs.begin(), graph.outputs.end(), id) == graph.outputs.end()) graph.outputs.push_back(id);
  }
  return graph;
}

std::vector<ValueId> results_of_nodes(const Graph& graph) {
  const std::vector<int> uses = use_counts(graph);
  std::vector<ValueId> result;
  for (const Node& node : graph.nodes) {
    std::copy_if(node.outputs.begin(), node.outputs.end(), std::back_inserter(result), [&](ValueId id) { return uses[static_cast<size_t>(id)] > 0; });
  }
  return result;
}

std::vector<std::vector<ValueId>> in_batches(const Graph& graph, std::span<const ValueId> values, size_t bytes) {
  std::vector<std::vector<ValueId>> batches;
  size_t filled = 0;
  for (const ValueId id : values) {
    const size_t size = bytes_of(graph.type(id));
    if (batches.empty() || filled + size > bytes) {
      batches.emplace_back();
      filled = 0;
    }
    batches.back().push_back(id);
    filled += size;
  }
  return batches;
}

size_t bytes_of(const Graph& graph, std::span<const ValueId> values) {
  size_t total = 0;
  for (const ValueId id : values) total += bytes_of(graph.type(id));
  return total;
}

}  // namespace ropeway
