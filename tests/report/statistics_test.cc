#include "report/statistics.h"

#include <gtest/gtest.h>

#include "report/report.h"

namespace ropeway {
namespace {

// numpy.percentile([4, 1, 3, 2], [0, 50, 90, 99]) is 1, 2.5, 3.7 and 3.97.
TEST(Statistics, InterpolateAsNumPyDoes) {
  const Statistics result = statistics({4, 1, 3, 2});
  EXPECT_EQ(result.min, 1);
  EXPECT_EQ(result.median, 2.5);
  EXPECT_DOUBLE_EQ(result.p90, 3.7);
  EXPECT_DOUBLE_EQ(result.p99, 3.97);
  EXPECT_EQ(statistics({3, 1, 2}).median, 2);
}

TEST(Statistics, OfOneAndOfNoSamples) {
  const Statistics one = statistics({7}), none = statistics({});
  EXPECT_EQ(one.min, 7);
  EXPECT_EQ(one.p99, 7);
  EXPECT_EQ(none.median, 0);
  EXPECT_EQ(none.p90, 0);
}

// A row's time is the sum of its steps in one run; statistics come after that.
TEST(DeviceReport, AddsUpTheStepsOfARow) {
  const std::vector<Row> rows = {{"a", "first and last", {0, 2}, 0, 0}, {"b", "middle", {1}, 0, 0}};
  const Measurement measurement{{10, 12, 11}, {{1, 5, 3}, {4, 5, 1}, {2, 8, 7}}};
  DeviceInfo device;
  device.name = "npu";
  device.title = "the chip";
  device.description = "a chip";
  device.precision = "fp16";
  device.threads = 3;
  device.predicted = true;
  device.times_steps = false;
  const DeviceReport report = make_device_report(device, rows, measurement);
  EXPECT_EQ(report.device, "npu");
  EXPECT_EQ(report.precision, "fp16");
  EXPECT_EQ(report.threads, 3);
  EXPECT_TRUE(report.predicted);
  EXPECT_EQ(report.iterations, 3u);
  EXPECT_EQ(report.end_to_end.median, 11);
  ASSERT_EQ(report.rows.size(), 2u);
  EXPECT_EQ(report.rows[0].min_ms, 4);  // of 4, 5 and 9
  EXPECT_EQ(report.rows[0].median_ms, 5);
  EXPECT_EQ(report.rows[1].median_ms, 5);
  EXPECT_EQ(report.sum_of_min_ms(), 9);
  EXPECT_EQ(report.sum_of_median_ms(), 10);
}

}  // namespace
}  // namespace ropeway
