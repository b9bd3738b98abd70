#include "check/check.h"

#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "check/follow.h"
#include "check/outcomes.h"
#include "check/precision_check.h"
#include "check/within.h"
#include "chip/soc.h"
#include "engine/prepare.h"
#include "plan/split.h"
#include "report/describe.h"

namespace ropeway::check {
namespace {

constexpr size_t kChip = 0;  // the candidates: the chip, then the CPU

double sum(const auto& parts) {
  return std::accumulate(parts.begin(), parts.end(), 0.0, [](double total, const auto& part) { return total + part.ms; });
}

std::vector<CopyCheck> copies(const Graph& graph, const std::vector<ValueId>& values, const Candidate& chip) {
  std::vector<CopyCheck> result;
  for (const ValueId id : values) {
    const TensorType& type = graph.type(id);
    result.push_back({graph.value(id).name, type, static_cast<double>(bytes_of(graph, std::span(&id, 1))), copy_ms(chip, type)});
  }
  return result;
}

}  // namespace

double CheckReport::compute_ms() const { return sum(segments); }

double CheckReport::copies_ms() const {
  return std::accumulate(segments.begin(), segments.end(), 0.0, [](double total, const SegmentCheck& each) { return total + sum(each.reads) + sum(each.leaves); });
}

std::vector<std::string> CheckReport::reservations() const {
  const auto any = [&](Outcome outcome) { return std::ranges::find(operators, outcome, &OperatorCheck::outcome) != operators.end(); };
  std::vector<std::string> result;
  if (any(Outcome::on_cpu)) result.emplace_back("a fallback to the CPU");
  if (any(Outcome::unknown)) result.emplace_back("an operator that is not known");
  if (any(Outcome::substituted)) result.emplace_back("another function");
  if (accuracy.is_finding() || !findings.empty()) result.emplace_back("a precision finding");
  return result;
}

CheckReport check_model(const Graph& as_read, const CheckOptions& options) {
  ascend::Target target = options.target;
  target.mode = npu_precision(options.session.precision);
  Follower follower(as_read);
  const Chip chip{target.soc, [&](const Graph& graph) { return ascend::supports(graph, target); }};
  const PreparedModel model = prepare(as_read, options.session, &chip, [&](const std::string& step, const Graph& graph) { follower.after(step, graph); });
  const Graph& planned = model.graph;
  const chip::Soc& soc = *chip::find_soc(target.soc);
  const std::vector<ascend::Verdict> verdicts = ascend::judge(planned, target);
  const std::vector<Candidate> candidates = {{soc.name, chip.supports(planned), soc.copy_us, soc.copy_gb_per_s}, host_candidate(planned)};
  const Plan plan = make_plan(planned, candidates);
  const auto ms_of = [&](size_t node) { return candidates[plan.placements[node].backend].supports[node].predicted_ms.value_or(0); };

  CheckReport report{as_read.name, target, options.session.precision.empty() ? "fp16" : options.session.precision, model.inputs, {}, {}, {}, model.notes, model.findings, sources(target.cann)};
  const Describer words(as_read), planned_words(planned);
  std::vector<bool> told(planned.nodes.size(), false);
  const auto of_planned = [&](size_t at) {
    told[at] = true;
    OperatorCheck each = computed(planned.nodes[at], verdicts[at], target, plan.placements[at].backend == kChip ? "" : plan.placements[at].reason);
    each.ms = ms_of(at);
    return each;
  };
  for (size_t i = 0; i < as_read.nodes.size(); ++i) {
    const Node& node = as_read.nodes[i];
    const Fate& fate = follower.fates()[i];
    OperatorCheck each = fate.node < 0 ? removed(node, fate.pass) : of_planned(static_cast<size_t>(fate.node));
    if (fate.node >= 0 && !fate.pass.empty()) each = changed(std::move(each), fate.pass);
    each.kind = words.kind(node);
    report.operators.push_back(std::move(each));
  }
  // What passes have added counts, too.
  for (size_t at = 0; at < planned.nodes.size(); ++at) {
    if (told[at]) continue;
    report.operators.push_back(of_planned(at));
    report.operators.back().kind = planned_words.kind(planned.nodes[at]);
  }
  for (const Segment& segment : plan.segments) {
    SegmentCheck each{plan.devices[segment.backend], segment.nodes.size(), 0, {}, {}};
    for (const int node : segment.nodes) each.ms += ms_of(static_cast<size_t>(node));
    if (segment.backend == kChip) {
      each.reads = copies(planned, segment.inputs, candidates[kChip]);
      each.leaves = copies(planned, segment.outputs, candidates[kChip]);
    }
    report.segments.push_back(std::move(each));
  }
  report.accuracy = check_precision(model, options, target.mode, nodes_on_host(plan));
  return report;
}

}  // namespace ropeway::check
