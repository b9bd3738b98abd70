// The table of the CPU's steps, from made-up times.
#include "report/steps.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/export.h"
#include "report/width.h"

namespace ropeway {
namespace {

const cpu::Peak kPeak{100, 20};

// At the peaks: 2 ms of arithmetic; 4 ms of memory; nothing to count.
CpuSteps made_up() {
  CpuSteps report;
  report.steps = {{0, "features.0", "Conv2d(3, 64)", "conv.direct", "conv.fast: stride 2", 2e8, 2e7, 4},
                  {0, "a.very.long.path.of.modules.that.ends.here", "Linear(4096, 4096)", "gemm.vector", "", 4e7, 8e7, 5},
                  {0, "features.1", "Conv2d(64, 64)", "conv.direct", "conv.fast: stride 2", 2e8, 2e7, 1},
                  {0, "classifier", "change of layout", "to_plain", "", 0, 0, 0}};
  report.threads = 1;
  report.peak = kPeak;
  return report;
}

TEST(Steps, LimitIsThePeakThatTakesLonger) {
  const CpuSteps report = made_up();
  const auto expect = [&](size_t step, double ms, const char* bound) {
    const Limit limit = limit_of(report.steps[step], kPeak);
    EXPECT_DOUBLE_EQ(limit.ms, ms) << step;
    EXPECT_STREQ(limit.bound, bound) << step;
  };
  expect(0, 2, "compute");
  expect(1, 4, "memory");
  expect(3, 0, "none");
}

TEST(Steps, TableSetsThemBesideThePeaks) {
  EXPECT_EQ(to_table(made_up(), {11, 12, 13, 14}),
            "The CPU's steps on 1 thread; this machine's peaks on it: 100.0 GFLOP/s in fp32, 20.0 GB/s from memory\n"
            "#  module                        operator            kernel                  ms  share   GFLOP/s    GB/s  bound   of peak\n"
            "1  features.0                    Conv2d(3, 64)       conv.direct [1]     4.0000  40.0%      50.0     5.0  compute   50.0%\n"
            "2  …h.of.modules.that.ends.here  Linear(4096, 4096)  gemm.vector         5.0000  50.0%       8.0    16.0  memory    80.0%\n"
            "3  features.1                    Conv2d(64, 64)      conv.direct [1]     1.0000  10.0%     200.0    20.0  compute  200.0%\n"
            "4  classifier                    change of layout    to_plain            0.0000   0.0%         -       -  none          -\n"
            "                                 total                                  10.0000 100.0%      44.0    12.0            80.0%\n"
            "Sum of the steps 10.000 ms, each at its best; the model end to end 11.000 ms; all steps at their peaks 8.000 ms\n"
            "Kernels that are ranked higher, and why they do not serve:\n"
            "  [1] conv.fast: stride 2\n");
}

TEST(Steps, LongDescriptionsKeepTheTableReadable) {
  CpuSteps report = made_up();
  report.steps[0].description = std::string(300, 'x');
  const std::string text = to_table(report, {});
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) EXPECT_LE(display_width(text.substr(begin, end - begin)), 150u);
}

TEST(Steps, PlanHasTheSameReasons) {
  const CpuSteps report = made_up();
  const std::span<const StepReport> steps(report.steps);
  EXPECT_EQ(to_plan_lines(steps.first(1)),
            "    1  conv.direct [1]          200.000 MFLOP    20.0 MB  features.0  Conv2d(3, 64)\n"
            "Kernels that are ranked higher, and why they do not serve:\n"
            "  [1] conv.fast: stride 2\n");
  EXPECT_EQ(to_plan_lines(steps.subspan(1, 1)), "    1  gemm.vector               40.000 MFLOP    80.0 MB  a.very.long.path.of.modules.that.ends.here  Linear(4096, 4096)\n");
}

TEST(Steps, JsonHasThemWhereTheyWereAskedFor) {
  ModelReport report;
  report.devices.resize(2);
  report.devices[1].cpu_steps = made_up();
  const auto json = nlohmann::json::parse(to_json(std::span(&report, 1), {}));
  EXPECT_FALSE(json[0]["devices"][0].contains("steps"));
  EXPECT_EQ(json[0]["devices"][1]["peak"], nlohmann::json::parse(R"({"threads": 1, "gflop_per_s": 100.0, "gb_per_s": 20.0})"));
  ASSERT_EQ(json[0]["devices"][1]["steps"].size(), 4u);
  EXPECT_EQ(json[0]["devices"][1]["steps"][0],
            nlohmann::json::parse(R"json({"index": 1, "path": "features.0", "description": "Conv2d(3, 64)", "kernel": "conv.direct", "declined": "conv.fast: stride 2", "flops": 2e8, "bytes": 2e7,
                                      "latency_min_ms": 4.0, "limit_ms": 2.0, "bound": "compute"})json"));
}

}  // namespace
}  // namespace ropeway
