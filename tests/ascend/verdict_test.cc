// Verdicts beside what the virtual atc says of the same graphs, and by hand.
#include "ascend/verdict.h"

#include <gtest/gtest.h>

#include "ir/text.h"
#include "ops/operator.h"
#include "passes/pipeline.h"
#include "selftest/expectations.h"
#include "support/cases.h"

namespace ropeway::ascend {
namespace {

Verdict verdict_of(const std::string& text, const Target& target = {}) {
  const Graph graph = parse_graph(text, infer);
  return judge(graph, target).back();
}

// tests/ascend/conformance_test.cc holds that the virtual atc refuses the same ones.
TEST(Verdict, OfEveryCaseIsWhatTheCompilerSays) {
  for (const test::Case& each : test::all_cases()) {
    bool refused = false, no_tensor = false;
    for (const Verdict& verdict : judge(fold_constants(each.graph), {})) {  // as atc does before it judges
      refused |= verdict.engine == chip::Engine::none;
      no_tensor |= verdict.why.find("has no float64") != std::string::npos || verdict.why.find("bfloat16") != std::string::npos || verdict.why.find("without elements") != std::string::npos || verdict.why.find("indices of a maximum pool") != std::string::npos;
    }
    const bool expected = !std::string(selftest::refused_operator(each.name())).empty();
    EXPECT_EQ(refused && !no_tensor, expected) << each.name();
  }
}

TEST(Verdict, OperatorsThatTheChipHasBecomeThemselves) {
  const Verdict verdict = verdict_of("graph g\ninput %x: f32[1,3,8,8]\n%y = MaxPool(%x) kernel_shape=[2,2] strides=[2,2] pads=[0,0,0,0] dilations=[1,1]\noutput %y\n");
  EXPECT_EQ(verdict.engine, chip::Engine::ai_core);
  EXPECT_EQ(verdict.becomes, std::vector<std::string>{"MaxPool"});
  EXPECT_FALSE(verdict.rewritten);
}

TEST(Verdict, OthersAreRewritten) {
  const Verdict verdict = verdict_of("graph g\ninput %x: f32[1,3,7,5]\n%y = AdaptiveAveragePool(%x) output_size=[3,4]\noutput %y\n");
  EXPECT_EQ(verdict.engine, chip::Engine::ai_core) << verdict.why;
  EXPECT_TRUE(verdict.rewritten);
  EXPECT_EQ(verdict.becomes, (std::vector<std::string>{"Transpose", "MatMul", "Transpose", "MatMul"}));
}

TEST(Verdict, SaysWhyItIsNotForTheChip) {
  const Verdict wide = verdict_of("graph g\ninput %x: f32[1,1,4,5000]\nconst %w: f32[1,1,1,1] = [1]\n%y = Conv(%x, %w) strides=[1,1] pads=[0,0,0,0] dilations=[1,1] group=1\noutput %y\n");
  EXPECT_EQ(wide.engine, chip::Engine::none);
  EXPECT_EQ(wide.why, "its width is 5000, and Conv2D takes no more than 4096");
  EXPECT_EQ(verdict_of("graph g\ninput %x: f64[2]\n%y = Unary(%x) function=relu\noutput %y\n").why, "Ascend310B1 has no float64: convert the model with .float() before exporting it");
}

TEST(Verdict, IsOfTheNearestVersion) {
  EXPECT_EQ(nearest_version("7.0.0"), chip::CannVersion::v7_0_rc1);
  EXPECT_EQ(nearest_version("6.3.RC2"), chip::CannVersion::v7_0_rc1);
  EXPECT_EQ(nearest_version("8.0.0"), chip::CannVersion::v8_1_rc1);
  EXPECT_EQ(nearest_version("unknown"), chip::CannVersion::v8_1_rc1);
}

}  // namespace
}  // namespace ropeway::ascend
