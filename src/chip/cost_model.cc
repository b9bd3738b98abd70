#include "chip/cost_model.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace ropeway {
namespace {

// The cube's edge, and so the granularity of channels and of rows and columns of products.
constexpr double kBlock = 16;
// Of weights with at most 4 input channels CANN has a layout of its own, with 4 channels in a block.
constexpr double kFewChannels = 4;
// Vector instructions of a function per element, loads and stores apart: 1 for what the vector unit has, about 10 for what is a polynomial or an iteration [assumed].
constexpr double kSimple = 1, kTranscendental = 10;

double padded(double count, double block) { return block * std::max(1.0, std::ceil(count / block)); }

double count(const Graph& graph, ValueId id) { return static_cast<double>(element_count(graph.type(id).shape)); }

double bytes(const Graph& graph, ValueId id) {
  const DType dtype = graph.type(id).dtype;
  const bool floating = dtype == DType::f32 || dtype == DType::f64 || dtype == DType::f16 || dtype == DType::bf16;
  return count(graph, id) * (floating ? 2.0 : static_cast<double>(size_of(dtype)));
}

bool is_cube(Op op) { return op == Op::Conv || op == Op::Gemm || op == Op::MatMul || op == Op::ScaledDotProductAttention; }

bool is_element_wise(Op op) { return op == Op::Unary || op == Op::Binary || op == Op::Where || op == Op::BatchNormalization || op == Op::Cast; }

bool is_free(const Graph& graph, const Node& node) {
  if (node.op == Op::Reshape || node.op == Op::Identity) return true;
  if (node.op == Op::Dropout) return !node.get<DropoutParams>().training_mode;
  return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) { return id == kNoValue || graph.is_constant(id); });
}

double instructions(const Node& node) {
  if (node.op == Op::Binary) return node.get<BinaryParams>().function == BinaryFunction::div || node.get<BinaryParams>().function == BinaryFunction::pow ? kTranscendental / 2 : kSimple;
  if (node.op == Op::BatchNormalization) return 2 * kSimple;
  if (node.op == Op::Softmax || node.op == Op::LogSoftmax) return kTranscendental + 4 * kSimple;  // maximum, difference, exponential, sum, quotient
  if (node.op == Op::LayerNormalization) return 8 * kSimple;
  if (node.op != Op::Unary) return kSimple;
  switch (node.get<UnaryParams>().function) {
    case UnaryFunction::relu:
    case UnaryFunction::clip:
    case UnaryFunction::leaky_relu:
    case UnaryFunction::abs:
    case UnaryFunction::neg:
    case UnaryFunction::hard_sigmoid:
    case UnaryFunction::hard_swish:
    case UnaryFunction::sign:
    case UnaryFunction::floor:
    case UnaryFunction::ceil:
    case UnaryFunction::round:
    case UnaryFunction::logical_not:
    case UnaryFunction::is_nan: return kSimple;
    default: return kTranscendental;
  }
}

// Additions and multiplications of the cube for a product [rows, depth] × [depth, columns].
double product_flops(double rows, double depth, double columns) { return 2 * padded(rows, kBlock) * padded(depth, kBlock) * padded(columns, kBlock); }

double cube_flops(const Graph& graph, const Node& node) {
  const Shape& out = graph.type(node.outputs[0]).shape;
  const double elements = count(graph, node.outputs[0]);
  switch (node.op) {
    case Op::Conv: {
      const Shape& w = graph.type(node.inputs[1]).shape;
      const double groups = static_cast<double>(node.get<ConvParams>().group);
      double taps = 1;
      for (size_t i = 2; i < w.size(); ++i) taps *= static_cast<double>(w[i]);
      const double channels = static_cast<double>(w[1]);
      const double depth = channels <= kFewChannels ? padded(padded(channels, kFewChannels) * taps, kBlock) : padded(channels, kBlock) * taps;
      const double pixels = elements / static_cast<double>(out[1]);
      return groups * product_flops(pixels, depth, static_cast<double>(out[1]) / groups);
    }
    case Op::Gemm:
    case Op::MatMul: {
      const Shape& a = graph.type(node.inputs[0]).shape;
      const bool transposed = node.op == Op::Gemm && node.get<GemmParams>().transA;
      const double depth = a.empty() ? 1 : static_cast<double>(transposed ? a.front() : a.back());
      const double columns = out.empty() ? 1 : static_cast<double>(out.back());
      // Of a batch whose second factor is the same for all, the first factors are rows of one.
      const Shape& b = graph.type(node.inputs[1]).shape;
      const double rows = elements / columns;
      if (b.size() <= 2 || out.size() < 2) return product_flops(rows, depth, columns);
      const double inner = static_cast<double>(out[out.size() - 2]);
      return rows / std::max(1.0, inner) * product_flops(inner, depth, columns);
    }
    case Op::ScaledDotProductAttention: {
      const Shape& q = graph.type(node.inputs[0]).shape;
      const Shape& k = graph.type(node.inputs[1]).shape;
      const double queries = static_cast<double>(q[q.size() - 2]), keys = static_cast<double>(k[k.size() - 2]);
      const double batch = count(graph, node.inputs[0]) / std::max(1.0, queries * static_cast<double>(q.back()));
      return batch * (product_flops(queries, static_cast<double>(q.back()), keys) + product_flops(queries, keys, static_cast<double>(out.back())));
    }
    default: return 0;
  }
}

// Bytes through the vector unit, inputs' width, once per instruction.
double vector_bytes(const Graph& graph, const Node& node) {
  double elements = count(graph, node.outputs[0]);
  switch (node.op) {
    case Op::Conv:
    case Op::Gemm:
    case Op::MatMul: return 0;  // a bias is the cube's
    case Op::ScaledDotProductAttention: {
      const Shape& k = graph.type(node.inputs[1]).shape;
      const Shape& q = graph.type(node.inputs[0]).shape;
      return 2 * (kTranscendental + 5 * kSimple) * count(graph, node.inputs[0]) / static_cast<double>(std::max<int64_t>(1, q.back())) * static_cast<double>(k[k.size() - 2]);
    }
    case Op::MaxPool:
    case Op::AveragePool: elements *= static_cast<double>(element_count(node.get<PoolParams>().kernel_shape)); break;
    case Op::AdaptiveAveragePool:
    case Op::Reduce: elements = count(graph, node.inputs[0]); break;
    default: break;
  }
  return 2 * elements * instructions(node);
}

// Puts nodes together into the operators of the compiled model.
class Grouper {
 public:
  explicit Grouper(const Graph& graph) : graph_(graph), uses_(use_counts(graph)), group_of_(graph.values.size(), -1) {}

  std::vector<std::vector<int>> run() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) place(static_cast<int>(n));
    return std::move(groups_);
  }

 private:
  void place(int n) {
    const Node& node = graph_.nodes[static_cast<size_t>(n)];
    int group = -1;
    if (is_free(graph_, node)) {
      // A change of shape hands on what can be fused to.
      if (!node.inputs.empty() && node.inputs[0] != kNoValue && uses_[static_cast<size_t>(node.inputs[0])] == 1) group = group_of_[static_cast<size_t>(node.inputs[0])];
    } else {
      if (is_element_wise(node.op)) group = group_before(node);
      if (group < 0) {
        group = static_cast<int>(groups_.size());
        groups_.emplace_back();
      }
      groups_[static_cast<size_t>(group)].push_back(n);
    }
    // Only cube operators and element-wise ones take others in.
    if (!is_free(graph_, node) && !is_cube(node.op) && !is_element_wise(node.op)) group = -1;
    for (const ValueId id : node.outputs) group_of_[static_cast<size_t>(id)] = group;
  }

  // The latest group that an input is the only reader of; -1 for none.
  int group_before(const Node& node) const {
    int latest = -1;
    for (const ValueId id : node.inputs) {
      if (id != kNoValue && uses_[static_cast<size_t>(id)] == 1) latest = std::max(latest, group_of_[static_cast<size_t>(id)]);
    }
    return latest;
  }

  const Graph& graph_;
  const std::vector<int> uses_;
  std::vector<int> group_of_;  // by value: the group that may take its reader in
  std::vector<std::vector<int>> groups_;
};

// What crosses the border of a group: constants always, other tensors when they are too large for the L2.
double dram_bytes(const Graph& graph, const std::vector<int>& nodes, const Soc& soc) {
  std::set<ValueId> made, read;
  for (const int n : nodes) {
    const Node& node = graph.nodes[static_cast<size_t>(n)];
    for (const ValueId id : node.inputs) {
      if (id != kNoValue && !made.contains(id)) read.insert(id);
    }
    made.insert(node.outputs.begin(), node.outputs.end());
  }
  double sum = 0;
  for (const ValueId id : read) {
    if (graph.is_constant(id) || bytes(graph, id) > soc.l2_bytes) sum += bytes(graph, id);
  }
  for (const ValueId id : graph.nodes[static_cast<size_t>(nodes.back())].outputs) {
    if (bytes(graph, id) > soc.l2_bytes) sum += bytes(graph, id);
  }
  return sum;
}

}  // namespace

const char* name(Bound bound) {
  switch (bound) {
    case Bound::cube: return "cube";
    case Bound::vector: return "vector";
    case Bound::memory: return "memory";
  }
  return "";
}

std::vector<OperatorCost> compiled_cost(const Graph& graph, const Soc& soc) {
  std::vector<OperatorCost> result;
  for (std::vector<int>& nodes : Grouper(graph).run()) {
    OperatorCost cost;
    for (const int n : nodes) {
      const Node& node = graph.nodes[static_cast<size_t>(n)];
      cost.cube_flops += cube_flops(graph, node);
      cost.vector_bytes += vector_bytes(graph, node);
    }
    cost.dram_bytes = dram_bytes(graph, nodes, soc);
    const double cube = cost.cube_flops / soc.cube_flops(), vector = cost.vector_bytes / soc.vector_bytes(), memory = cost.dram_bytes / (1e9 * soc.dram_gb_per_s);
    const double longest = std::max({cube, vector, memory});
    cost.bound = longest == memory ? Bound::memory : longest == cube ? Bound::cube : Bound::vector;
    cost.ms = 1e3 * longest + 1e-3 * soc.launch_us;
    cost.nodes = std::move(nodes);
    result.push_back(std::move(cost));
  }
  return result;
}

double copy_ms(double bytes, const Soc& soc) { return 1e-3 * soc.launch_us + 2e3 * bytes / (1e9 * soc.dram_gb_per_s); }

}  // namespace ropeway
