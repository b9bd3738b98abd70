#include "check/check.h"

#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "check/follow.h"
#include "check/outcomes.h"
#include "chip/cost_model.h"
#include "engine/prepare.h"
#include "report/describe.h"

namespace ropeway::check {
namespace {

constexpr size_t kChip = 0;  // the candidates: the chip, then the CPU

// Each segment of the chip's gets what it reads from the host's memory, and leaves its results there.
std::vector<TransferCheck> transfers(const Graph& graph, const Plan& plan, const chip::Soc& soc) {
  std::vector<TransferCheck> result;
  const auto add = [&](ValueId id, const char* from, const char* to) {
    const auto bytes = static_cast<double>(element_count(graph.type(id).shape)) * static_cast<double>(size_of(graph.type(id).dtype));
    result.push_back({graph.value(id).name, from, to, bytes, chip::copy_ms(bytes, soc)});
  };
  for (const Segment& segment : plan.segments) {
    if (segment.backend != kChip) continue;
    for (const ValueId id : segment.inputs) add(id, "host", soc.name);
    for (const ValueId id : segment.outputs) add(id, soc.name, "host");
  }
  return result;
}

double sum(const auto& parts) {
  return std::accumulate(parts.begin(), parts.end(), 0.0, [](double total, const auto& part) { return total + part.ms; });
}

}  // namespace

double CheckReport::compute_ms() const { return sum(segments); }
double CheckReport::transfer_ms() const { return sum(transfers); }
bool CheckReport::needs_fallback() const {
  return std::ranges::any_of(operators, [](const OperatorCheck& each) { return each.outcome == Outcome::on_cpu; });
}
bool CheckReport::has_unknown() const {
  return std::ranges::any_of(operators, [](const OperatorCheck& each) { return each.outcome == Outcome::unknown; });
}

CheckReport check_operators(const Graph& as_read, const ascend::Target& target, const SessionOptions& options) {
  Follower follower(as_read);
  const Chip chip{target.soc, [&](const Graph& graph) { return ascend::supports(graph, target); }};
  const PreparedModel model = prepare(as_read, options, &chip, [&](const std::string& step, const Graph& graph) { follower.after(step, graph); });
  CheckReport report{as_read.name, target, model.inputs, {}, {}, {}, model.notes, sources(target.cann)};
  const Graph& planned = model.graph;
  const chip::Soc& soc = *chip::find_soc(target.soc);
  const std::vector<ascend::Verdict> verdicts = ascend::judge(planned, target);
  const std::vector<Candidate> candidates = {{soc.name, chip.supports(planned), soc.copy_us, soc.copy_gb_per_s}, host_candidate(planned)};
  const Plan plan = make_plan(planned, candidates);
  const auto ms_of = [&](size_t node) { return candidates[plan.placements[node].backend].supports[node].predicted_ms.value_or(0); };

  const Describer words(as_read);
  for (size_t i = 0; i < as_read.nodes.size(); ++i) {
    const Node& node = as_read.nodes[i];
    const Fate& fate = follower.fates()[i];
    const auto at = static_cast<size_t>(fate.node);
    OperatorCheck each = fate.node < 0 ? removed(node, fate.pass) : computed(node, verdicts[at], target, plan.placements[at].backend == kChip ? "" : plan.placements[at].reason);
    each.kind = words.kind(node);
    if (fate.node >= 0) each.ms = ms_of(at);
    report.operators.push_back(std::move(each));
  }
  for (const Segment& segment : plan.segments) {
    SegmentCheck each{plan.devices[segment.backend], segment.nodes.size(), 0};
    for (const int node : segment.nodes) each.ms += ms_of(static_cast<size_t>(node));
    report.segments.push_back(std::move(each));
  }
  report.transfers = transfers(planned, plan, soc);
  return report;
}

}  // namespace ropeway::check
