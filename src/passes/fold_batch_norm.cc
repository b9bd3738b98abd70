// Joins a batch norm to the convolution before it, when nothing else reads that.
//   %c = Conv(%x, %w, %b) …
//   %y = BatchNormalization(%c, %scale, %shift, %mean, %var)   →   %y = Conv(%x, %w · s, (%b − %mean) · s + %shift) …,   s = %scale / √(%var + ε)
// The weights are multiplied when they are read, part after part, and not before they are needed.
#include <cmath>

#include "ir/deferred.h"
#include "passes/pipeline.h"

namespace ropeway {
namespace {

bool all_constant(const Graph& graph, const Node& node, size_t from) {
  for (size_t i = from; i < node.inputs.size(); ++i) {
    if (!graph.is_constant(node.inputs[i]) || graph.type(node.inputs[i]).dtype != DType::f32) return false;
  }
  return true;
}

// `weight`, each output channel times its scale. Computed in double, rounded once.
class ScaledWeight final : public Source {
 public:
  ScaledWeight(Tensor weight, std::vector<double> scales) : weight_(std::move(weight)), scales_(std::make_shared<const std::vector<double>>(std::move(scales))) {}

  std::unique_ptr<Reading> begin() const override {
    return std::make_unique<Pass>(begin_reading(weight_), scales_, static_cast<size_t>(weight_.count()) / scales_->size());
  }

 private:
  class Pass final : public Reading {
   public:
    Pass(std::unique_ptr<Reading> weight, std::shared_ptr<const std::vector<double>> scales, size_t per_channel)
        : weight_(std::move(weight)), scales_(std::move(scales)), per_channel_(per_channel) {}

    void read(size_t offset, std::span<std::byte> into) override {
      weight_->read(offset, into);
      auto* const elements = reinterpret_cast<float*>(into.data());
      const size_t first = offset / sizeof(float), count = into.size() / sizeof(float);
      for (size_t i = 0; i < count;) {
        const size_t channel = (first + i) / per_channel_, end = std::min(count, (channel + 1) * per_channel_ - first);
        for (const double scale = (*scales_)[channel]; i < end; ++i) elements[i] = static_cast<float>(static_cast<double>(elements[i]) * scale);
      }
    }
    void finish() override { weight_->finish(); }

   private:
    std::unique_ptr<Reading> weight_;
    std::shared_ptr<const std::vector<double>> scales_;
    size_t per_channel_;
  };

  Tensor weight_;
  std::shared_ptr<const std::vector<double>> scales_;
};

// The convolution with the batch norm's scale and shift in its weight and bias.
Node fold(Graph& graph, const Node& conv, const Node& norm) {
  const auto parameter = [&](const Node& node, size_t i) { return std::as_const(*graph.value(node.inputs[i]).constant).data<float>(); };
  const Tensor& old_weight = *graph.value(conv.inputs[1]).constant;
  const auto channels = static_cast<size_t>(old_weight.shape()[0]);
  Tensor bias({DType::f32, {old_weight.shape()[0]}});
  std::vector<double> scales;
  for (size_t c = 0; c < channels; ++c) {
    const double scale = static_cast<double>(parameter(norm, 1)[c]) / std::sqrt(static_cast<double>(parameter(norm, 4)[c]) + norm.get<EpsilonParams>().epsilon);
    scales.push_back(scale);
    const double old_bias = conv.input(2) == kNoValue ? 0 : static_cast<double>(parameter(conv, 2)[c]);
    bias.data<float>()[c] = static_cast<float>((old_bias - static_cast<double>(parameter(norm, 3)[c])) * scale + static_cast<double>(parameter(norm, 2)[c]));
  }
  const Tensor weight = old_weight.count() == 0 ? old_weight : defer(old_weight.type(), std::make_shared<ScaledWeight>(old_weight, std::move(scales)));
  Node result = conv;
  result.inputs = {conv.inputs[0], graph.add_constant(graph.value(conv.inputs[1]).name + ".folded", weight),
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
