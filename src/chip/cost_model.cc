#include "chip/cost_model.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "chip/fusion.h"
#include "ops/shape_util.h"
#include "ops/work.h"

namespace ropeway::chip {
namespace {

constexpr int64_t kFractal = 16;  // the cube multiplies 16×16 by 16×16

double padded(int64_t size) { return static_cast<double>((size + kFractal - 1) / kFractal * kFractal); }
double product_macs(int64_t m, int64_t k, int64_t n) { return padded(m) * padded(k) * padded(n); }

// What one launch has to do.
struct Load {
  double macs = 0;          // of the cube, padding included
  double vector_bytes = 0;  // operand bytes of vector instructions
  double bytes = 0;         // to and from memory
};

int64_t element_bytes(DType dtype) {
  return is_float(dtype) ? 2 : static_cast<int64_t>(size_of(dtype));
}

class Costs {
 public:
  Costs(const Graph& graph, const Soc& soc) : graph_(graph), soc_(soc) {}

  OperatorCost of(const CompiledOperator& compiled) const {
    OperatorCost cost;
    cost.nodes = compiled.nodes;
    for (const int index : compiled.nodes) cost.flops += work(graph_, graph_.nodes[static_cast<size_t>(index)]).flops;
    std::array<double, 4> spent{};
    for (const Load& load : loads(compiled)) {
      cost.bytes += load.bytes;
      const std::array<double, 3> ms = {1e3 * load.macs / (0.5 * soc_.cube_flops() * soc_.cube_efficiency), 1e3 * load.vector_bytes / soc_.vector_bytes_per_s(),
                                        load.bytes / (1e6 * soc_.dram_gb_per_s)};
      const auto longest = std::max_element(ms.begin(), ms.end());
      spent[static_cast<size_t>(longest - ms.begin())] += *longest;
      spent[3] += soc_.launch_us / 1e3;
    }
    cost.ms = std::accumulate(spent.begin(), spent.end(), 0.0);
    cost.bound = static_cast<Bound>(std::max_element(spent.begin(), spent.end()) - spent.begin());
    return cost;
  }

 private:
  const Shape& shape(ValueId id) const { return graph_.type(id).shape; }
  double count(ValueId id) const { return static_cast<double>(element_count(shape(id))); }
  double memory(ValueId id) const { return count(id) * static_cast<double>(element_bytes(graph_.type(id).dtype)); }

  std::vector<Load> loads(const CompiledOperator& compiled) const {
    const Node& head = graph_.nodes[static_cast<size_t>(compiled.nodes[0])];
    Load load;
    for (const ValueId id : compiled.inputs) load.bytes += memory_read(head, id);
    for (const ValueId id : compiled.outputs) load.bytes += memory(id);
    if (head.op == Op::ScaledDotProductAttention) return attention(head, load.bytes);
    for (const int index : compiled.nodes) {
      const Node& node = graph_.nodes[static_cast<size_t>(index)];
      load.macs += macs(node);
      load.vector_bytes += vector_bytes(node);
    }
    return {load};
  }

  // Of what an operator only picks elements from, it reads what it delivers.
  double memory_read(const Node& node, ValueId id) const {
    double all = memory(id);
    const bool picks = node.op == Op::Slice || node.op == Op::Gather || node.op == Op::GatherND || node.op == Op::Split;
    if (!picks || (node.inputs.size() > 1 && id == node.inputs[1])) return all;
    double delivered = 0;
    for (const ValueId out : node.outputs) delivered += memory(out);
    return std::min(all, delivered);
  }

  double macs(const Node& node) const {
    switch (node.op) {
      case Op::Conv: return conv_macs(node);
      case Op::Gemm: {
        const Shape& a = shape(node.inputs[0]);
        const Shape& out = shape(node.outputs[0]);
        return product_macs(out[0], node.get<GemmParams>().transA ? a[0] : a[1], out[1]);
      }
      case Op::MatMul: return matmul_macs(shape(node.inputs[0]), shape(node.inputs[1]), element_count(shape(node.outputs[0])));
      default: return 0;
    }
  }

  // One product for all rows when the second operand is one matrix; else one per pair of matrices.
  static double matmul_macs(const Shape& a, const Shape& b, int64_t results) {
    const int64_t depth = a.back(), n = b.size() < 2 ? 1 : b.back();
    if (results == 0) return 0;
    if (b.size() <= 2) return product_macs(results / n, depth, n);
    const int64_t m = a.size() < 2 ? 1 : a[a.size() - 2];
    return static_cast<double>(results / (m * n)) * product_macs(m, depth, n);
  }

  // As a product of pixels by outputs over channels and taps. Channels lie in blocks of 16, or of 4 when an image has no more (C04). Groups narrower than a
  // block share one, filled up with zeros.
  double conv_macs(const Node& node) const {
    const Shape& out = shape(node.outputs[0]);
    const Shape& weight = shape(node.inputs[1]);
    const int64_t group = node.get<ConvParams>().group, outputs = weight[0] / std::max<int64_t>(group, 1), channels = weight[1];
    const int64_t taps = element_count(std::span(weight).subspan(2)), pixels = out[0] * element_count(std::span(out).subspan(2));
    if (outputs == 0 || channels == 0) return 0;
    const int64_t together = std::clamp<int64_t>(kFractal / std::max(outputs, channels), 1, group);
    const int64_t depth = group == 1 && channels <= 4 ? 4 * taps : static_cast<int64_t>(padded(together * channels)) * taps;
    return static_cast<double>((group + together - 1) / together) * product_macs(pixels, depth, together * outputs);
  }

  double vector_bytes(const Node& node) const {
    const double in = count(node.inputs[0]), out = count(node.outputs[0]), element = static_cast<double>(element_bytes(graph_.type(node.inputs[0]).dtype));
    const int function = soc_.function_instructions;
    switch (node.op) {
      case Op::Unary: return instructions(node.get<UnaryParams>().function) * out * element;
      case Op::Binary: return (node.get<BinaryParams>().function == BinaryFunction::pow ? 2 * function : 1) * out * element;
      case Op::Where:
      case Op::Cast: return out * element;
      case Op::BatchNormalization: return 2 * out * element;
      case Op::MaxPool:
      case Op::AveragePool: return out * static_cast<double>(element_count(node.get<PoolParams>().kernel_shape)) * element;
      case Op::AdaptiveAveragePool: return std::max(in, out) * element;
      // In 32 bits: mean, difference, square, sum, scale, weight, bias; largest, difference, exp, sum, division; an accumulation.
      case Op::LayerNormalization: return 7 * out * 4;
      case Op::Softmax:
      case Op::LogSoftmax: return softmax_bytes(out);
      case Op::Reduce: return in * 4;
      default: return 0;
    }
  }

  double softmax_bytes(double elements) const { return (4 + soc_.function_instructions) * elements * 4; }

  int instructions(UnaryFunction function) const {
    switch (function) {
      case UnaryFunction::leaky_relu:
      case UnaryFunction::clip: return 2;
      case UnaryFunction::hard_sigmoid: return 3;
      case UnaryFunction::hard_swish: return 4;
      case UnaryFunction::elu: return soc_.function_instructions + 3;
      case UnaryFunction::silu: return soc_.function_instructions + 1;
      case UnaryFunction::gelu:
      case UnaryFunction::gelu_tanh: return soc_.function_instructions + 4;
      case UnaryFunction::mish: return 2 * soc_.function_instructions + 1;
      case UnaryFunction::sigmoid:
      case UnaryFunction::softplus:
      case UnaryFunction::tanh:
      case UnaryFunction::erf:
      case UnaryFunction::exp:
      case UnaryFunction::log:
      case UnaryFunction::sin:
      case UnaryFunction::cos: return soc_.function_instructions;
      default: return 1;
    }
  }

  // Product, scale (and mask); softmax; product. `bytes`: queries, keys, values, mask, result.
  std::vector<Load> attention(const Node& node, double bytes) const {
    const Shape& q = shape(node.inputs[0]);
    const Shape& k = shape(node.inputs[1]);
    const int64_t queries = q[q.size() - 2], width = q.back(), keys = k[k.size() - 2], values = shape(node.inputs[2]).back();
    const int64_t results = element_count(shape(node.outputs[0]));
    const double heads = static_cast<double>(results) / static_cast<double>(std::max<int64_t>(1, queries * values));
    const double scores = heads * static_cast<double>(queries * keys);
    const double second = memory(node.inputs[2]) + memory(node.outputs[0]);
    return {{heads * product_macs(queries, width, keys), (node.input(3) == kNoValue ? 1 : 2) * 2 * scores, std::max(0.0, bytes - second) + 2 * scores},
            {0, softmax_bytes(scores), 4 * scores},
            {heads * product_macs(queries, keys, values), 0, second + 2 * scores}};
  }

  const Graph& graph_;
  const Soc& soc_;
};

}  // namespace

const char* name(Bound bound) {
  switch (bound) {
    case Bound::cube: return "cube";
    case Bound::vector: return "vector";
    case Bound::memory: return "memory";
    case Bound::launch: return "launch";
  }
  return "?";
}

std::vector<OperatorCost> compiled_cost(const Graph& graph, const Soc& soc) {
  const Costs costs(graph, soc);
  std::vector<OperatorCost> result;
  for (const CompiledOperator& each : compiled_operators(graph)) result.push_back(costs.of(each));
  return result;
}

double copy_ms(double bytes, const Soc& soc) { return 1e-3 * soc.copy_us + bytes / (1e6 * soc.copy_gb_per_s); }

double memory_copy_ms(double bytes, const Soc& soc) { return 1e-3 * soc.launch_us + 2 * bytes / (1e6 * soc.dram_gb_per_s); }

double total_ms(const std::vector<OperatorCost>& costs) {
  return std::accumulate(costs.begin(), costs.end(), 0.0, [](double sum, const OperatorCost& each) { return sum + each.ms; });
}

}  // namespace ropeway::chip
