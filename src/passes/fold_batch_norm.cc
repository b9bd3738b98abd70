// Joins a batch norm to the convolution before it, when nothing else reads that.
//   %c = Conv(%x, %w, %b) …
//   %y = BatchNormalization(%c, %scale, %shift, %mean, %var)   →   %y = Conv(%x, %w · s, (%b − %mean) · s + %shift) …,   s = %scale / √(%var + ε)
#include <cmath>

#include "passes/pipeline.h"

namespace ropeway {
namespace {

bool all_constant(const Graph& graph, const Node& node, size_t from) {
  for (size_t i = from; i < node.inputs.size(); ++i) {
    if (!graph.is_constant(node.inputs[i]) || graph.type(node.inputs[i]).dtype != DType::f32) return false;
  }
  return true;
}

// The convolution with the batch norm's scale and shift in its weight and bias. Computed in double, rounded once.
Node fold(Graph& graph, const Node& conv, const Node& norm) {
  const auto parameter = [&](const Node& node, size_t i) { return graph.value(node.inputs[i]).constant->data<float>(); };
  const Tensor& old_weight = *graph.value(conv.inputs[1]).constant;
  const auto channels = static_cast<size_t>(old_weight.shape()[0]);
  Tensor weight(old_weight.type()), bias({DType::f32, {old_weight.shape()[0]}});
  const size_t per_channel = channels == 0 ? 0 : static_cast<size_t>(old_weight.count()) / channels;
  for (size_t c = 0; c < channels; ++c) {
    const double scale = static_cast<double>(parameter(norm, 1)[c]) / std::sqrt(static_cast<double>(parameter(norm, 4)[c]) + norm.get<EpsilonParams>().epsilon);
    for (size_t i = c * per_channel; i < (c + 1) * per_channel; ++i) weight.data<float>()[i] = static_cast<float>(static_cast<double>(old_weight.data<float>()[i]) * scale);
    const double old_bias = conv.input(2) == kNoValue ? 0 : static_cast<double>(parameter(conv, 2)[c]);
    bias.data<float>()[c] = static_cast<float>((old_bias - static_cast<double>(parameter(norm, 3)[c])) * scale + static_cast<double>(parameter(norm, 2)[c]));
  }
  Node result = conv;
  result.inputs = {conv.inputs[0], graph.add_constant(graph.value(conv.inputs[1]).name + ".folded", std::move(weight)),
                   graph.add_constant(graph.value(norm.inputs[2]).name + ".folded", std::move(bias))};
  result.outputs = norm.outputs;
  return result;
}

}  // namespace

Graph fold_batch_norm(Graph graph) {
  const std::vector<int> producer = producers(graph);
  const std::vector<int> uses = use_counts(graph);
  std::vector<bool> gone(graph.nodes.size(), false);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node norm = graph.nodes[i];
    if (norm.op != Op::BatchNormalization || !all_constant(graph, norm, 1)) continue;
    const int before = producer[static_cast<size_t>(norm.inputs[0])];
    if (before < 0 || uses[static_cast<size_t>(norm.inputs[0])] != 1) continue;
    const Node conv = graph.nodes[static_cast<size_t>(before)];
    if (conv.op != Op::Conv || !all_constant(graph, conv, 1)) continue;
    graph.nodes[i] = fold(graph, conv, norm);
    gone[static_cast<size_t>(before)] = true;
  }
  std::vector<Node> kept;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!gone[i]) kept.push_back(std::move(graph.nodes[i]));
  }
  graph.nodes = std::move(kept);
  return compact(graph);
}

}  // namespace ropeway
