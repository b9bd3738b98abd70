// What transformed weights may take.
#include "cpu/weight_budget.h"

#include <gtest/gtest.h>

#include <algorithm>

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

// Heads that several levels of a pyramid share, and groups, whose kernel stores zeros for one another: what they pack counts.
TEST(WeightBudget, SharedAndGroupedWeightsCount) {
  const auto convolutions = [](int64_t group, int count) {
    GraphBuilder builder("shared", "test");
    const ConvParams params{{1, 1}, {1, 1, 1, 1}, {1, 1}, group};
    const ValueId weight = builder.constant("w", test::random_tensor({32, 32 / group, 3, 3}, 1, "w"));
    for (int i = 0; i < count; ++i) builder.output(builder.add1(Op::Conv, params, {builder.input(fmt::format("x{}", i), {DType::f32, {1, 32, 16, 16}}), weight}, fmt::format("y{}", i)));
    return builder.finish();
  };
  const auto limits = [](const Graph& graph, double budget) { return weight_limits(graph, budget); };
  const double none = std::numeric_limits<double>::infinity();
  EXPECT_EQ(limits(convolutions(1, 2), 8), (std::vector<double>{none, none}));
  EXPECT_LT(limits(convolutions(1, 2), 7)[1], 4);  // both transformed are eight times the weights that they share
  EXPECT_LT(limits(convolutions(1, 2), 3)[0], 4);

  const Graph grouped = convolutions(8, 1);
  CompileOptions options;
  const auto executable = make_cpu_backend(1)->compile(grouped, options);
  KernelRequest request{grouped, grouped.nodes[0], {}, Layout::blocked};
  const auto rows = implementations(Op::Conv);
  const auto direct = std::ranges::find_if(rows, [](const Implementation& row) { return std::string(row.name) == "conv.direct"; });
  EXPECT_EQ(direct->growth(request), 8);
  EXPECT_EQ(executable->memory().weights, size_t{8 * 32 * 4 * 9 * 4});
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
