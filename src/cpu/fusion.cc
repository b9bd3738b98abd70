#include "cpu/fusion.h"

#include <algorithm>

#include "cpu/implementations.h"

namespace ropeway::cpu {
namespace {

// By a kernel proper: the reference, which comes last, serves everything but gains nothing from fusion.
bool served(const Graph& graph, const FusedNode& candidate) {
  const KernelRequest request{graph, graph.nodes[static_cast<size_t>(candidate.head)], candidate.fusion};
  const auto all = implementations(request.node.op);
  const auto rows = all.first(all.size() - 1);
  return std::any_of(rows.begin(), rows.end(), [&](const Implementation& row) { return row.declines(request).empty(); });
}

// `constant` as a vector along the last dimension of `type`.
bool is_row(const Graph& graph, ValueId constant, const TensorType& type) {
  if (!graph.is_constant(constant) || type.shape.empty()) return false;
  const TensorType& given = graph.type(constant);
  return given.dtype == type.dtype && !given.shape.empty() && given.shape.size() <= type.shape.size() && given.shape.back() == type.shape.back() &&
         element_count(given.shape) == type.shape.back();
}

class Fuser {
 public:
  explicit Fuser(const Graph& graph) : graph_(graph), uses_(use_counts(graph)), taken_(graph.nodes.size(), false), reader_(graph.values.size(), -1) {
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      for (const ValueId id : graph.nodes[i].inputs) {
        if (id != kNoValue) reader_[static_cast<size_t>(id)] = static_cast<int>(i);
      }
    }
  }

  std::vector<FusedNode> run() {
    std::vector<FusedNode> result;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (taken_[i] || graph_.is_constant(graph_.nodes[i].outputs[0])) continue;
      FusedNode fused{static_cast<int>(i), {}, {static_cast<int>(i)}, graph_.nodes[i].outputs[0]};
      if (graph_.nodes[i].outputs.size() == 1) {
        while (extend(fused)) {
        }
      }
      for (const int node : fused.nodes) taken_[static_cast<size_t>(node)] = true;
      result.push_back(std::move(fused));
    }
    std::stable_sort(result.begin(), result.end(), [](const FusedNode& a, const FusedNode& b) { return a.nodes.back() < b.nodes.back(); });
    return result;
  }

 private:
  // Fuses the only reader of the output, if it can be; false when it cannot.
  bool extend(FusedNode& fused) const {
    const Op head = graph_.nodes[static_cast<size_t>(fused.head)].op;
    const bool product = head == Op::Conv || head == Op::Gemm || head == Op::MatMul;
    const int index = only_reader(fused.output);
    if (index < 0 || fused.fusion.round_f16) return false;
    if (round(fused, index)) return true;
    if ((!product && head != Op::Binary) || fused.fusion.activation) return false;
    const Node& next = graph_.nodes[static_cast<size_t>(index)];
    FusedNode candidate = fused;
    candidate.nodes.push_back(index);
    candidate.output = next.outputs[0];
    if (next.op == Op::Unary) {
      candidate.fusion.activation = next.get<UnaryParams>();
    } else if (!product || next.op != Op::Binary || !add_operand(next, fused, candidate.fusion, head)) {
      return false;
    }
    if (!served(graph_, candidate)) return false;
    fused = std::move(candidate);
    return true;
  }

  // The node that reads a value, when it is the only one and not part of something yet; else -1.
  int only_reader(ValueId value) const {
    const int index = reader_[static_cast<size_t>(value)];
    return uses_[static_cast<size_t>(value)] == 1 && index >= 0 && !taken_[static_cast<size_t>(index)] ? index : -1;
  }

  // Fuses a Cast from f32 to f16, `index`, and the Cast back that is its only reader. A Cast to f16 is a head of its own when nothing took it in.
  bool round(FusedNode& fused, int index) const {
    const auto casts = [&](int node, DType from, DType to) {
      const Node& cast = graph_.nodes[static_cast<size_t>(node)];
      return cast.op == Op::Cast && graph_.type(cast.inputs[0]).dtype == from && graph_.type(cast.outputs[0]).dtype == to;
    };
    FusedNode candidate = fused;
    int back = index;
    if (!casts(fused.head, DType::f32, DType::f16)) {
      if (!casts(index, DType::f32, DType::f16)) return false;
      candidate.nodes.push_back(index);
      back = only_reader(graph_.nodes[static_cast<size_t>(index)].outputs[0]);
    }
    if (back < 0 || !casts(back, DType::f16, DType::f32)) return false;
    candidate.nodes.push_back(back);
    candidate.output = graph_.nodes[static_cast<size_t>(back)].outputs[0];
    candidate.fusion.round_f16 = true;
    if (!served(graph_, candidate)) return false;
    fused = std::move(candidate);
    return true;
  }

  bool add_operand(const Node& add, const FusedNode& fused, Fusion& fusion, Op head) const {
    if (add.get<BinaryParams>().function != BinaryFunction::add) return false;
    const ValueId other = add.inputs[0] == fused.output ? add.inputs[1] : add.inputs[0];
    const TensorType& type = graph_.type(fused.output);
    if (graph_.type(add.outputs[0]) != type) return false;
    if (head == Op::MatMul && fusion.bias == kNoValue && fusion.residual == kNoValue && is_row(graph_, other, type)) {
      fusion.bias = other;
      return true;
    }
    if (fusion.residual != kNoValue || graph_.is_constant(other) || graph_.type(other) != type) return false;
    fusion.residual = other;
    return true;
  }

  const Graph& graph_;
  std::vector<int> uses_;
  std::vector<bool> taken_;
  std::vector<int> reader_;  // by value: a node that reads it
};

}  // namespace

std::vector<FusedNode> fuse(const Graph& graph, bool enabled) {
  if (enabled) return Fuser(graph).run();
  std::vector<FusedNode> result;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!graph.is_constant(graph.nodes[i].outputs[0])) result.push_back({static_cast<int>(i), {}, {static_cast<int>(i)}, graph.nodes[i].outputs[0]});
  }
  return result;
}

}  // namespace ropeway::cpu
