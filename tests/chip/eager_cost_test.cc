#include "chip/eager_cost.h"

#include <gtest/gtest.h>

#include "chip/attention.h"
#include "support/cases.h"

namespace ropeway::chip {
namespace {

// Round numbers: 8.192 TFLOPS, 128 GB/s of vector operands, 10 GB/s, 10 µs, 50 ns a filter plane.
constexpr Soc kSoc = {"round", 1000, 4096, 1.0, 128, 10, 10, 10, 1, 1, int64_t{1} << 30, 50};

std::vector<OperatorCost> costs_of(const std::string& lines, const Soc& soc = kSoc) { return eager_cost(parse_graph("graph g\n" + lines, infer), soc); }

double total_bytes(const std::vector<OperatorCost>& costs) {
  double sum = 0;
  for (const OperatorCost& cost : costs) sum += cost.bytes;
  return sum;
}

std::string convolution(int outputs, int channels, int kernel) {
  return fmt::format("input %x: f32[1,{1},8,8]\nconst %w: f32[{0},{1},{2},{2}] = uniform(w)\n%y = Conv(%x, %w) strides=[1,1] pads=[{3},{3},{3},{3}] dilations=[1,1]\noutput %y\n", outputs, channels, kernel, kernel / 2);
}

// Cast 4 + 2, laid out 2 + 2, read 2; the result the other way round.
TEST(EagerCost, EveryOperandOfAConvolutionIsCastAndLaidOut) {
  const auto costs = costs_of(convolution(32, 16, 3));
  ASSERT_EQ(costs.size(), 1u);
  const double x = 16 * 64, w = 32 * 16 * 9, y = 32 * 64;
  EXPECT_EQ(costs[0].bytes, 12 * (x + w + y));
  EXPECT_EQ(costs[0].flops, 2 * y * 16 * 9);
  // All at the rate of memory, but the filters: 512 planes, 50 ns each, in place of 4 bytes an element.
  EXPECT_NEAR(costs[0].ms, 0.01 + (12 * (x + y) + 8 * w) / 10e6 + 512 * 50e-6, 1e-12);
  EXPECT_EQ(costs[0].bound, Bound::layout);
}

TEST(EagerCost, PlanesCostTheSameWhateverTheirSize) {
  Soc soc = kSoc;
  soc.dram_gb_per_s = 1e6;
  const auto ms = [&](int kernel) { return costs_of(convolution(32, 16, kernel), soc)[0].ms - 0.01; };
  EXPECT_NEAR(ms(3), 512 * 50e-6, 1e-4);
  EXPECT_NEAR(ms(5), ms(3), 2e-4);
  // A 1×1 convolution's weights are a matrix.
  EXPECT_LT(ms(1), 1e-3);
}

TEST(EagerCost, FewChannelsArePaddedToSixteen) {
  const double x = 3 * 64, w = 6 * 3 * 9, y = 6 * 64;
  EXPECT_EQ(costs_of(convolution(6, 3, 3))[0].bytes, 8 * (x + w + y) + 4 * (16 * 64 + 16 * 16 * 9 + 16 * 64));
}

TEST(EagerCost, AHalfIsNotCast) {
  const auto costs = costs_of("input %x: f16[16,32]\ninput %w: f16[32,64]\n%y = MatMul(%x, %w)\noutput %y\n");
  EXPECT_EQ(total_bytes(costs), 6.0 * (16 * 32 + 32 * 64 + 16 * 64));
}

TEST(EagerCost, AnOperatorAtATimeInThirtyTwoBits) {
  const auto costs = costs_of(R"(
input %x: f32[1,16,8,8]
const %s: f32[16] = fill(1)
%n = BatchNormalization(%x, %s, %s, %s, %s)
%a = Binary(%n, %x) function=add
%b = Binary(%a, %a) function=add
%r = Unary(%b) function=relu
output %r)");
  ASSERT_EQ(costs.size(), 4u);
  EXPECT_EQ(costs[0].bytes, 4.0 * (2 * 1024 + 16));
  EXPECT_EQ(costs[1].bytes, 4.0 * 3 * 1024);
  EXPECT_EQ(costs[2].bytes, 4.0 * 2 * 1024);  // one operand twice
  EXPECT_DOUBLE_EQ(costs[3].ms, 0.01 + 4.0 * 2 * 1024 / 10e6);
  EXPECT_EQ(costs[3].nodes, (std::vector<int>{3}));
}

TEST(EagerCost, WhatOnlyRenamesOrIsKnownIsFree) {
  EXPECT_TRUE(costs_of("input %x: f32[4,6]\n%a = Reshape(%x) shape=[24]\n%b = Identity(%a)\n%c = Dropout(%b)\noutput %c\n").empty());
  const auto costs = costs_of("input %x: f32[8,4]\nconst %w: f32[6,4] = uniform(w)\n%t = Transpose(%w) perm=[1,0]\n%y = MatMul(%x, %t)\noutput %y\n");
  ASSERT_EQ(costs.size(), 1u);
  EXPECT_EQ(costs[0].nodes, (std::vector<int>{1}));
}

TEST(EagerCost, AttentionCostsWhatItsPartsCost) {
  const auto whole = costs_of(kAttention);
  const auto parts = costs_of(kAttentionInParts);
  ASSERT_EQ(whole.size(), 1u);
  ASSERT_EQ(parts.size(), 4u);
  EXPECT_NEAR(whole[0].ms, total_ms(parts), 1e-3 * total_ms(parts));  // but for the scale's four bytes
}

// Compiling never costs more.
TEST(EagerCost, EveryOperatorHasACost) {
  for (const test::Case& each : test::all_cases()) {
    for (const Soc& soc : socs()) {
      SCOPED_TRACE(each.name());
      const auto costs = eager_cost(each.graph, soc);
      for (const OperatorCost& cost : costs) {
        EXPECT_TRUE(std::isfinite(cost.ms));
        EXPECT_GE(cost.ms, soc.launch_us / 1e3);
        EXPECT_TRUE(std::isfinite(cost.flops) && cost.flops >= 0 && std::isfinite(cost.bytes) && cost.bytes >= 0);
        EXPECT_EQ(cost.nodes.size(), 1u);
      }
      EXPECT_GE(total_ms(costs) * (1 + 1e-9), total_ms(compiled_cost(each.graph, soc)));
    }
  }
}

}  // namespace
}  // namespace ropeway::chip
