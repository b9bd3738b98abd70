#include "plan/plan.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace ropeway {
namespace {

// Values that a segment reads from elsewhere, and those of its own that somebody else reads.
void find_boundary(const Graph& graph, const std::vector<int>& segment_of, size_t index, Segment& segment) {
  const std::vector<int> producer = producers(graph);
  const auto add = [](std::vector<ValueId>& list, ValueId id) {
    if (std::find(list.begin(), list.end(), id) == list.end()) list.push_back(id);
  };
  for (const int n : segment.nodes) {
    for (const ValueId id : graph.nodes[static_cast<size_t>(n)].inputs) {
      if (id == kNoValue || graph.is_constant(id)) continue;
      const int from = producer[static_cast<size_t>(id)];
      if (from < 0 || segment_of[static_cast<size_t>(from)] != static_cast<int>(index)) add(segment.inputs, id);
    }
  }
  const auto is_own = [&](ValueId id) {
    const int from = id == kNoValue ? -1 : producer[static_cast<size_t>(id)];
    return from >= 0 && segment_of[static_cast<size_t>(from)] == static_cast<int>(index);
  };
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (segment_of[n] == static_cast<int>(index)) continue;
    for (const ValueId id : graph.nodes[n].inputs) {
      if (is_own(id)) add(segment.outputs, id);
    }
  }
  for (const ValueId id : graph.outputs) {
    if (is_own(id)) add(segment.outputs, id);
  }
}

}  // namespace

Candidate candidate(const Backend& backend, const Graph& graph) {
  const DeviceInfo info = backend.info();
  return {info.name, backend.supports(graph), info.copy_us, info.copy_gb_per_s};
}

Plan make_plan(const Graph& graph, std::span<const Candidate> candidates, const PlanOptions& options) {
  Plan plan;
  for (const Candidate& each : candidates) plan.devices.push_back(each.name);
  const size_t usable = options.fallback ? candidates.size() : std::min<size_t>(1, candidates.size());
  std::vector<std::string> homeless;
  std::vector<int> segment_of;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    Placement placement{usable, candidates.size() == 1 ? "it is the only device" : "it is the preferred device"};
    std::string reasons;
    for (size_t b = 0; b < usable && placement.backend == usable; ++b) {
      const Support& support = candidates[b].supports[n];
      if (support.yes) {
        placement.backend = b;
        if (!reasons.empty()) placement.reason = reasons;
      } else {
        reasons += fmt::format("{}{} declined: {}", reasons.empty() ? "" : "; ", candidates[b].name, support.why_not);
      }
    }
    if (placement.backend == usable) homeless.push_back(fmt::format("{} at {}: {}", name(node.op), to_string(node.origin), reasons));
    const bool new_piece = !options.pieces.empty() && n > 0 && options.pieces[n] != options.pieces[n - 1];
    if (plan.segments.empty() || new_piece || plan.segments.back().backend != placement.backend) plan.segments.push_back({placement.backend, {}, {}, {}});
    plan.segments.back().nodes.push_back(static_cast<int>(n));
    segment_of.push_back(static_cast<int>(plan.segments.size()) - 1);
    plan.placements.push_back(std::move(placement));
  }
  if (!homeless.empty()) fail(ErrorCode::unsupported, "no device can compute {} of {} operators:\n  {}", homeless.size(), graph.nodes.size(), fmt::join(homeless, "\n  "));
  for (size_t s = 0; s < plan.segments.size(); ++s) find_boundary(graph, segment_of, s, plan.segments[s]);
  return plan;
}

Graph extract(const Graph& graph, const Segment& segment) {
  Graph part{graph.name, graph.source, graph.values, {}, segment.inputs, segment.outputs};
  for (const int n : segment.nodes) part.nodes.push_back(graph.nodes[static_cast<size_t>(n)]);
  // Constants stay with the values that are still referred to.
  for (const ValueId id : segment.inputs) part.value(id).constant.reset();
  return compact(part);
}

std::string to_string(const Plan& plan, const Graph& graph) {
  std::string text;
  const auto names = [&](const std::vector<ValueId>& ids) {
    std::vector<std::string> list;
    for (const ValueId id : ids) list.push_back(fmt::format("{}: {}", graph.value(id).name, to_string(graph.type(id))));
    return fmt::format("{}", fmt::join(list, ", "));
  };
  const auto operators = [](size_t number) { return fmt::format("{} operator{}", number, number == 1 ? "" : "s"); };
  for (size_t s = 0; s < plan.segments.size(); ++s) {
    const Segment& segment = plan.segments[s];
    text += fmt::format("segment {} on {}: {}\n  reads  {}\n  leaves {}\n", s, plan.devices[segment.backend], operators(segment.nodes.size()), names(segment.inputs), names(segment.outputs));
    std::map<std::string, size_t> reasons;
    for (const int n : segment.nodes) ++reasons[plan.placements[static_cast<size_t>(n)].reason];
    for (const auto& [reason, count] : reasons) text += fmt::format("  because {} ({})\n", reason, operators(count));
  }
  return text;
}

}  // namespace ropeway
