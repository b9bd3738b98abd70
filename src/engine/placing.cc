#include "engine/placing.h"

#include <algorithm>

#include "base/text.h"
#include "chip/host_cost.h"

namespace ropeway {
namespace {

bool touches(const Graph& graph, const Node& node, DType dtype) {
  const auto has = [&](ValueId id) { return id != kNoValue && graph.type(id).dtype == dtype; };
  return std::any_of(node.inputs.begin(), node.inputs.end(), has) || std::any_of(node.outputs.begin(), node.outputs.end(), has);
}

bool declines_integers(const Chip& chip, const Graph& graph) {
  const std::vector<Support> supports = chip.supports(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!supports[n].yes && touches(graph, graph.nodes[n], DType::i64)) return true;
  }
  return false;
}

std::string tensors(const NarrowedValues& values, const char* dtype) {
  return fmt::format("{} tensor{} cast to {} (first: {})", values.number, values.number == 1 ? "" : "s", dtype, values.first);
}

std::string operators(size_t number) { return fmt::format("{} operator{}", number, number == 1 ? "" : "s"); }

// Operators of the CPU by their reasons, the first three of them.
std::string reasons(const Plan& plan, const Graph& graph) {
  constexpr size_t kShown = 3;
  std::vector<std::pair<std::string, std::vector<size_t>>> groups;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (plan.placements[n].backend == 0) continue;
    const auto at = std::find_if(groups.begin(), groups.end(), [&](const auto& each) { return each.first == plan.placements[n].reason; });
    if (at == groups.end()) groups.push_back({plan.placements[n].reason, {n}});
    else at->second.push_back(n);
  }
  std::vector<std::string> parts;
  for (const auto& [reason, nodes] : groups) {
    if (parts.size() == kShown) {
      const size_t more = groups.size() - kShown;
      parts.push_back(fmt::format("{} more reason{}: see ropeway inspect --stage plan", more, more == 1 ? "" : "s"));
      break;
    }
    const Node& first = graph.nodes[nodes[0]];
    const std::string more = nodes.size() == 1 ? "" : fmt::format(" and {} more", nodes.size() - 1);
    parts.push_back(fmt::format("{} at {}{}: {}", name(first.op), to_string(first.origin), more, reason));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace

std::optional<Chip> chip_of(const std::shared_ptr<const Backend>& backend) {
  const std::string chip = backend->info().chip;
  if (chip.empty()) return std::nullopt;
  return Chip{chip, [backend](const Graph& graph) { return backend->supports(graph); }};
}

Graph narrow_for(const Chip& chip, Graph graph, std::vector<std::string>& notes, std::vector<std::string>& findings) {
  Narrowing done;
  graph = narrow(std::move(graph), false, done);
  if (declines_integers(chip, graph)) graph = narrow(std::move(graph), true, done);
  if (done.floats.number > 0) notes.push_back(fmt::format("float64 is not supported by {}: {}", chip.name, tensors(done.floats, "float32")));
  if (done.integers.number > 0) notes.push_back(fmt::format("int64 is not supported by {} in all operators of this model: {}", chip.name, tensors(done.integers, "int32")));
  notes.insert(notes.end(), done.findings.begin(), done.findings.end());
  notes.insert(notes.end(), done.kept.begin(), done.kept.end());
  findings = std::move(done.findings);
  return graph;
}

Candidate host_candidate(const Graph& graph) {
  Candidate result{"cpu", {}, 0, 0};
  for (const Node& node : graph.nodes) result.supports.push_back({true, "", chip::host_ms(graph, node)});
  return result;
}

std::set<int> nodes_on_host(const Plan& plan) {
  std::set<int> nodes;
  for (size_t n = 0; n < plan.placements.size(); ++n) {
    if (plan.placements[n].backend != 0) nodes.insert(static_cast<int>(n));
  }
  return nodes;
}

std::vector<Candidate> candidates_for(const Graph& graph, std::span<const std::shared_ptr<const Backend>> backends) {
  std::vector<Candidate> result = {candidate(*backends[0], graph)};
  if (backends.size() > 1) result.push_back(host_candidate(graph));
  return result;
}

std::string describe_split(const Plan& plan, const Graph& graph) {
  std::vector<size_t> numbers(plan.devices.size(), 0);
  for (const Placement& each : plan.placements) ++numbers[each.backend];
  if (numbers.size() < 2 || numbers[1] == 0) return fmt::format("split: none, all {} on {}", operators(graph.nodes.size()), plan.devices[0]);
  const std::string times = fmt::format("{} cop{} of {} in all, {:.3g} ms predicted", plan.copies.number, plan.copies.number == 1 ? "y" : "ies", readable_bytes(plan.copies.bytes), plan.predicted_ms + plan.copies.ms);
  const std::string segments = fmt::format("{} segment{}", plan.segments.size(), plan.segments.size() == 1 ? "" : "s");
  return fmt::format("split: {}: {} {}, {} {} ({}), {}", segments, plan.devices[0], operators(numbers[0]), plan.devices[1], numbers[1], reasons(plan, graph), times);
}

}  // namespace ropeway
