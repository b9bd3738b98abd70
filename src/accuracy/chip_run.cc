#include "accuracy/chip_run.h"

#include <charconv>

#include "chip/numerics.h"
#include "chip/rounding.h"
#include "passes/lower.h"
#include "passes/pipeline.h"

namespace ropeway {
namespace {

std::set<int> lowered_nodes(const LoweredGraph& lowered, const std::set<int>& nodes) {
  std::set<int> result;
  for (size_t i = 0; i < lowered.sources.size(); ++i) {
    if (nodes.contains(lowered.sources[i])) result.insert(static_cast<int>(i));
  }
  return result;
}

}  // namespace

// What follows from a node keeps its origin: so a number in its place says which node that was.
LoweredGraph lower_for_chip(Graph graph) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) graph.nodes[i].origin = {std::to_string(i), {}};
  LoweredGraph result{run_passes(lower_to_onnx17(std::move(graph)), pipeline(), {}), {}};
  for (const Node& node : result.graph.nodes) {
    int source = -1;
    std::from_chars(node.origin.node.data(), node.origin.node.data() + node.origin.node.size(), source);
    result.sources.push_back(source);
  }
  return result;
}

Graph rounded_for_chip(const LoweredGraph& lowered, chip::PrecisionMode mode, const std::set<int>& keep) {
  return chip::saturate(chip::apply_numerics(lowered.graph, {false, mode, lowered_nodes(lowered, keep)}));
}

std::set<int> can_be_kept(const LoweredGraph& lowered, chip::PrecisionMode mode) {
  std::set<int> result;
  for (size_t i = 0; i < lowered.sources.size(); ++i) {
    const Node& node = lowered.graph.nodes[i];
    if (lowered.sources[i] >= 0 && chip::halves_of(lowered.graph, node, mode, true) != chip::halves_of(lowered.graph, node, mode, false)) result.insert(lowered.sources[i]);
  }
  return result;
}

std::vector<Tensor> run_graph(Graph graph, const std::vector<ValueId>& wanted, const std::vector<Tensor>& inputs, const Backend& backend) {
  const std::vector<int> makers = producers(graph);
  std::vector<Tensor> values(graph.values.size());
  for (size_t i = 0; i < inputs.size(); ++i) values[static_cast<size_t>(graph.inputs[i])] = inputs[i];
  graph.outputs.clear();
  for (const ValueId id : wanted) {
    const auto at = static_cast<size_t>(id);
    if (graph.is_constant(id)) values[at] = *graph.value(id).constant;
    else if (makers[at] >= 0 && std::ranges::count(graph.outputs, id) == 0) graph.outputs.push_back(id);
  }
  const std::vector<ValueId> computed = graph.outputs;
  graph = remove_dead_code(std::move(graph));
  std::vector<Tensor> results;
  for (const ValueId id : graph.outputs) results.emplace_back(graph.type(id));
  if (!results.empty()) {
    CompileOptions options;
    options.weight_growth = 1;  // as the virtual NPU computes it
    const auto executable = backend.compile(std::move(graph), options);
    executable->run(*executable->make_context(), inputs, results, nullptr);
  }
  for (size_t i = 0; i < computed.size(); ++i) values[static_cast<size_t>(computed[i])] = results[i];
  std::vector<Tensor> chosen;
  for (const ValueId id : wanted) chosen.push_back(values[static_cast<size_t>(id)]);
  return chosen;
}

}  // namespace ropeway
