// A model step by step: which kernel serves, why better-ranked ones declined, and on the CPU how far each is from what the machine can do.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cpu/peak.h"
#include "engine/model.h"
#include "report/describe.h"
#include "report/measure.h"
#include "report/statistics.h"

namespace ropeway {

struct StepReport {
  size_t segment = 0;  // of the plan
  std::string path;
  std::string description;
  std::string kernel;
  std::string note;  // why better-ranked kernels declined
  double flops = 0;  // see StepInfo
  double bytes = 0;
  double min_ms = 0;  // 0: not timed
};

// All steps of a model in the order of execution, not timed.
std::vector<StepReport> describe_steps(const Model& model, const Labels& labels = {});

// The steps that the CPU computes, beside this machine's peaks.
struct CpuSteps {
  std::vector<StepReport> steps;
  int threads = 1;
  cpu::Peak peak;  // on as many threads
};
// Whether the CPU computes any of the model.
bool uses_cpu(const Model& model);
// Nothing for a model of which the CPU computes nothing. `measurement` is of this model; the peak is the caller's to add.
std::optional<CpuSteps> cpu_steps(const Model& model, const Measurement& measurement, const Labels& labels = {});

// What a step would take at the peak that limits it, and which that is.
struct Limit {
  double ms = 0;
  const char* bound = "";  // "compute", "memory", or "none" for a step without either
};
Limit limit_of(const StepReport& step, const cpu::Peak& peak);

// For people: a line per step, then the total beside end to end, and the reasons that the lines refer to as [1], [2], ….
std::string to_table(const CpuSteps& steps, const Statistics& end_to_end);
// What the columns mean, to print once below them.
std::string cpu_steps_legend();
// The steps of one segment, not timed: kernel, work, path and description, and reasons as above.
std::string to_plan_lines(std::span<const StepReport> steps);

}  // namespace ropeway
