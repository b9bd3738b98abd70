#include "chip/cost_model.h"

#include <algorithm>
#include <numeric>

#include "chip/fusion.h"
#include "chip/loads.h"
#include "ops/work.h"

namespace ropeway::chip {
namespace {

class Costs {
 public:
  Costs(const Graph& graph, const Soc& soc, Floats floats) : graph_(graph), soc_(soc), of_(graph, soc, floats) {}

  OperatorCost of(const CompiledOperator& compiled) const {
    OperatorCost cost;
    cost.nodes = compiled.nodes;
    for (const int index : compiled.nodes) cost.flops += work(graph_, graph_.nodes[static_cast<size_t>(index)]).flops;
    Tally tally(soc_);
    for (const Load& load : loads(compiled)) {
      tally.kernel(load);
      tally.launch();
    }
    tally.fill(cost);
    return cost;
  }

 private:
  std::vector<Load> loads(const CompiledOperator& compiled) const {
    const Node& head = graph_.nodes[static_cast<size_t>(compiled.nodes[0])];
    Load load;
    for (const ValueId id : compiled.inputs) load.bytes += of_.memory_read(head, id);
    for (const ValueId id : compiled.outputs) load.bytes += of_.memory(id);
    if (head.op == Op::ScaledDotProductAttention) return attention(head, load.bytes);
    for (const int index : compiled.nodes) {
      const Node& node = graph_.nodes[static_cast<size_t>(index)];
      load.macs += of_.macs(node);
      load.vector_bytes += of_.vector_bytes(node);
    }
    return {load};
  }

  // Product, scale (and mask); softmax; product. `bytes`: queries, keys, values, mask, result.
  std::vector<Load> attention(const Node& node, double bytes) const {
    const AttentionSize size = attention_size(graph_, node);
    const double second = of_.memory(node.inputs[2]) + of_.memory(node.outputs[0]), scores = size.scores();
    return {{size.heads * Loads::product_macs(size.queries, size.width, size.keys), (node.input(3) == kNoValue ? 1 : 2) * 2 * scores, std::max(0.0, bytes - second) + 2 * scores},
            {0, of_.softmax_bytes(scores), 4 * scores},
            {size.heads * Loads::product_macs(size.queries, size.keys, size.values), 0, second + 2 * scores}};
  }

  const Graph& graph_;
  const Soc& soc_;
  const Loads of_;
};

}  // namespace

const char* name(Bound bound) {
  switch (bound) {
    case Bound::cube: return "cube";
    case Bound::vector: return "vector";
    case Bound::memory: return "memory";
    case Bound::launch: return "launch";
    case Bound::layout: return "layout";
  }
  return "?";
}

std::vector<OperatorCost> compiled_cost(const Graph& graph, const Soc& soc, const std::set<int>& keep) {
  const Costs halves(graph, soc, Floats::half), kept(graph, soc, Floats::as_declared);
  std::vector<OperatorCost> result;
  for (const CompiledOperator& each : compiled_operators(graph)) {
    const bool is_kept = std::ranges::any_of(each.nodes, [&](int node) { return keep.contains(node); });
    result.push_back((is_kept ? kept : halves).of(each));
  }
  return result;
}

double copy_ms(double bytes, const Soc& soc) { return 1e-3 * soc.copy_us + bytes / (1e6 * soc.copy_gb_per_s); }

double memory_copy_ms(double bytes, const Soc& soc) { return 1e-3 * soc.launch_us + 2 * bytes / (1e6 * soc.dram_gb_per_s); }

double total_ms(const std::vector<OperatorCost>& costs) {
  return std::accumulate(costs.begin(), costs.end(), 0.0, [](double sum, const OperatorCost& each) { return sum + each.ms; });
}

}  // namespace ropeway::chip
