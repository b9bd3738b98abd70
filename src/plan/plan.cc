#include "plan/plan.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "plan/order.h"
#include "plan/split.h"

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

std::string declined(const Candidate& candidate, size_t n) { return fmt::format("{} declined: {}", candidate.name, candidate.supports[n].why_not); }

// What nobody can compute, by name; without a fallback, what the first cannot.
void check_homes(const Graph& graph, std::span<const Candidate> all, bool fallback) {
  const std::span<const Candidate> candidates = fallback ? all : all.first(1);
  std::vector<std::string> homeless;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    std::vector<std::string> reasons;
    for (const Candidate& each : candidates) {
      if (!each.supports[n].yes) reasons.push_back(declined(each, n));
    }
    if (reasons.size() == candidates.size()) homeless.push_back(fmt::format("{} at {}: {}", name(graph.nodes[n].op), to_string(graph.nodes[n].origin), fmt::join(reasons, "; ")));
  }
  if (!homeless.empty() && candidates.size() < all.size()) fail(ErrorCode::unsupported, "{} of {} operators cannot run on {}, and --no-fallback keeps them from the {}:\n  {}", homeless.size(), graph.nodes.size(), all[0].name, all[1].name, fmt::join(homeless, "\n  "));
  if (!homeless.empty()) fail(ErrorCode::unsupported, "no device can compute {} of {} operators:\n  {}", homeless.size(), graph.nodes.size(), fmt::join(homeless, "\n  "));
}

// Where each node goes, and why.
std::vector<Placement> place(const Graph& graph, std::span<const Candidate> candidates, bool fallback) {
  check_homes(graph, candidates, fallback);
  const Candidate& first = candidates[0];
  if (std::all_of(first.supports.begin(), first.supports.end(), [](const Support& each) { return each.yes; })) {
    return std::vector<Placement>(graph.nodes.size(), {0, candidates.size() == 1 ? "it is the only device" : "it is the preferred device"});
  }
  const std::vector<bool> on_first = split(graph, first, candidates[1]);
  std::vector<Placement> result;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (on_first[n]) result.push_back({0, "it is the preferred device"});
    else if (!first.supports[n].yes) result.push_back({1, declined(first, n)});
    else result.push_back({1, fmt::format("copies to and from {} would take longer than it saves", first.name)});
  }
  return result;
}

// What a segment takes: its nodes, and copies of what it reads and leaves.
void add_prediction(const Graph& graph, const Candidate& candidate, const Segment& segment, Plan& plan) {
  for (const int n : segment.nodes) plan.predicted_ms += candidate.supports[static_cast<size_t>(n)].predicted_ms.value_or(0);
  if (candidate.copy_gb_per_s == 0) return;
  for (const auto* side : {&segment.inputs, &segment.outputs}) {
    for (const ValueId id : *side) {
      ++plan.copies.number;
      plan.copies.bytes += static_cast<double>(element_count(graph.type(id).shape)) * static_cast<double>(size_of(graph.type(id).dtype));
      plan.copies.ms += copy_ms(candidate, graph.type(id));
    }
  }
}

void predict(const Graph& graph, std::span<const Candidate> candidates, Plan& plan) {
  plan.predicted_ms = 0;
  plan.copies = {};
  for (const Segment& segment : plan.segments) add_prediction(graph, candidates[segment.backend], segment, plan);
}

}  // namespace

Candidate candidate(const Backend& backend, const Graph& graph) {
  const DeviceInfo info = backend.info();
  return {info.name, backend.supports(graph), info.copy_us, info.copy_gb_per_s};
}

Plan make_plan(const Graph& graph, std::span<const Candidate> candidates, const PlanOptions& options) {
  if (candidates.empty() || candidates.size() > 2) fail(ErrorCode::internal, "a plan is for one device or two, not for {}", candidates.size());
  Plan plan;
  for (const Candidate& each : candidates) plan.devices.push_back(each.name);
  plan.placements = options.placements.empty() ? place(graph, candidates, options.fallback) : options.placements;
  std::vector<size_t> sides;
  for (const Placement& each : plan.placements) sides.push_back(each.backend);
  std::vector<int> segment_of(graph.nodes.size(), -1);
  int before = -1;
  for (const int n : order(graph, sides)) {
    const auto at = [n](const auto& list) { return list[static_cast<size_t>(n)]; };
    const bool new_piece = before >= 0 && !options.pieces.empty() && at(options.pieces) != options.pieces[static_cast<size_t>(before)];
    if (plan.segments.empty() || new_piece || plan.segments.back().backend != at(sides)) plan.segments.push_back({at(sides), {}, {}, {}});
    plan.segments.back().nodes.push_back(n);
    segment_of[static_cast<size_t>(n)] = static_cast<int>(plan.segments.size()) - 1;
    before = n;
  }
  for (size_t s = 0; s < plan.segments.size(); ++s) find_boundary(graph, segment_of, s, plan.segments[s]);
  predict(graph, candidates, plan);
  return plan;
}

void move_segment(Plan& plan, const Graph& graph, std::span<const Candidate> candidates, size_t segment, const std::string& reason) {
  Segment& moved = plan.segments[segment];
  moved.backend = 1 - moved.backend;
  for (const int n : moved.nodes) plan.placements[static_cast<size_t>(n)] = {moved.backend, reason};
  predict(graph, candidates, plan);
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
