// What transformed weights may take.
#include "cpu/weight_budget.h"

#include <gtest/gtest.h>

#include "cpu/backend.h"
#include "ops/builder.h"
#include "support/kernel_harness.h"

namespace ropeway::cpu {
namespace {

// Two convolutions of 3×3 taps, the second on a quarter of the pixels: F(4,3) makes four times as many of the weights of each, F(2,3) 16/9 times.
Graph two_convolutions() {
  GraphBuilder builder("two", "test");
  const ConvParams params{{1, 1}, {1, 1, 1, 1}, {1, 1}, 1};
  ValueId value = builder.input("x", {DType::f32, {1, 32, 16, 16}});
  value = builder.add1(Op::Conv, params, {value, builder.constant("w1", test::random_tensor({32, 32, 3, 3}, 1, "w1"))}, "large");
  value = builder.add1(Op::MaxPool, PoolParams{{2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}}, {value}, "pool");
  builder.output(builder.add1(Op::Conv, params, {value, builder.constant("w2", test::random_tensor({32, 32, 3, 3}, 1, "w2"))}, "small"));
  return builder.finish();
}

std::vector<std::string> kernels(double growth) {
  CompileOptions options;
  options.weight_growth = growth;
  std::vector<std::string> names;
  const auto executable = make_cpu_backend(1)->compile(two_convolutions(), options);
  for (const StepInfo& step : executable->steps()) {
    if (step.kernel.starts_with("conv")) names.push_back(step.kernel);
  }
  return names;
}

TEST(WeightBudget, TheFewestPixelsGiveWayFirst) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(kernels(4), (Names{"conv.winograd_f4x3", "conv.winograd_f4x3"}));
  EXPECT_EQ(kernels(3), (Names{"conv.winograd_f4x3", "conv.winograd_f2x3"}));
  EXPECT_EQ(kernels(2.6), (Names{"conv.winograd_f4x3", "conv.direct"}));
  EXPECT_EQ(kernels(2), (Names{"conv.winograd_f2x3", "conv.direct"}));
  EXPECT_EQ(kernels(1), (Names{"conv.direct", "conv.direct"}));
}

TEST(WeightBudget, IsKeptInBytes) {
  for (const double growth : {1.0, 1.5, 2.0, 3.0, 4.0}) {
    CompileOptions options;
    options.weight_growth = growth;
    const auto executable = make_cpu_backend(1)->compile(two_convolutions(), options);
    EXPECT_LE(static_cast<double>(executable->memory().weights), growth * 2 * 32 * 32 * 9 * 4) << growth;
  }
}

TEST(WeightBudget, TheNoteSaysWhy) {
  CompileOptions options;
  options.weight_growth = 1;
  const auto executable = make_cpu_backend(1)->compile(two_convolutions(), options);
  bool said = false;
  for (const StepInfo& step : executable->steps()) said |= step.note.find("--weight-growth") != std::string::npos;
  EXPECT_TRUE(said);
}

}  // namespace
}  // namespace ropeway::cpu
