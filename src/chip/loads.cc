#include "chip/loads.h"

#include <algorithm>
#include <numeric>

#include "ops/shape_util.h"

namespace ropeway::chip {

int64_t padded(int64_t size) { return (size + kFractal - 1) / kFractal * kFractal; }

double Loads::product_macs(int64_t m, int64_t k, int64_t n) { return static_cast<double>(padded(m)) * static_cast<double>(padded(k)) * static_cast<double>(padded(n)); }

double Loads::element_bytes(ValueId id) const {
  const DType dtype = graph_.type(id).dtype;
  return floats_ == Floats::half && is_float(dtype) ? 2 : static_cast<double>(size_of(dtype));
}

double Loads::memory_read(const Node& node, ValueId id) const {
  double all = memory(id);
  const bool picks = node.op == Op::Slice || node.op == Op::Gather || node.op == Op::GatherND || node.op == Op::GatherElements || node.op == Op::Split;
  if (!picks || (node.inputs.size() > 1 && id == node.inputs[1])) return all;
  double delivered = 0;
  for (const ValueId out : node.outputs) delivered += memory(out);
  return std::min(all, delivered);
}

double Loads::macs(const Node& node) const {
  switch (node.op) {
    case Op::Conv: return conv_macs(node);
    case Op::ConvTranspose: {  // of every input pixel by the taps of all outputs
      const Shape& in = shape(node.inputs[0]);
      const Shape& weight = shape(node.inputs[1]);
      const int64_t group = node.get<ConvTransposeParams>().group;
      return static_cast<double>(group) * product_macs(in[0] * element_count(std::span(in).subspan(2)), in[1] / group, element_count(std::span(weight).subspan(1)));
    }
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
double Loads::matmul_macs(const Shape& a, const Shape& b, int64_t results) {
  const int64_t depth = a.back(), n = b.size() < 2 ? 1 : b.back();
  if (results == 0) return 0;
  if (b.size() <= 2) return product_macs(results / n, depth, n);
  const int64_t m = a.size() < 2 ? 1 : a[a.size() - 2];
  return static_cast<double>(results / (m * n)) * product_macs(m, depth, n);
}

// As a product of pixels by outputs over channels and taps. Channels lie in blocks of 16, or of 4 when an image has no more (C04). Groups narrower than a
// block share one, filled up with zeros.
double Loads::conv_macs(const Node& node) const {
  const Shape& out = shape(node.outputs[0]);
  const Shape& weight = shape(node.inputs[1]);
  const int64_t group = node.get<ConvParams>().group, outputs = weight[0] / std::max<int64_t>(group, 1), channels = weight[1];
  const int64_t taps = element_count(std::span(weight).subspan(2)), pixels = out[0] * element_count(std::span(out).subspan(2));
  if (outputs == 0 || channels == 0) return 0;
  const int64_t together = std::clamp<int64_t>(kFractal / std::max(outputs, channels), 1, group);
  const int64_t depth = group == 1 && channels <= 4 ? 4 * taps : padded(together * channels) * taps;
  return static_cast<double>((group + together - 1) / together) * product_macs(pixels, depth, together * outputs);
}

double Loads::vector_bytes(const Node& node) const {
  const double in = count(node.inputs[0]), out = count(node.outputs[0]), element = element_bytes(node.inputs[0]);
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

int Loads::instructions(UnaryFunction function) const {
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

AttentionSize attention_size(const Graph& graph, const Node& node) {
  const Shape& q = graph.type(node.inputs[0]).shape;
  const Shape& k = graph.type(node.inputs[1]).shape;
  AttentionSize size{q[q.size() - 2], q.back(), k[k.size() - 2], graph.type(node.inputs[2]).shape.back(), 0};
  size.heads = static_cast<double>(element_count(graph.type(node.outputs[0]).shape)) / static_cast<double>(std::max<int64_t>(1, size.queries * size.values));
  return size;
}

void Tally::kernel(const Load& load, double floor_ms, Bound floor) {
  bytes_ += load.bytes;
  const std::array<double, 3> ms = {1e3 * load.macs / (0.5 * soc_.cube_flops() * soc_.cube_efficiency), 1e3 * load.vector_bytes / soc_.vector_bytes_per_s(),
                                    load.bytes / (1e6 * soc_.dram_gb_per_s)};
  const auto longest = std::max_element(ms.begin(), ms.end());
  if (floor_ms > *longest) spent_[static_cast<size_t>(floor)] += floor_ms;
  else spent_[static_cast<size_t>(longest - ms.begin())] += *longest;
}

void Tally::fill(OperatorCost& cost) const {
  cost.ms = std::accumulate(spent_.begin(), spent_.end(), 0.0);
  cost.bound = static_cast<Bound>(std::max_element(spent_.begin(), spent_.end()) - spent_.begin());
  cost.bytes = bytes_;
}

}  // namespace ropeway::chip
