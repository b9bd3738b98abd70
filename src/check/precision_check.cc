#include "check/precision_check.h"

#include "accuracy/precision.h"
#include "base/text.h"
#include "engine/precision.h"
#include "report/describe.h"

namespace ropeway::check {
namespace {

std::vector<Tensor> samples_for(const PreparedModel& model, const CheckOptions& options, std::string& what) {
  if (!options.range || !options.session.samples.empty()) return sample_inputs(model, options.session, what);
  const auto [low, high] = *options.range;
  SessionOptions session = options.session;
  session.samples = generated_inputs(model.inputs, low, high);
  std::vector<Tensor> inputs = sample_inputs(model, session, what);
  what = fmt::format("generated inputs in [{:g}, {:g})", low, high);
  return inputs;
}

std::string text_of(const OperatorPrecision& each) {
  std::vector<std::string> parts;
  if (each.overflows > 0) parts.push_back(fmt::format("{} of {} elements are too large for 16 bits (largest {:.3g})", each.overflows, each.elements, each.largest));
  if (each.nans > 0) parts.push_back(fmt::format("{} of {} elements are NaN", each.nans, each.elements));
  if (each.lost > 0) parts.push_back(fmt::format("{} of {} elements become zero", each.lost, each.elements));
  return fmt::format("{}", fmt::join(parts, "; "));
}

OperatorFinding finding(const Graph& graph, const Describer& words, int index, std::string text) {
  const Node& node = graph.nodes[static_cast<size_t>(index)];
  return {words.kind(node), to_string(node.origin), std::move(text)};
}

std::string text_of(const WeightPrecision& each) {
  std::vector<std::string> parts;
  if (each.zeros > 0) parts.push_back(fmt::format("{} become zero", each.zeros));
  if (each.overflows > 0) parts.push_back(fmt::format("{} are too large", each.overflows));
  return fmt::format("{}: of {} elements {}", each.name, each.elements, listed(parts));
}

}  // namespace

PrecisionCheck check_precision(const PreparedModel& model, const CheckOptions& options, chip::PrecisionMode mode, std::set<int> on_cpu) {
  PrecisionCheck result;
  PrecisionOptions precision;
  precision.mode = mode;
  precision.keep = std::move(on_cpu);
  result.tolerance = precision.tolerance = options.session.tolerance;
  precision.threads = options.session.threads;
  const std::vector<Tensor> inputs = samples_for(model, options, result.samples);
  PrecisionReport report = examine_precision(model.graph, inputs, precision);
  const Describer words(model.graph);
  if (!report.within(precision.tolerance) && mode == chip::PrecisionMode::force_fp16) {
    const KeptOperators kept = keep_for_tolerance(model.graph, inputs, precision);
    result.error_kept = kept.error_after;
    if (kept.reached) {
      for (const KeptOperator& each : kept.operators) {
        result.keep.push_back(finding(model.graph, words, each.node, each.reason));
        precision.keep.insert(each.node);
      }
    }
    result.applied = options.session.precision == "auto" && kept.reached;
    if (result.applied) report = examine_precision(model.graph, inputs, precision);
  }
  result.error = report.error;
  for (const OperatorPrecision& each : report.operators) {
    if (each.overflows + each.lost + each.nans > 0) result.operators.push_back(finding(model.graph, words, each.node, text_of(each)));
  }
  for (const WeightPrecision& each : report.weights) result.weights.push_back(text_of(each));
  return result;
}

}  // namespace ropeway::check
