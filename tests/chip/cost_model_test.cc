#include "chip/cost_model.h"

#include <algorithm>

#include "chip/fusion.h"
#include "chip/attention.h"
#include "support/cases.h"

namespace ropeway::chip {
namespace {

// Round numbers: 8.192 TFLOPS, 128 GB/s of vector operands, 10 GB/s, 10 µs.
constexpr Soc kSoc = {"round", 1000, 4096, 1.0, 128, 10, 10, 10, 1, 1, int64_t{1} << 30, 50};

Graph graph_of(const std::string& lines) { return parse_graph("graph g\n" + lines, infer); }

std::vector<OperatorCost> costs_of(const std::string& lines) { return compiled_cost(graph_of(lines), kSoc); }

// The nodes of each operator, as "0 1 | 2".
std::string operators_of(const std::string& lines) {
  std::string text;
  for (const CompiledOperator& each : compiled_operators(graph_of(lines))) text += fmt::format("{}{}", text.empty() ? "" : " | ", fmt::join(each.nodes, " "));
  return text;
}

TEST(CostModel, ConvolutionByHand) {
  const auto costs = costs_of(R"(
input %x: f32[1,64,32,32]
const %w: f32[128,64,3,3] = uniform(w)
const %b: f32[128] = uniform(b)
%y = Conv(%x, %w, %b) strides=[1,1] pads=[1,1,1,1] dilations=[1,1]
output %y)");
  ASSERT_EQ(costs.size(), 1u);
  EXPECT_EQ(costs[0].flops, 2.0 * 1024 * 128 * 576);
  EXPECT_EQ(costs[0].bytes, 2.0 * (64 * 1024 + 128 * 576 + 128 + 128 * 1024));  // 541 KB: 54 µs
  const double cube = 1024.0 * 128 * 576 / 4096 / 1e6, memory = costs[0].bytes / 10e9 * 1e3;
  EXPECT_DOUBLE_EQ(costs[0].ms, std::max(cube, memory) + 0.01);
  EXPECT_EQ(costs[0].bound, Bound::memory);
}

TEST(CostModel, TheCubePadsTo16) {
  // 10 rows, 20 deep, 30 wide: as 16, 32 and 32.
  Soc soc = kSoc;
  soc.dram_gb_per_s = 1e9;
  const Graph graph = graph_of("input %x: f32[10,20]\nconst %w: f32[20,30] = uniform(w)\n%y = MatMul(%x, %w)\noutput %y\n");
  EXPECT_NEAR(compiled_cost(graph, soc)[0].ms, 16.0 * 32 * 32 / 4096 / 1e6 + 0.01, 1e-12);
  EXPECT_EQ(compiled_cost(graph, soc)[0].flops, 2.0 * 10 * 20 * 30);
}

// Of few channels: an image's three as 4 per tap; the filters of a depthwise convolution as blocks of 16.
TEST(CostModel, ChannelsLieInBlocks) {
  Soc soc = kSoc;
  soc.dram_gb_per_s = 1e9;
  const auto cube_ms = [&](const std::string& lines) { return compiled_cost(graph_of(lines), soc)[0].ms - 0.01; };
  EXPECT_NEAR(cube_ms("input %x: f32[1,3,16,16]\nconst %w: f32[16,3,3,3] = uniform(w)\n%y = Conv(%x, %w) strides=[1,1] pads=[1,1,1,1] dilations=[1,1]\noutput %y\n"),
              256.0 * 48 * 16 / 4096 / 1e6, 1e-12);  // 9 taps of 4: 36, as 48
  EXPECT_NEAR(cube_ms("input %x: f32[1,32,16,16]\nconst %w: f32[32,1,3,3] = uniform(w)\n%y = Conv(%x, %w) strides=[1,1] pads=[1,1,1,1] dilations=[1,1] group=32\noutput %y\n"),
              2 * 256.0 * 144 * 16 / 4096 / 1e6, 1e-12);
}

TEST(CostModel, FullyConnectedIsBoundByItsWeights) {
  const auto costs = costs_of("input %x: f32[1,4096]\nconst %w: f32[4096,4096] = uniform(w)\nconst %b: f32[4096] = uniform(b)\n%y = Gemm(%x, %w, %b) transB=true\noutput %y\n");
  ASSERT_EQ(costs.size(), 1u);
  EXPECT_EQ(costs[0].bytes, 2.0 * (4096.0 * 4096 + 3 * 4096));
  EXPECT_EQ(costs[0].bound, Bound::memory);
  EXPECT_DOUBLE_EQ(costs[0].ms, costs[0].bytes / 10e6 + 0.01);
}

TEST(CostModel, AChainOfAdditionsIsOneOperator) {
  const auto costs = costs_of(R"(
input %x: f32[1000]
input %y: f32[1000]
%a = Binary(%x, %y) function=add
%b = Binary(%a, %y) function=add
%c = Binary(%b, %b) function=add
output %c)");
  ASSERT_EQ(costs.size(), 1u);
  EXPECT_EQ(costs[0].nodes, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(costs[0].bytes, 3.0 * 2000);
  EXPECT_EQ(costs[0].flops, 3000);
  EXPECT_EQ(costs[0].bound, Bound::launch);
  EXPECT_DOUBLE_EQ(costs[0].ms, 6000 / 10e6 + 0.01);
}

TEST(CostModel, FunctionsAreTheVectorUnits) {
  const auto costs = costs_of("input %x: f32[1000000]\n%a = Unary(%x) function=exp\n%b = Unary(%a) function=tanh\n%c = Unary(%b) function=erf\noutput %c\n");
  ASSERT_EQ(costs.size(), 1u);
  EXPECT_EQ(costs[0].bound, Bound::vector);
  EXPECT_DOUBLE_EQ(costs[0].ms, 3 * 10 * 2e6 / 128e6 + 0.01);
}

TEST(CostModel, WhatOnlyRenamesIsFree) {
  EXPECT_EQ(operators_of("input %x: f32[4,6]\n%a = Reshape(%x) shape=[24]\n%b = Identity(%a)\n%c = Dropout(%b)\noutput %c\n"), "");
  // A Cast between floating-point dtypes neither: it is all 16 bits. One of integers is work.
  EXPECT_EQ(operators_of("input %x: f32[4]\n%a = Cast(%x) to=f16\n%b = Cast(%a) to=f32\noutput %b\n"), "");
  EXPECT_EQ(operators_of("input %x: i64[4]\n%a = Cast(%x) to=f32\noutput %a\n"), "0");
}

TEST(CostModel, WhatIsKnownBeforehandIsFree) {
  const std::string lines = "input %x: f32[8,4]\nconst %w: f32[6,4] = uniform(w)\n%t = Transpose(%w) perm=[1,0]\n%y = MatMul(%x, %t)\noutput %y\n";
  EXPECT_EQ(operators_of(lines), "1");
  EXPECT_EQ(costs_of(lines)[0].bytes, 2.0 * (32 + 24 + 48));  // the weight is read all the same
}

TEST(CostModel, BiasBatchNormResidualAndActivationJoinTheConvolution) {
  const std::string lines = R"(
input %x: f32[1,16,8,8]
const %w: f32[16,16,3,3] = uniform(w)
const %s: f32[16] = fill(1)
%c = Conv(%x, %w) strides=[1,1] pads=[1,1,1,1] dilations=[1,1]
%n = BatchNormalization(%c, %s, %s, %s, %s)
%a = Binary(%n, %x) function=add
%r = Unary(%a) function=relu
%p = MaxPool(%r) kernel_shape=[2,2] strides=[2,2] pads=[0,0,0,0] dilations=[1,1]
output %p)";
  EXPECT_EQ(operators_of(lines), "0 1 2 3 | 4");
  EXPECT_EQ(costs_of(lines)[0].bytes, 2.0 * (1024 + 16 * 144 + 16 + 1024));  // %x and %s once each; only the last result is written
}

TEST(CostModel, AGeluInPartsJoinsTheProduct) {
  EXPECT_EQ(operators_of(R"(
input %x: f32[8,4]
const %w: f32[4,6] = uniform(w)
const %b: f32[6] = uniform(b)
const %k: f32[] = fill(1.5)
%m = MatMul(%x, %w)
%y = Binary(%m, %b) function=add
%d = Binary(%y, %k) function=div
%e = Unary(%d) function=erf
%o = Binary(%e, %k) function=add
%t = Binary(%y, %o) function=mul
%g = Binary(%t, %k) function=mul
output %g)"),
            "0 1 2 3 4 5 6");
}

TEST(CostModel, NoOperatorWaitsForItself) {
  // The addition needs the convolution twice, once by way of a pool, so it can join only what comes after that: nothing. It stands alone.
  EXPECT_EQ(operators_of(R"(
input %x: f32[1,16,8,8]
const %w: f32[16,16,1,1] = uniform(w)
%c = Conv(%x, %w) strides=[1,1] pads=[0,0,0,0] dilations=[1,1]
%p = MaxPool(%c) kernel_shape=[3,3] strides=[1,1] pads=[1,1,1,1] dilations=[1,1]
%a = Binary(%c, %p) function=add
output %a)"),
            "0 | 1 | 2");
}

TEST(CostModel, OfTwoConvolutionsTheLaterTakesTheAddition) {
  EXPECT_EQ(operators_of(R"(
input %x: f32[1,16,8,8]
const %w: f32[16,16,1,1] = uniform(w)
%c = Conv(%x, %w) strides=[1,1] pads=[0,0,0,0] dilations=[1,1]
%d = Conv(%x, %w) strides=[1,1] pads=[0,0,0,0] dilations=[1,1]
%a = Binary(%c, %d) function=add
output %a)"),
            "0 | 1 2");
}

// A result of another size, or seen through a Reshape, is not fused.
TEST(CostModel, ChainsEndWhereTheShapeChanges) {
  EXPECT_EQ(operators_of("input %x: f32[4]\ninput %y: f32[3,4]\n%a = Unary(%x) function=relu\n%b = Binary(%a, %y) function=add\noutput %b\n"), "0 | 1");
  EXPECT_EQ(operators_of("input %x: f32[4,6]\n%a = Unary(%x) function=relu\n%r = Reshape(%a) shape=[24]\n%b = Unary(%r) function=abs\noutput %b\n"), "0 | 2");
}

TEST(CostModel, MovesCostTheirBytes) {
  const auto bytes = [](const std::string& lines) { return costs_of(lines)[0].bytes; };
  EXPECT_EQ(bytes("input %x: f32[10,20]\n%y = Transpose(%x) perm=[1,0]\noutput %y\n"), 800);
  EXPECT_EQ(bytes("input %x: f32[10,20]\n%y = Slice(%x) starts=[0,0] ends=[1,20] steps=[1,1]\noutput %y\n"), 80);  // reads what it delivers
  EXPECT_EQ(bytes("input %i: i64[3]\nconst %t: f32[1000,8] = uniform(t)\n%y = Gather(%t, %i) axis=0\noutput %y\n"), 24 + 2 * 48);
  EXPECT_EQ(bytes("input %x: i64[5]\n%y = Binary(%x, %x) function=add\noutput %y\n"), 80);
}

TEST(CostModel, AttentionIsThreeOperatorsInOneRow) {
  const auto whole = costs_of(kAttention);
  const auto parts = costs_of(kAttentionInParts);
  ASSERT_EQ(whole.size(), 1u);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_NEAR(whole[0].ms, total_ms(parts), 1e-3 * total_ms(parts));  // but for the scale's two bytes
}

TEST(CostModel, GeluCostsWhatItsPartsCost) {
  const auto whole = costs_of("input %x: f32[1000000]\n%y = Unary(%x) function=gelu\noutput %y\n");
  const auto parts = costs_of(R"(
input %x: f32[1000000]
const %k: f32[] = fill(1.5)
%d = Binary(%x, %k) function=div
%e = Unary(%d) function=erf
%o = Binary(%e, %k) function=add
%t = Binary(%x, %o) function=mul
%g = Binary(%t, %k) function=mul
output %g)");
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_NEAR(whole[0].ms, parts[0].ms, 1e-6);  // but for the bytes of the two numbers
}

TEST(CostModel, MoreWorkNeverCostsLess) {
  double before = 0;
  for (const int size : {8, 16, 17, 32, 64, 128, 256, 512}) {
    const double ms = costs_of(fmt::format("input %x: f32[{0},{0}]\ninput %y: f32[{0},{0}]\n%z = MatMul(%x, %y)\noutput %z\n", size))[0].ms;
    EXPECT_GT(ms, before) << size;
    before = ms;
  }
  for (const auto better : {&Soc::cube_mhz, &Soc::cube_efficiency, &Soc::dram_gb_per_s}) {
    const Graph graph = graph_of("input %x: f32[512,512]\n%a = Softmax(%x) axis=1\n%b = MatMul(%a, %x)\n%c = Transpose(%b) perm=[1,0]\noutput %c\n");
    Soc soc = kSoc;
    soc.dram_gb_per_s = 60;  // so that the product waits for the cube
    const double slower = total_ms(compiled_cost(graph, soc));
    soc.*better *= 2;
    EXPECT_LT(total_ms(compiled_cost(graph, soc)), slower);
  }
}

// Every operator, in every case that there is, on every chip: a finite cost, each node in one operator at most.
TEST(CostModel, EveryOperatorHasACost) {
  for (const test::Case& each : test::all_cases()) {
    for (const Soc& soc : socs()) {
      SCOPED_TRACE(each.name());
      std::vector<int> seen;
      for (const OperatorCost& cost : compiled_cost(each.graph, soc)) {
        EXPECT_TRUE(std::isfinite(cost.ms));
        EXPECT_GE(cost.ms, soc.launch_us / 1e3);
        EXPECT_TRUE(std::isfinite(cost.flops) && cost.flops >= 0 && std::isfinite(cost.bytes) && cost.bytes >= 0);
        ASSERT_FALSE(cost.nodes.empty());
        EXPECT_TRUE(std::is_sorted(cost.nodes.begin(), cost.nodes.end()));
        seen.insert(seen.end(), cost.nodes.begin(), cost.nodes.end());
      }
      std::sort(seen.begin(), seen.end());
      EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
    }
  }
}

}  // namespace
}  // namespace ropeway::chip
