#include <algorithm>

#include "base/text.h"
#include "report/steps.h"
#include "report/table.h"
#include "report/width.h"

namespace ropeway {
namespace {

constexpr size_t kStepsWidth = 150;  // columns of a terminal

// Reasons that several steps share are said once.
class Reasons {
 public:
  // The kernel's name, and the number of why others declined: "conv.direct [1]".
  std::string kernel(const StepReport& step) {
    if (step.note.empty()) return step.kernel;
    auto at = std::find(reasons_.begin(), reasons_.end(), step.note);
    if (at == reasons_.end()) at = reasons_.insert(reasons_.end(), step.note);
    return fmt::format("{} [{}]", step.kernel, at - reasons_.begin() + 1);
  }

  std::string text() const {
    std::string result;
    for (size_t i = 0; i < reasons_.size(); ++i) result += fmt::format("{}[{}] {}\n", i == 0 ? "Kernels that are ranked higher, and why they do not serve:\n  " : "  ", i + 1, reasons_[i]);
    return result;
  }

 private:
  std::vector<std::string> reasons_;
};

std::string numbers(const std::string& ms, const std::string& share, const std::string& gflops, const std::string& gb, const std::string& bound, const std::string& of_peak) {
  return fmt::format("{:>9} {:>6}  {:>8} {:>7}  {:<7} {:>7}", ms, share, gflops, gb, bound, of_peak);
}

// Of what took `ms` and would take `limit.ms` at its peak. A rate is "-" where nothing is counted.
std::string numbers_of(double ms, double total_ms, double flops, double bytes, const Limit& limit) {
  const auto rate = [&](double amount) { return amount > 0 && ms > 0 ? fmt::format("{:.1f}", amount / (ms * 1e6)) : std::string("-"); };
  const auto percent = [](double part, double whole) { return whole > 0 ? fmt::format("{:.1f}%", 100 * part / whole) : std::string("-"); };
  return numbers(fmt::format("{:.4f}", ms), percent(ms, total_ms), rate(flops), rate(bytes), limit.bound, limit.ms > 0 ? percent(limit.ms, ms) : "-");
}

}  // namespace

std::string to_table(const CpuSteps& report, const Statistics& end_to_end) {
  Reasons reasons;
  std::vector<std::string> kernels;
  StepReport total;
  Limit least{0, ""};
  size_t path_width = 6, longest = 12, kernel_width = 6;
  for (const StepReport& step : report.steps) {
    kernels.push_back(reasons.kernel(step));
    path_width = std::max(path_width, std::min(kLongestPath, display_width(step.path)));
    longest = std::max(longest, display_width(step.description));
    kernel_width = std::max(kernel_width, display_width(kernels.back()));
    total.min_ms += step.min_ms;
    total.flops += step.flops;
    total.bytes += step.bytes;
    least.ms += limit_of(step, report.peak).ms;
  }
  const std::string head = numbers("ms", "share", "GFLOP/s", "GB/s", "bound", "of peak");
  const size_t number_width = std::to_string(report.steps.size()).size(), taken = number_width + path_width + kernel_width + display_width(head) + 8;
  const size_t description_width = std::min(longest, std::max(kStepsWidth > taken ? kStepsWidth - taken : 0, kShortestDescription));
  const auto line = [&](const std::string& number, const std::string& path, const std::string& description, const std::string& kernel, const std::string& rest) {
    return right_aligned(number, number_width) + "  " + left_aligned(shortened_front(path, path_width), path_width) + "  " +
           left_aligned(shortened(description, description_width), description_width) + "  " + left_aligned(kernel, kernel_width) + "  " + rest + "\n";
  };

  const std::string threads = fmt::format("{} thread{}", report.threads, report.threads == 1 ? "" : "s");
  std::string text = fmt::format("The CPU's steps on {}; this machine's peaks on {}: {:.1f} GFLOP/s in fp32, {:.1f} GB/s from memory\n", threads, report.threads == 1 ? "it" : "them", report.peak.gflops, report.peak.gb_per_s);
  text += line("#", "module", "operator", "kernel", head);
  for (size_t i = 0; i < report.steps.size(); ++i) {
    const StepReport& step = report.steps[i];
    text += line(std::to_string(i + 1), step.path, step.description, kernels[i], numbers_of(step.min_ms, total.min_ms, step.flops, step.bytes, limit_of(step, report.peak)));
  }
  text += line("", "", "total", "", numbers_of(total.min_ms, total.min_ms, total.flops, total.bytes, least));
  text += fmt::format("Sum of the steps {:.3f} ms, each at its best; the model end to end {:.3f} ms; all steps at their peaks {:.3f} ms\n", total.min_ms, end_to_end.min, least.ms);
  return text + reasons.text();
}

std::string cpu_steps_legend() {
  return "GFLOP/s counts the multiplications and additions of the direct algorithm, whichever a kernel uses: Winograd convolutions\n"
         "do with fewer, and may be above 100% of the peak. GB/s counts weights, inputs and outputs, each once, as the model has\n"
         "them: what still lies in a cache comes faster than memory's peak. Bound is the peak at which a step would take longer.\n"
         "Each step has the least of its times in runs in which every step is timed.\n";
}

std::string to_plan_lines(std::span<const StepReport> steps) {
  Reasons reasons;
  std::string text;
  for (size_t i = 0; i < steps.size(); ++i) {
    const StepReport& step = steps[i];
    text += fmt::format("  {:>3}  {:<22} {:>9.3f} MFLOP {:>10}  {}  {}\n", i + 1, reasons.kernel(step), step.flops / 1e6, readable_bytes(step.bytes), step.path, step.description);
  }
  return text + reasons.text();
}

}  // namespace ropeway
