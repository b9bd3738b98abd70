#include "ops/work.h"

#include <algorithm>

namespace ropeway {
namespace {

double count(const Graph& graph, ValueId id) { return static_cast<double>(element_count(graph.type(id).shape)); }

double flops(const Graph& graph, const Node& node) {
  const double out = count(graph, node.outputs[0]);
  switch (node.op) {
    case Op::Conv: return 2 * out * count(graph, node.inputs[1]) / static_cast<double>(std::max<int64_t>(1, graph.type(node.inputs[1]).shape[0]));
    case Op::ConvTranspose: return 2 * count(graph, node.inputs[0]) * count(graph, node.inputs[1]) / static_cast<double>(std::max<int64_t>(1, graph.type(node.inputs[1]).shape[0]));
    case Op::Gemm: {
      const Shape& a = graph.type(node.inputs[0]).shape;
      return 2 * out * static_cast<double>(node.get<GemmParams>().transA ? a.front() : a.back());
    }
    case Op::MatMul: return 2 * out * static_cast<double>(graph.type(node.inputs[0]).shape.back());
    case Op::ScaledDotProductAttention: {
      const Shape& q = graph.type(node.inputs[0]).shape;
      const Shape& k = graph.type(node.inputs[1]).shape;
      return 2 * (count(graph, node.inputs[0]) + out) * static_cast<double>(q.empty() ? 0 : k[k.size() - 2]);
    }
    case Op::MaxPool:
    case Op::MaxPoolIndices:
    case Op::AveragePool: return out * static_cast<double>(element_count(node.get<PoolParams>().kernel_shape));
    case Op::AdaptiveAveragePool:
    case Op::ArgMax:
    case Op::ArgMin:
    case Op::TopK:
    case Op::Reduce: return count(graph, node.inputs[0]);
    case Op::Reshape:
    case Op::Identity:
    case Op::Dropout:
    case Op::Transpose:
    case Op::Concat:
    case Op::Split:
    case Op::Slice:
    case Op::Expand:
    case Op::Pad:
    case Op::Gather:
    case Op::GatherND:
    case Op::GatherElements:
    case Op::ScatterElements:
    case Op::Cast: return 0;
    default: return out;
  }
}

}  // namespace

Work work(const Graph& graph, const Node& node) {
  Work result{flops(graph, node), 0};
  const auto add = [&](ValueId id) {
    if (id != kNoValue) result.bytes += count(graph, id) * static_cast<double>(size_of(graph.type(id).dtype));
  };
  std::for_each(node.inputs.begin(), node.inputs.end(), add);
  std::for_each(node.outputs.begin(), node.outputs.end(), add);
  return result;
}

}  // namespace ropeway
