// Finds adaptive average pooling that an exporter has taken apart.
//   %t = Transpose(%x) …; %g = GatherND(%t, %indices); … Where, Gather, Add …; %y = Binary(%sum, %counts) function=div
//     → %y = AdaptiveAveragePool(%x) output_size=[6,6]
//   %y = Reduce(%x) function=mean axes=[2,3] keepdims=true → %y = AdaptiveAveragePool(%x) output_size=[1,1]
// The first form has many spellings, so it is recognised by what it does: every node between %x and %y is linear in %x, and two linear maps that agree
// on random points are the same map.
#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/random.h"
#include "ops/operator.h"
#include "passes/pipeline.h"

namespace ropeway {
namespace {

bool is_zero(const Graph& graph, ValueId id) {
  if (!graph.is_constant(id) || graph.type(id).dtype != DType::f32) return false;
  const auto elements = std::as_const(*graph.value(id).constant).data<float>();
  return std::all_of(elements.begin(), elements.end(), [](float element) { return element == 0; });
}

// Whether the node is linear in those of its inputs that are no constants.
bool is_linear(const Graph& graph, const Node& node) {
  const auto constant = [&](size_t i) { return graph.is_constant(node.input(i)); };
  switch (node.op) {
    case Op::Transpose:
    case Op::Reshape:
    case Op::Expand:
    case Op::Slice: return true;
    case Op::Gather:
    case Op::GatherND: return constant(1);
    case Op::Where: return constant(0) && (constant(1) ? is_zero(graph, node.inputs[1]) : !constant(2) || is_zero(graph, node.inputs[2]));
    case Op::Reduce: return node.get<ReduceParams>().function == ReduceFunction::sum || node.get<ReduceParams>().function == ReduceFunction::mean;
    case Op::Binary: {
      const BinaryFunction function = node.get<BinaryParams>().function;
      if (function == BinaryFunction::add) return !constant(0) && !constant(1);
      return (function == BinaryFunction::div && constant(1)) || (function == BinaryFunction::mul && constant(0) != constant(1));
    }
    default: return false;
  }
}

// The nodes between `from` and `to`, in order, as a graph of one input and one output; nothing when anything else feeds them, or one is not linear.
std::optional<Graph> between(const Graph& graph, const std::vector<int>& producer, ValueId from, ValueId to) {
  std::set<int> nodes;
  std::vector<ValueId> open = {to};
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    if (id == from || id == kNoValue || graph.is_constant(id)) continue;
    const int index = producer[static_cast<size_t>(id)];
    if (index < 0 || !is_linear(graph, graph.nodes[static_cast<size_t>(index)])) return std::nullopt;
    if (!nodes.insert(index).second) continue;
    const Node& node = graph.nodes[static_cast<size_t>(index)];
    open.insert(open.end(), node.inputs.begin(), node.inputs.end());
  }
  Graph part{graph.name, graph.source, graph.values, {}, {from}, {to}};
  for (const int index : nodes) part.nodes.push_back(graph.nodes[static_cast<size_t>(index)]);
  return compact(part);
}

bool pools_adaptively(const Graph& part, const AdaptivePoolParams& params) {
  const TensorType& input = part.type(part.inputs[0]);
  for (const char* stream : {"first", "second"}) {
    Tensor x(input);
    fill_uniform(x.data<float>(), stream_seed(stream));
    const Tensor actual = evaluate(part, {x})[0];
    const Tensor expected = evaluate(Op::AdaptiveAveragePool, params, {&x})[0];
    const auto a = actual.data<float>(), e = expected.data<float>();
    for (size_t i = 0; i < a.size(); ++i) {
      if (!(std::fabs(a[i] - e[i]) <= 1e-5f)) return false;
    }
  }
  return true;
}

// The value that `node` pools adaptively, if it does.
std::optional<ValueId> pooled_value(const Graph& graph, const std::vector<int>& producer, size_t index) {
  const TensorType& out = graph.type(graph.nodes[index].outputs[0]);
  for (size_t i = graph.values.size(); i-- > 0;) {
    const TensorType& type = graph.values[i].type;
    const auto id = static_cast<ValueId>(i);
    const bool candidate = type.dtype == DType::f32 && type.shape.size() == 4 && type.shape[0] == out.shape[0] && type.shape[1] == out.shape[1] &&
                           (type.shape[2] != out.shape[2] || type.shape[3] != out.shape[3]) && !graph.is_constant(id) && producer[i] < static_cast<int>(index);
    if (!candidate) continue;
    const std::optional<Graph> part = between(graph, producer, id, graph.nodes[index].outputs[0]);
    if (part && pools_adaptively(*part, AdaptivePoolParams{{out.shape[2], out.shape[3]}})) return id;
  }
  return std::nullopt;
}

// Division or multiplication by a constant: how a decomposed average ends.
bool may_end_average(const Graph& graph, const Node& node) {
  if (node.op != Op::Binary || !is_linear(graph, node) || node.get<BinaryParams>().function == BinaryFunction::add) return false;
  const TensorType& out = graph.type(node.outputs[0]);
  return out.dtype == DType::f32 && out.shape.size() == 4 && element_count(out.shape) > 0;
}

bool is_global_average(const Graph& graph, const Node& node) {
  if (node.op != Op::Reduce || graph.type(node.inputs[0]).dtype != DType::f32) return false;
  const auto& params = node.get<ReduceParams>();
  const Shape& shape = graph.type(node.inputs[0]).shape;
  return params.function == ReduceFunction::mean && params.keepdims && shape.size() == 4 && params.axes == Ints{2, 3} && shape[2] * shape[3] > 0;
}

}  // namespace

Graph recover_adaptive_pooling(Graph graph) {
  const std::vector<int> producer = producers(graph);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    Node& node = graph.nodes[i];
    std::optional<ValueId> pooled;
    if (is_global_average(graph, node)) pooled = node.inputs[0];
    if (may_end_average(graph, node)) pooled = pooled_value(graph, producer, i);
    if (!pooled) continue;
    const Shape& out = graph.type(node.outputs[0]).shape;
    node.op = Op::AdaptiveAveragePool;
    node.params = AdaptivePoolParams{{out[2], out[3]}};
    node.inputs = {*pooled};
  }
  return graph;
}

}  // namespace ropeway
