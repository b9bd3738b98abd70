#include "plan/split.h"

#include <algorithm>
#include <cmath>

#include "plan/min_cut.h"

namespace ropeway {
namespace {

// Nanoseconds: finer than any prediction.
int64_t capacity(double ms) { return std::llround(std::clamp(ms, 0.0, 1e6) * 1e6); }

int64_t cost(const Support& support) { return support.yes ? capacity(support.predicted_ms.value_or(0)) : Network::kNever; }

// Who reads each value.
std::vector<std::vector<size_t>> readers(const Graph& graph) {
  std::vector<std::vector<size_t>> result(graph.values.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const ValueId id : graph.nodes[n].inputs) {
      if (id == kNoValue) continue;
      std::vector<size_t>& list = result[static_cast<size_t>(id)];
      if (list.empty() || list.back() != n) list.push_back(n);
    }
  }
  return result;
}

}  // namespace

double copy_ms(const Candidate& candidate, const TensorType& type) {
  if (candidate.copy_gb_per_s == 0) return 0;
  const double bytes = static_cast<double>(element_count(type.shape)) * static_cast<double>(size_of(type.dtype));
  return 1e-3 * candidate.copy_us + bytes / (1e6 * candidate.copy_gb_per_s);
}

std::vector<bool> split(const Graph& graph, const Candidate& device, const Candidate& host) {
  // A vertex per node; the source stands for the device, the sink for the host. A node on the side of one pays the edge to the other.
  const size_t nodes = graph.nodes.size(), on_device = nodes, on_host = nodes + 1;
  Network network(nodes + 2);
  for (size_t n = 0; n < nodes; ++n) {
    network.add_edge(n, on_host, cost(device.supports[n]));
    network.add_edge(on_device, n, cost(host.supports[n]));
  }
  const std::vector<int> producer = producers(graph);
  const std::vector<std::vector<size_t>> readers_of = readers(graph);
  for (size_t v = 0; v < graph.values.size(); ++v) {
    const auto id = static_cast<ValueId>(v);
    const bool is_output = std::find(graph.outputs.begin(), graph.outputs.end(), id) != graph.outputs.end();
    if (graph.is_constant(id) || (readers_of[v].empty() && !is_output)) continue;
    const int64_t copy = capacity(copy_ms(device, graph.type(id)));
    const size_t from = producer[v] < 0 ? on_host : static_cast<size_t>(producer[v]);
    // A vertex for the value on the other side: it is there as soon as one reader is, and then its copy is paid, once.
    if (from != on_host) {
      const size_t brought_back = is_output ? on_host : network.add_vertex();
      network.add_edge(from, brought_back, copy);
      for (const size_t reader : readers_of[v]) {
        if (!is_output) network.add_edge(brought_back, reader, Network::kNever);
      }
    }
    const size_t brought_there = network.add_vertex();
    network.add_edge(brought_there, from, copy);
    for (const size_t reader : readers_of[v]) network.add_edge(reader, brought_there, Network::kNever);
  }
  std::vector<bool> result = network.min_cut(on_device, on_host);
  result.resize(nodes);
  return result;
}

}  // namespace ropeway
