#include "check/check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

#include "ir/text.h"
#include "ops/operator.h"

namespace ropeway::check {
namespace {

const char* const kConv = " strides=[1,1] pads=[0,0,0,0] dilations=[1,1] group=1 ";

CheckReport report_of(const std::string& lines, const CheckOptions& options = {}) { return check_model(parse_graph("graph g\n" + lines, infer), options); }

TEST(Check, SaysWhatBecomesOfEveryOperator) {
  const CheckReport report = report_of(
      "input %x: f32[1,3,7,7]\n%p = MaxPool(%x) kernel_shape=[2,2] strides=[1,1] pads=[0,0,0,0] dilations=[1,1] @ pool (max_pool2d)\n"
      "%a = AdaptiveAveragePool(%p) output_size=[4,4] @ avg (avg)\n%d = Dropout(%a) ratio=0.5 training_mode=false @ drop (dropout)\n%g = AdaptiveAveragePool(%d) output_size=[1,1] @ head (gap)\noutput %g\n");
  ASSERT_EQ(report.operators.size(), 4u);
  EXPECT_EQ(report.operators[0].outcome, Outcome::native);
  EXPECT_EQ(report.operators[0].becomes, "MaxPoolV3");
  EXPECT_EQ(report.operators[0].origin, "pool (max_pool2d)");
  EXPECT_EQ(report.operators[1].outcome, Outcome::rewritten);
  EXPECT_EQ(report.operators[1].becomes, "Transpose, MatMul, Transpose, MatMul");
  EXPECT_EQ(report.operators[2].becomes, "nothing");
  EXPECT_EQ(report.operators[3].outcome, Outcome::fused);
  EXPECT_TRUE(report.reservations().empty());
  ASSERT_EQ(report.segments.size(), 1u);
  EXPECT_EQ(report.segments[0].device, "Ascend310B1");
  ASSERT_EQ(report.segments[0].reads.size(), 1u);
  EXPECT_EQ(report.segments[0].reads[0].bytes, 4 * 3 * 7 * 7);
  EXPECT_EQ(report.segments[0].leaves.size(), 1u);
}

TEST(Check, AFallbackHasItsReasonSegmentsAndTransfers) {
  // 5000 columns are beyond Conv2D's limits.
  const CheckReport report = report_of(std::string("input %x: f32[1,1,4,5000]\nconst %w: f32[1,1,1,1] = [2]\n%a = Unary(%x) function=relu @ first (relu)\n%c = Conv(%a, %w)") + kConv + "@ wide (conv2d)\noutput %c\n");
  const auto wide = std::ranges::find(report.operators, "wide (conv2d)", &OperatorCheck::origin);
  ASSERT_NE(wide, report.operators.end());
  EXPECT_EQ(wide->outcome, Outcome::on_cpu);
  EXPECT_NE(wide->why.find("its width is 5000, and Conv2D takes no more than 4096"), std::string::npos) << wide->why;
  EXPECT_EQ(report.reservations(), std::vector<std::string>{"a fallback to the CPU"});
  EXPECT_TRUE(std::ranges::any_of(report.segments, [](const SegmentCheck& each) { return each.device == "cpu"; }));
}

TEST(Check, AnOlderCannIsLabelled) {
  CheckOptions options;
  options.target.cann = chip::CannVersion::v7_0_rc1;
  const CheckReport report = report_of("input %x: f32[1,3,8,8]\n%p = MaxPool(%x) kernel_shape=[2,2] strides=[2,2] pads=[0,0,0,0] dilations=[1,1]\noutput %p\n", options);
  EXPECT_NE(report.operators[0].why.find("never MaxPoolWithArgmaxV1, at which CANN 7.0.RC1 fails (article, unverified)"), std::string::npos);
  EXPECT_NE(report.sources.back().find("article, unverified"), std::string::npos);
}

// The sum of the rows is what the chip takes, whatever passes made of the file's operators.
TEST(Check, EveryOperatorOfThePlanHasARow) {
  CheckOptions options;
  options.session.substitutions = {"maxpool=avgpool"};
  const CheckReport report = report_of(
      "input %x: f32[1,3,8,8]\n%p = MaxPool(%x) kernel_shape=[2,2] strides=[2,2] pads=[0,0,0,0] dilations=[1,1] @ pool (p)\n%d = Dropout(%p) ratio=0.5 training_mode=true @ drop (d)\n"
      "%m = Reduce(%d) function=mean axes=[2,3] keepdims=true @ mean (m)\noutput %m\n", options);
  double sum = 0;
  for (const OperatorCheck& each : report.operators) sum += each.ms;
  EXPECT_NEAR(sum, report.compute_ms(), 1e-9);
  EXPECT_EQ(report.operators[0].outcome, Outcome::substituted);
  EXPECT_EQ(report.operators[0].becomes, "AvgPoolV2");
  EXPECT_EQ(report.operators[1].outcome, Outcome::rewritten);
  EXPECT_GT(report.operators[1].ms, 0);
  EXPECT_EQ(report.reservations(), std::vector<std::string>{"another function"});
}

TEST(Check, AHundredOfAKindAreOneLine) {
  std::string lines = "input %x0: f32[1,8]\n";
  for (int i = 0; i < 100; ++i) lines += fmt::format("%x{} = Unary(%x{}) function=exp @ block{} (exp_{})\n", i + 1, i, i, i);
  const CheckReport report = report_of(lines + "output %x100\n");
  const auto count = [](const std::string& text) { return std::ranges::count(text, '\n'); };
  EXPECT_LT(count(to_table(report, false)), 16);
  EXPECT_GT(count(to_table(report, true)), 100);
  for (const std::string& line : split(to_table(report, false), '\n')) EXPECT_LE(line.size(), 140u) << line;
  const auto json = nlohmann::json::parse(to_json(report));
  EXPECT_EQ(json["operators"].size(), 100u);
  EXPECT_EQ(json["operators"][7]["origin"], "block7 (exp_7)");
  EXPECT_EQ(json["predicted"], true);
}

}  // namespace
}  // namespace ropeway::check
