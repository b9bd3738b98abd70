#include "chip/cost_model.h"

#include "chip/numerics.h"
#include "passes/lower.h"
#include "support/cases.h"

namespace ropeway {
namespace {

// A chip whose numbers make sums that can be done by hand: 8192 FLOP, 128 vector bytes and 1 byte of DRAM a nanosecond, 1 µs a launch.
constexpr Soc kSoc{"test", 1000, 4096, 128, 1024, 1, 1, 1 << 30};

Graph graph_of(const std::string& lines) { return parse_graph("graph g\n" + lines, infer); }

Tensor zeros(Shape shape) { return Tensor({DType::f32, std::move(shape)}); }

// x · w with [1, 256] and [256, 64].
Graph product(const std::string& after = "", const std::string& output = "y") {
  Graph graph = graph_of("input %x: f32[1,256]\ninput %w: f32[256,64]\ninput %b: f32[64]\n%y = Gemm(%x, %w, %b) : f32[1,64]\n" + after + "output %" + output + "\n");
  for (Value& value : graph.values) {
    if (value.name == "w" || value.name == "b") value.constant = zeros(value.type.shape);
  }
  graph.inputs.resize(1);
  return graph;
}

TEST(CostModel, AProductIsBoundByItsWeights) {
  const auto costs = compiled_cost(product(), kSoc);
  ASSERT_EQ(costs.size(), 1u);
  EXPECT_EQ(costs[0].cube_flops, 2.0 * 16 * 256 * 64);          // one row fills a block of 16
  EXPECT_EQ(costs[0].dram_bytes, 2.0 * (256 * 64 + 64));        // weights in 16 bits; x and y stay in the L2
  EXPECT_EQ(costs[0].bound, Bound::memory);
  EXPECT_NEAR(costs[0].ms, 32896e-6 + 1e-3, 1e-9);
}

TEST(CostModel, ActivationsFuseAndShapesAreFree) {
  const auto costs = compiled_cost(product("%r = Unary(%y) function=relu : f32[1,64]\n%s = Reshape(%r) shape=[64] : f32[64]\n%t = Unary(%s) function=tanh : f32[64]\n", "t"), kSoc);
  ASSERT_EQ(costs.size(), 1u);
  EXPECT_EQ(costs[0].nodes, (std::vector<int>{0, 1, 3}));
  EXPECT_EQ(costs[0].vector_bytes, 2.0 * 64 * (1 + 10));
}

TEST(CostModel, WhatIsReadTwiceDoesNotFuse) {
  const auto costs = compiled_cost(product("%r = Unary(%y) function=relu : f32[1,64]\n%s = Binary(%r, %y) function=add : f32[1,64]\n", "s"), kSoc);
  ASSERT_EQ(costs.size(), 2u);
  EXPECT_EQ(costs[0].nodes, (std::vector<int>{0}));
  EXPECT_EQ(costs[1].nodes, (std::vector<int>{1, 2}));
}

TEST(CostModel, AChainOfElementWiseOperatorsIsOne) {
  const Graph graph = graph_of(
      "input %x: f32[100000]\n"
      "%a = Unary(%x) function=relu : f32[100000]\n"
      "%b = Unary(%a) function=abs : f32[100000]\n"
      "%c = Softmax(%b) axis=0 : f32[100000]\n"
      "%d = Unary(%c) function=relu : f32[100000]\n"
      "output %d\n");
  const auto costs = compiled_cost(graph, kSoc);
  ASSERT_EQ(costs.size(), 3u);
  EXPECT_EQ(costs[0].nodes, (std::vector<int>{0, 1}));
  EXPECT_EQ(costs[0].vector_bytes, 2.0 * 2 * 100000);
  EXPECT_EQ(costs[0].dram_bytes, 2.0 * 2 * 100000) << "x and b do not fit into the L2; a never leaves the operator";
  EXPECT_EQ(costs[2].nodes, (std::vector<int>{3})) << "a softmax takes nothing in";
}

TEST(CostModel, ConvolutionsComputeInBlocks) {
  const auto flops = [](int64_t in, int64_t out) {
    Graph graph = graph_of(fmt::format("input %x: f32[1,{0},8,8]\ninput %w: f32[{1},{0},3,3]\n%y = Conv(%x, %w) strides=[1,1] pads=[1,1,1,1] dilations=[1,1] group=1 : f32[1,{1},8,8]\noutput %y\n", in, out));
    return compiled_cost(graph, kSoc)[0].cube_flops;
  };
  EXPECT_EQ(flops(16, 16), 2.0 * 64 * 144 * 16);
  EXPECT_EQ(flops(17, 17), 2.0 * 64 * 288 * 32);
  EXPECT_EQ(flops(3, 16), 2.0 * 64 * 48 * 16) << "few input channels are kept in fours: 4 · 9 taps, padded to 48";
}

TEST(CostModel, EveryOperatorCostsSomethingOrIsFree) {
  for (const test::Case& each : test::all_cases()) {
    for (const Graph& graph : {each.graph, lower_to_onnx17(each.graph)}) {
      for (const OperatorCost& cost : compiled_cost(graph, *find_soc("Ascend310B1"))) {
        EXPECT_FALSE(cost.nodes.empty());
        EXPECT_GT(cost.ms, 0) << each.name();
        EXPECT_LT(cost.ms, 1) << each.name();
      }
    }
  }
}

TEST(CostModel, FasterChipsTakeLess) {
  const Graph graph = product();
  const auto ms = [&](const Soc& soc) { return compiled_cost(graph, soc)[0].ms; };
  Soc faster = kSoc;
  faster.dram_gb_per_s *= 2;
  EXPECT_LT(ms(faster), ms(kSoc));
  EXPECT_LT(ms(*find_soc("Ascend310B1")), ms(*find_soc("Ascend310B4")));
  EXPECT_EQ(find_soc("Ascend910"), nullptr);
  EXPECT_NEAR(copy_ms(1000, kSoc), 1e-3 + 2000e-6, 1e-9);
}

}  // namespace
}  // namespace ropeway
