#include "cpu/weight_budget.h"

#include <algorithm>
#include <set>

#include "cpu/implementations.h"

namespace ropeway::cpu {
namespace {

struct Transformed {
  size_t node;
  double bytes, growth;
  int64_t pixels;
};

}  // namespace

std::vector<double> weight_limits(const Graph& graph, double budget) {
  std::vector<double> limits(graph.nodes.size(), std::numeric_limits<double>::infinity());
  double given = 0;
  for (const Value& value : graph.values) {
    if (value.constant) given += static_cast<double>(value.constant->bytes());
  }
  const auto growth = [&](size_t node) {
    for (const Implementation& row : implementations(Op::Conv)) {
      KernelRequest request{graph, graph.nodes[node], {}, row.in == Layout::any ? Layout::blocked : row.in};
      request.weight_growth = limits[node];
      if (row.declines(request).empty()) return row.growth == nullptr ? 1.0 : row.growth(request);
    }
    return 1.0;
  };
  double all = given;
  std::vector<Transformed> transformed;
  std::set<ValueId> packed;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.op != Op::Conv || !graph.is_constant(node.inputs[1])) continue;
    const Shape& out = graph.type(node.outputs[0]).shape;
    const Transformed conv{i, static_cast<double>(graph.value(node.inputs[1]).constant->bytes()), growth(i), out[1] == 0 ? 0 : element_count(out) / out[1]};
    all += conv.bytes * (packed.insert(node.inputs[1]).second ? conv.growth - 1 : conv.growth);  // each convolution packs its own
    if (conv.growth > 1) transformed.push_back(conv);
  }
  // The last of those with as many pixels first: so it is clear which they are.
  std::stable_sort(transformed.begin(), transformed.end(), [](const Transformed& a, const Transformed& b) { return a.pixels != b.pixels ? a.pixels < b.pixels : a.node > b.node; });
  for (Transformed& conv : transformed) {
    while (all > budget * given && conv.growth > 1) {
      limits[conv.node] = std::max(1.0, conv.growth - 1e-6);
      const double less = growth(conv.node);
      if (less >= conv.growth) break;
      all -= conv.bytes * (conv.growth - less);
      conv.growth = less;
    }
  }
  return limits;
}

}  // namespace ropeway::cpu
