#include "report/measure.h"

#include <sys/resource.h>

#include <fstream>
#include <numeric>
#include <string>

namespace ropeway {
namespace {

bool enough(const MeasureOptions& options, int done, double seconds) {
  if (options.iterations) return done >= *options.iterations;
  return done >= kMostIterations || (done >= kLeastIterations && seconds >= kDefaultSeconds);
}

// What the device's clock says, where times are predicted; for segments that the CPU computes, what their steps took. Without the latter, once is enough.
Measurement measure_predicted(const Model& model, std::span<const Tensor> inputs, std::span<Tensor> outputs, ModelContext& context, const MeasureOptions& options) {
  Measurement result;
  std::vector<Trace> traces;
  const bool split = model.is_split();
  for (int i = 0; split && i < options.warmup; ++i) model.run(context, inputs, outputs, &traces);
  const Stopwatch clock;
  const auto done = [&](int i) { return split ? enough(options, i, clock.milliseconds() / 1000) : i >= options.iterations.value_or(1); };
  for (int i = 0; !done(i); ++i) {
    model.run(context, inputs, outputs, &traces);
    double whole = 0;
    std::vector<double>& steps = result.step_ms.emplace_back();
    for (size_t s = 0; s < traces.size(); ++s) {
      const Trace& trace = traces[s];
      whole += model.plan().segments[s].backend == 0 ? trace.device_ms : std::accumulate(trace.step_ms.begin(), trace.step_ms.end(), 0.0);
      steps.insert(steps.end(), trace.step_ms.begin(), trace.step_ms.end());
    }
    result.end_to_end_ms.push_back(whole);
  }
  return result;
}

// What the kernel says of this process in a line of /proc/self/status, in MB; nothing where there is no such file.
std::optional<double> status_mb(const char* what) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(what)) return std::stod(line.substr(std::string_view(what).size())) * 1024 / 1e6;
  }
  return std::nullopt;
}

}  // namespace

Measurement measure(const Model& model, std::span<const Tensor> inputs, const MeasureOptions& options) {
  const auto context = model.make_context();
  std::vector<Tensor> outputs;
  for (const ValueInfo& output : model.outputs()) outputs.emplace_back(output.type);
  if (model.info().predicted) return measure_predicted(model, inputs, outputs, *context, options);
  std::vector<Trace> traces;
  for (int i = 0; i < options.warmup; ++i) model.run(*context, inputs, outputs, i % 2 == 0 ? nullptr : &traces);

  Measurement result;
  const Stopwatch whole;
  double seconds = 0;
  for (int done = 0; !enough(options, done, seconds);) {
    const Stopwatch run;
    model.run(*context, inputs, outputs, nullptr);
    result.end_to_end_ms.push_back(run.milliseconds());

    model.run(*context, inputs, outputs, &traces);
    std::vector<double>& steps = result.step_ms.emplace_back();
    for (const Trace& trace : traces) steps.insert(steps.end(), trace.step_ms.begin(), trace.step_ms.end());

    ++done;
    seconds = whole.milliseconds() / 1000;
    if (options.progress) options.progress(done, seconds);
  }
  return result;
}

double peak_rss_mb() {
  // getrusage also counts the process that this one was started from, and /proc is not everywhere.
  if (const auto known = status_mb("VmHWM:")) return *known;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;  // Linux counts in kB of 1024 bytes
}

double resident_mb() { return status_mb("VmRSS:").value_or(peak_rss_mb()); }

void reset_peak_rss() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace ropeway
