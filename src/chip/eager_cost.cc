#include "chip/eager_cost.h"

#include <algorithm>
#include <set>

#include "chip/loads.h"
#include "ops/shape_util.h"
#include "ops/work.h"

namespace ropeway::chip {
namespace {

// A tensor before and after it is laid out in blocks.
struct Blocked {
  double elements = 0;
  double padded = 0;
  double element_bytes = 4;  // as it lies in memory
  double planes = 0;         // of a convolution's weights
};

class EagerCosts {
 public:
  EagerCosts(const Graph& graph, const Soc& soc) : graph_(graph), soc_(soc), declared_(graph, soc, Floats::as_declared), half_(graph, soc, Floats::half) {}

  OperatorCost of(int index) const {
    const Node& node = graph_.nodes[static_cast<size_t>(index)];
    OperatorCost cost;
    cost.nodes = {index};
    cost.flops = work(graph_, node).flops;
    Tally tally(soc_);
    if (node.op == Op::ScaledDotProductAttention) attention(node, tally);
    else if (is_blocked(node)) blocked(node, tally);
    else plain(node, tally);
    tally.fill(cost);
    return cost;
  }

 private:
  // Whether the chip has it for 16 bits in blocks alone.
  bool is_blocked(const Node& node) const {
    const bool cube = node.op == Op::Conv || node.op == Op::Gemm || node.op == Op::MatMul;
    return (cube || node.op == Op::MaxPool || node.op == Op::AveragePool) && is_float(graph_.type(node.inputs[0]).dtype);
  }

  void plain(const Node& node, Tally& tally) const {
    Load load{0, declared_.vector_bytes(node), 0};
    for (const ValueId id : std::set<ValueId>(node.inputs.begin(), node.inputs.end())) {
      if (id != kNoValue) load.bytes += declared_.memory_read(node, id);
    }
    for (const ValueId id : node.outputs) load.bytes += declared_.memory(id);
    tally.kernel(load);
    tally.launch();
  }

  void blocked(const Node& node, Tally& tally) const {
    const bool product = node.op == Op::Gemm || node.op == Op::MatMul;
    Load core{half_.macs(node), half_.vector_bytes(node), 0};
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId id = node.inputs[i];
      if (id == kNoValue) continue;
      if (i >= 2) {  // a bias goes in as it is
        core.bytes += declared_.memory(id);
        continue;
      }
      const Blocked operand = node.op == Op::Conv && i == 1 ? filters(id) : product ? matrix(id) : image(id);
      bring(operand, tally);
      core.bytes += 2 * operand.padded;
    }
    const Blocked result = product ? matrix(node.outputs[0]) : image(node.outputs[0]);
    core.bytes += 2 * result.padded;
    tally.kernel(core);
    take_back(result, tally);
    tally.launch();
  }

  // As PyTorch computes it where no kernel does it whole: product, scale, mask, softmax, product.
  void attention(const Node& node, Tally& tally) const {
    const AttentionSize size = attention_size(graph_, node);
    const double element = declared_.element_bytes(node.outputs[0]), scores = size.scores();
    const auto matrices = [&](int64_t rows, int64_t columns) {
      return Blocked{size.heads * static_cast<double>(rows * columns), size.heads * static_cast<double>(padded(rows)) * static_cast<double>(padded(columns)), element, 0};
    };
    const auto product = [&](int64_t m, int64_t k, int64_t n) {
      const Blocked a = matrices(m, k), b = matrices(k, n), c = matrices(m, n);
      bring(a, tally);
      bring(b, tally);
      tally.kernel({size.heads * Loads::product_macs(m, k, n), 0, 2 * (a.padded + b.padded + c.padded)});
      take_back(c, tally);
      tally.launch();
    };
    const auto on_scores = [&](double vector_bytes, double other_bytes) {
      tally.kernel({0, vector_bytes, 2 * scores * element + other_bytes});
      tally.launch();
    };
    product(size.queries, size.width, size.keys);
    on_scores(scores * element, 0);
    if (node.input(3) != kNoValue) on_scores(scores * element, declared_.memory(node.inputs[3]));
    on_scores(declared_.softmax_bytes(scores), 0);
    product(size.queries, size.keys, size.values);
  }

  // [batch, channels, …]
  Blocked image(ValueId id) const {
    const Shape& shape = graph_.type(id).shape;
    const double elements = declared_.count(id);
    const double channels = static_cast<double>(std::max<int64_t>(1, shape[1]));
    return {elements, elements / channels * static_cast<double>(padded(shape[1])), declared_.element_bytes(id), 0};
  }

  // [outputs, channels, taps …]
  Blocked filters(ValueId id) const {
    const Shape& shape = graph_.type(id).shape;
    const double taps = static_cast<double>(element_count(std::span(shape).subspan(2))), planes = static_cast<double>(shape[0] * shape[1]);
    return {planes * taps, static_cast<double>(padded(shape[0]) * padded(shape[1])) * taps, declared_.element_bytes(id), taps > 1 ? planes : 0};
  }

  // [batch …, rows, columns]
  Blocked matrix(ValueId id) const {
    const Shape& shape = graph_.type(id).shape;
    const double elements = declared_.count(id);
    const int64_t columns = shape.empty() ? 1 : shape.back(), rows = shape.size() < 2 ? 1 : shape[shape.size() - 2];
    const double matrices = elements / static_cast<double>(std::max<int64_t>(1, rows * columns));
    return {elements, matrices * static_cast<double>(padded(rows) * padded(columns)), declared_.element_bytes(id), 0};
  }

  void cast(const Blocked& tensor, Tally& tally) const {
    if (tensor.element_bytes != 2) tally.kernel({0, 0, (tensor.element_bytes + 2) * tensor.elements});
  }
  void bring(const Blocked& tensor, Tally& tally) const {
    cast(tensor, tally);
    tally.kernel({0, 0, 2 * (tensor.elements + tensor.padded)}, tensor.planes * soc_.filter_plane_cycles / (1e3 * soc_.cube_mhz), Bound::layout);
  }
  void take_back(const Blocked& tensor, Tally& tally) const {
    tally.kernel({0, 0, 2 * (tensor.elements + tensor.padded)});
    cast(tensor, tally);
  }

  const Graph& graph_;
  const Soc& soc_;
  const Loads declared_, half_;
};

// Nodes that eager execution has no kernel for, or that are computed once, when the model is made.
std::vector<bool> without_kernel(const Graph& graph) {
  std::vector<bool> known(graph.values.size()), result(graph.nodes.size());
  for (size_t i = 0; i < graph.values.size(); ++i) known[i] = graph.values[i].constant.has_value();
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const bool decided = std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) { return id == kNoValue || known[static_cast<size_t>(id)]; });
    for (const ValueId id : node.outputs) known[static_cast<size_t>(id)] = decided;
    result[n] = decided || node.op == Op::Reshape || node.op == Op::Identity || node.op == Op::Dropout;
  }
  return result;
}

}  // namespace

std::vector<OperatorCost> eager_cost(const Graph& graph, const Soc& soc) {
  const EagerCosts costs(graph, soc);
  const std::vector<bool> skipped = without_kernel(graph);
  std::vector<OperatorCost> result;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!skipped[n]) result.push_back(costs.of(static_cast<int>(n)));
  }
  return result;
}

}  // namespace ropeway::chip
