#include "report/steps.h"

#include <algorithm>

#include "report/rows.h"

namespace ropeway {

std::vector<StepReport> describe_steps(const Model& model, const Labels& labels) {
  const std::vector<ModelStep> steps = steps_of(model);
  const std::vector<Row> rows = make_rows(model.graph(), steps, RowGrouping::op, 0, labels);
  std::vector<StepReport> result;
  for (size_t segment = 0; segment < model.executables().size(); ++segment) {
    for (size_t i = 0; i < model.executables()[segment]->steps().size(); ++i) {
      const size_t s = result.size();
      result.push_back({segment, rows[s].path, rows[s].description, steps[s].kernel, steps[s].note, steps[s].flops, steps[s].bytes, 0});
    }
  }
  return result;
}

namespace {

DeviceInfo device_of(const Model& model, size_t segment) { return model.backend(model.plan().segments[segment].backend).info(); }

}  // namespace

bool uses_cpu(const Model& model) {
  for (size_t segment = 0; segment < model.executables().size(); ++segment) {
    if (device_of(model, segment).chip.empty()) return true;
  }
  return false;
}

std::optional<CpuSteps> cpu_steps(const Model& model, const Measurement& measurement, const Labels& labels) {
  CpuSteps result;
  const std::vector<StepReport> steps = describe_steps(model, labels);
  for (size_t s = 0; s < steps.size(); ++s) {
    const DeviceInfo device = device_of(model, steps[s].segment);
    if (!device.chip.empty()) continue;
    result.threads = device.threads;
    StepReport step = steps[s];
    step.min_ms = measurement.step_ms.front()[s];
    for (const std::vector<double>& run : measurement.step_ms) step.min_ms = std::min(step.min_ms, run[s]);
    result.steps.push_back(std::move(step));
  }
  return result.steps.empty() ? std::nullopt : std::optional(std::move(result));
}

Limit limit_of(const StepReport& step, const cpu::Peak& peak) {
  const double compute = step.flops / (peak.gflops * 1e6), memory = step.bytes / (peak.gb_per_s * 1e6);
  if (step.flops == 0 && step.bytes == 0) return {0, "none"};
  return compute > memory ? Limit{compute, "compute"} : Limit{memory, "memory"};
}

}  // namespace ropeway
