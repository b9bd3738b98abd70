#include "accuracy/examination.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/backend.h"
#include "ops/convert.h"

namespace ropeway {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kBeyond = 65520;  // rounds to infinity, and all above it

double through_half(float value) { return static_cast<double>(std::clamp(f16_to_f32(f32_to_f16(value)), static_cast<float>(-kLargestHalf), static_cast<float>(kLargestHalf))); }

// Largest error of rounding the elements to 16 bits, relative to the largest of them.
double rounding_error(const Tensor& exact) {
  double error = 0, largest = 0;
  for (const float value : exact.data<float>()) {
    if (!std::isfinite(value)) continue;
    error = std::max(error, std::fabs(value - through_half(value)));
    largest = std::max(largest, std::fabs(static_cast<double>(value)));
  }
  return largest == 0 ? 0 : error / largest;
}

void count_weights(const Value& value, std::vector<WeightPrecision>& weights) {
  if (!value.constant || value.type.dtype != DType::f32) return;
  WeightPrecision weight{value.name, value.constant->count(), 0, 0};
  for (const float each : std::as_const(*value.constant).data<float>()) {
    weight.overflows += std::isfinite(each) && std::fabs(each) >= kBeyond;
    weight.zeros += each != 0 && through_half(each) == 0;
  }
  if (weight.zeros + weight.overflows > 0) weights.push_back(weight);
}

// Elements that 16 bits do not hold, before they are made to.
void count(const Observed& seen, OperatorPrecision& result) {
  const std::span<const float> exact = seen.exact->data<float>(), after = seen.computed->data<float>();
  result.elements += seen.exact->count();
  for (size_t i = 0; i < exact.size(); ++i) {
    if (std::isfinite(exact[i])) result.largest = std::max(result.largest, std::fabs(static_cast<double>(exact[i])));
  }
  if (seen.before == nullptr) return;
  const std::span<const float> before = seen.before->data<float>();
  for (size_t i = 0; i < exact.size(); ++i) {
    result.nans += std::isnan(before[i]) && !std::isnan(exact[i]);
    result.overflows += std::fabs(before[i]) >= kBeyond && !std::isinf(exact[i]);
    result.lost += before[i] != 0 && after[i] == 0 && !std::isnan(before[i]);
  }
}

}  // namespace

double worst(const std::vector<Difference>& differences) {
  double result = 0;
  for (const Difference& each : differences) result = std::max(result, each.relative());
  return result;
}

Examination::Examination(const Graph& graph, const std::vector<Tensor>& inputs, const PrecisionOptions& options) : inputs_(inputs), options_(options), lowered_(lower_for_chip(graph)), cpu_(make_cpu_backend(options.threads)) {
  if (inputs.size() != graph.inputs.size()) fail(ErrorCode::invalid_argument, "{} inputs are given, but {} has {}", inputs.size(), graph.name, graph.inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Value& expected = graph.value(graph.inputs[i]);
    if (inputs[i].type() != expected.type) fail(ErrorCode::invalid_argument, "input {} must be {}, but {} is given", expected.name, to_string(expected.type), to_string(inputs[i].type()));
  }
  evidence_.resize(graph.nodes.size());
  expected_ = run_graph(lowered_.graph, lowered_.graph.outputs, inputs_, *cpu_);
}

std::vector<Difference> Examination::outputs(const std::set<int>& keep) const {
  const Graph rounded = rounded_for_chip(lowered_, options_.mode, keep);
  const std::vector<Tensor> results = run_graph(rounded, rounded.outputs, inputs_, *cpu_);
  std::vector<Difference> differences;
  for (size_t i = 0; i < results.size(); ++i) differences.push_back(difference(results[i], expected_[i]));
  return differences;
}

PrecisionReport Examination::report() {
  PrecisionReport report;
  for (size_t i = 0; i < evidence_.size(); ++i) report.operators.push_back({static_cast<int>(i), 0, 0, 0, 0, 0, {}});
  for (const Value& value : lowered_.graph.values) count_weights(value, report.weights);
  error_.assign(lowered_.graph.values.size(), 0);
  rounding_.assign(lowered_.graph.values.size(), 0);
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].dtype() == DType::f32) rounding_[static_cast<size_t>(lowered_.graph.inputs[i])] = rounding_error(inputs_[i]);
  }
  observe(lowered_, rounded_for_chip(lowered_, options_.mode, options_.keep), inputs_, *cpu_, options_.observed_bytes, [&](const Observed& seen) { visit(seen, report); });
  report.outputs = outputs(options_.keep);
  report.error = worst(report.outputs);
  return report;
}

void Examination::visit(const Observed& seen, PrecisionReport& report) {
  const Difference found = difference(*seen.computed, *seen.exact);
  weigh(seen, found);
  const int source = lowered_.sources[static_cast<size_t>(seen.node)];
  if (source < 0) return;
  OperatorPrecision& result = report.operators[static_cast<size_t>(source)];
  count(seen, result);
  // The last operators that it is lowered to give its results; among several results the worst one counts.
  if (seen.output == 0 || found.relative() >= result.difference.relative()) result.difference = found;
  Evidence& evidence = evidence_[static_cast<size_t>(source)];
  if (result.largest >= kBeyond) evidence.reason = fmt::format("its values reach {:.2g}, 16 bits end at {:g}", result.largest, kLargestHalf);
  else if (result.nans > 0) evidence.reason = fmt::format("{} of {} values are not a number", result.nans, result.elements);
  else if (2 * result.lost > result.elements) evidence.reason = fmt::format("{} of {} values are too small for 16 bits", result.lost, result.elements);
  else if (evidence.growth > 0) evidence.reason = fmt::format("the error grows to {:.2g} here", found.relative());
}

void Examination::weigh(const Observed& seen, const Difference& found) {
  const Node& node = lowered_.graph.nodes[static_cast<size_t>(seen.node)];
  const auto at = static_cast<size_t>(node.outputs[seen.output]);
  error_[at] = found.relative();
  rounding_[at] = rounding_error(*seen.exact);
  const int source = lowered_.sources[static_cast<size_t>(seen.node)];
  if (source < 0) return;
  Evidence& evidence = evidence_[static_cast<size_t>(source)];
  evidence.rounding = std::max(evidence.rounding, rounding_[at]);
  double before = 0;
  for (const ValueId id : node.inputs) {
    if (id == kNoValue) continue;
    evidence.rounding = std::max(evidence.rounding, rounding_[static_cast<size_t>(id)]);
    before = std::max(before, error_[static_cast<size_t>(id)]);
  }
  const double growth = before == kInfinity ? 0 : std::min(error_[at] - before, 1e6);
  evidence.growth = std::max(evidence.growth, growth);
  // What makes the operands may be to blame as much: it rounds them.
  const std::vector<int> makers = producers(lowered_.graph);
  for (const ValueId id : node.inputs) {
    const int maker = id == kNoValue ? -1 : makers[static_cast<size_t>(id)];
    if (maker < 0 || lowered_.sources[static_cast<size_t>(maker)] < 0) continue;
    Evidence& theirs = evidence_[static_cast<size_t>(lowered_.sources[static_cast<size_t>(maker)])];
    theirs.growth = std::max(theirs.growth, 0.9 * growth);
  }
}

}  // namespace ropeway
