// The precision modes besides force_fp16, and saturation.
#include <algorithm>
#include <cmath>

#include "chip/numerics.h"
#include "ir/verify.h"
#include "support/cases.h"

namespace ropeway::chip {
namespace {

using enum PrecisionMode;

Graph graph_of(const std::string& lines) { return parse_graph("graph g\n" + lines, infer); }
Graph applied(const std::string& lines, PrecisionMode mode) { return apply_numerics(graph_of(lines), {false, mode}); }

std::string nodes_of(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) {
    const std::string line = to_text(graph, node);
    text += line.substr(0, line.find(')') + 1) + "\n";
  }
  return text;
}

std::vector<float> run(const Graph& graph, const Tensor& x) {
  const Tensor y = evaluate(graph, {x})[0];
  return {y.data<float>().begin(), y.data<float>().end()};
}

const char* const kNet = R"(
input %x: f32[1,4,4,4]
const %w: f32[4,4,1,1] = uniform(w)
%c = Conv(%x, %w) strides=[1,1] pads=[0,0,0,0] dilations=[1,1]
%e = Unary(%c) function=exp
%p = MaxPool(%e) kernel_shape=[2,2] strides=[2,2] pads=[0,0,0,0] dilations=[1,1]
%y = Unary(%p) function=tanh
output %y)";

TEST(Precision, ProductsIn16Bits) {
  const Graph graph = applied(kNet, allow_fp32_to_fp16);
  verify(graph);
  EXPECT_EQ(nodes_of(graph), R"(%x.f16 = Cast(%x)
%x.rounded = Cast(%x.f16)
%w.rounded = Cast(%w.f16)
%c.unrounded = Conv(%x.rounded, %w.rounded)
%c.f16 = Cast(%c.unrounded)
%c = Cast(%c.f16)
%e = Unary(%c)
%e.f16 = Cast(%e)
%e.rounded = Cast(%e.f16)
%p = MaxPool(%e.rounded)
%y = Unary(%p)
)");
}

TEST(Precision, ProductsDeliver32Bits) {
  EXPECT_EQ(nodes_of(applied(kNet, force_fp32)), R"(%x.f16 = Cast(%x)
%x.rounded = Cast(%x.f16)
%w.rounded = Cast(%w.f16)
%c = Conv(%x.rounded, %w.rounded)
%e = Unary(%c)
%e.f16 = Cast(%e)
%e.rounded = Cast(%e.f16)
%p = MaxPool(%e.rounded)
%y = Unary(%p)
)");
}

TEST(Precision, OriginRoundsWhatConvolutionsReadAndNothingElse) {
  const char* const net = R"(
input %x: f32[1,4,4,4]
const %w: f32[4,4,1,1] = uniform(w)
const %m: f32[4,4] = uniform(m)
%c = Conv(%x, %w) strides=[1,1] pads=[0,0,0,0] dilations=[1,1]
%y = MatMul(%c, %m)
output %y)";
  EXPECT_EQ(nodes_of(applied(net, must_keep_origin_dtype)), R"(%x.f16 = Cast(%x)
%x.rounded = Cast(%x.f16)
%w.rounded = Cast(%w.f16)
%c = Conv(%x.rounded, %w.rounded)
%y = MatMul(%c, %m)
)");
}

// A product and its bias are one operator in 16 bits: the numbers are those of force_fp16.
TEST(Precision, ABiasGoesIntoTheAccumulator) {
  const char* const net = "input %x: f32[3,64]\nconst %m: f32[64,5] = uniform(m)\nconst %b: f32[5] = uniform(b)\n%p = MatMul(%x, %m)\n%y = Binary(%p, %b) function=add\noutput %y\n";
  const Graph graph = graph_of(net);
  const Tensor x = test::case_input(graph.value(graph.inputs[0]));
  EXPECT_EQ(run(applied(net, allow_fp32_to_fp16), x), run(applied(net, force_fp16), x));
  EXPECT_NE(run(applied(net, force_fp32), x), run(applied(net, force_fp16), x));
  EXPECT_EQ(run(applied(net, must_keep_origin_dtype), x), run(graph, x));
}

Graph kept(const std::string& lines, std::set<int> keep) { return apply_numerics(graph_of(lines), {false, force_fp16, std::move(keep)}); }

TEST(Precision, AKeptOperatorComputesIn32BitsBetweenOthersIn16) {
  EXPECT_EQ(nodes_of(kept("input %x: f32[4]\n%a = Unary(%x) function=exp\n%b = Unary(%a) function=tanh\n%y = Unary(%b) function=exp\noutput %y\n", {1})), R"(%x.f16 = Cast(%x)
%x.rounded = Cast(%x.f16)
%a.unrounded = Unary(%x.rounded)
%a.f16 = Cast(%a.unrounded)
%a = Cast(%a.f16)
%b = Unary(%a)
%b.f16 = Cast(%b)
%b.rounded = Cast(%b.f16)
%y.unrounded = Unary(%b.rounded)
%y.f16 = Cast(%y.unrounded)
%y = Cast(%y.f16)
)");
}

// The cube takes 16 bits alone, the pool has nothing else.
TEST(Precision, WhatTheChipHasNotIn32BitsIsNotKept) {
  EXPECT_EQ(nodes_of(kept(kNet, {0, 2})), R"(%x.f16 = Cast(%x)
%x.rounded = Cast(%x.f16)
%w.rounded = Cast(%w.f16)
%c = Conv(%x.rounded, %w.rounded)
%c.f16 = Cast(%c)
%c.rounded = Cast(%c.f16)
%e.unrounded = Unary(%c.rounded)
%e.f16 = Cast(%e.unrounded)
%e = Cast(%e.f16)
%p = MaxPool(%e)
%y.unrounded = Unary(%p)
%y.f16 = Cast(%y.unrounded)
%y = Cast(%y.f16)
)");
}

TEST(Precision, AProductAndItsBiasAreKeptTogether) {
  const char* const net = "input %x: f32[3,64]\nconst %m: f32[64,5] = uniform(m)\nconst %b: f32[5] = uniform(b)\n%p = MatMul(%x, %m)\n%y = Binary(%p, %b) function=add\noutput %y\n";
  for (const int node : {0, 1}) EXPECT_EQ(nodes_of(kept(net, {node})), "%p = MatMul(%x, %m)\n%y = Binary(%p, %b)\n");
}

class EveryMode : public testing::TestWithParam<test::Case> {};

// What goes in and comes out is named and typed as before, and its error is at most that of 16 bits everywhere.
TEST_P(EveryMode, StaysTheSameModel) {
  const test::Case& each = GetParam();
  for (const PrecisionMode mode : {allow_fp32_to_fp16, must_keep_origin_dtype, force_fp32}) {
    const Graph graph = apply_numerics(each.graph, {false, mode});
    verify(graph);
    for (size_t i = 0; i < graph.inputs.size(); ++i) EXPECT_EQ(graph.value(graph.inputs[i]).name, each.graph.value(each.graph.inputs[i]).name);
    const std::vector<Tensor> outputs = evaluate(graph, each.inputs), exact = evaluate(each.graph, each.inputs);
    ASSERT_EQ(outputs.size(), exact.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      EXPECT_EQ(graph.value(graph.outputs[i]).name, each.graph.value(each.graph.outputs[i]).name);
      EXPECT_TRUE(test::close_to(outputs[i], exact[i], 1e-2)) << name(mode) << "\n" << to_text(graph);
    }
  }
}

bool all_finite(const Tensor& tensor) {
  if (tensor.dtype() != DType::f32) return true;
  return std::ranges::all_of(tensor.data<float>(), [](float value) { return std::fabs(value) <= 65504; });
}

// A node that is kept, but has nothing but 16 bits or is not of f32, is as it was: the operator-by-operator way agrees with the one for all.
TEST_P(EveryMode, KeepingNothingIsForceFp16) {
  const test::Case& each = GetParam();
  const std::vector<Tensor> outputs = evaluate(apply_numerics(each.graph, {false, force_fp16, {1000000}}), each.inputs), expected = evaluate(apply_numerics(each.graph), each.inputs);
  ASSERT_EQ(outputs.size(), expected.size());
  for (size_t i = 0; i < outputs.size(); ++i) EXPECT_TRUE(test::close_to(outputs[i], expected[i], 0)) << to_text(each.graph);
}

// Keeping everything is never worse than 16 bits, and exact where the chip has 32.
TEST_P(EveryMode, KeepingEverythingIsThatModelStill) {
  const test::Case& each = GetParam();
  std::set<int> all;
  for (size_t i = 0; i < each.graph.nodes.size(); ++i) all.insert(static_cast<int>(i));
  const Graph graph = apply_numerics(each.graph, {false, force_fp16, all});
  verify(graph);
  const std::vector<Tensor> outputs = evaluate(graph, each.inputs), exact = evaluate(each.graph, each.inputs);
  for (size_t i = 0; i < outputs.size(); ++i) EXPECT_TRUE(test::close_to(outputs[i], exact[i], 1e-2)) << to_text(graph);
}

// Where nothing overflows, saturation changes nothing.
TEST_P(EveryMode, SaturatesOnlyWhatOverflows) {
  const test::Case& each = GetParam();
  const Graph rounded = apply_numerics(each.graph), graph = saturate(rounded);
  verify(graph);
  const std::vector<Tensor> outputs = evaluate(graph, each.inputs), expected = evaluate(rounded, each.inputs);
  const bool comparable = std::ranges::all_of(each.inputs, all_finite) && std::ranges::all_of(each.graph.values, [](const Value& value) { return !value.constant || all_finite(*value.constant); });
  ASSERT_EQ(outputs.size(), expected.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_EQ(graph.value(graph.outputs[i]).name, rounded.value(rounded.outputs[i]).name);
    ASSERT_EQ(outputs[i].type(), expected[i].type());
    EXPECT_TRUE(all_finite(outputs[i])) << to_text(graph);
    if (!comparable || outputs[i].dtype() != DType::f32) continue;  // 1 / 65504 is not 1 / infinity
    for (size_t j = 0; j < static_cast<size_t>(outputs[i].count()); ++j) {
      const float actual = outputs[i].data<float>()[j], before = expected[i].data<float>()[j];
      EXPECT_TRUE(actual == before || !std::isfinite(before)) << actual << " and " << before;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, EveryMode, testing::ValuesIn(test::all_cases()), [](const auto& each) { return each.param.name(); });

TEST(Saturation, TheLargestNumberInThePlaceOfInfinity) {
  const Graph rounded = applied("input %x: f32[6]\nconst %k: f32[] = [2]\n%y = Binary(%x, %k) function=mul\noutput %y\n", force_fp16);
  const Graph graph = saturate(rounded);
  verify(graph);
  const Tensor x = Tensor::of<float>({6}, {1.5f, 40000, -40000, 1e30f, -INFINITY, NAN});
  const std::vector<float> infinite = run(rounded, x);
  EXPECT_EQ(infinite[1], INFINITY);
  EXPECT_EQ(run(graph, x), (std::vector<float>{3, 65504, -65504, 65504, -65504, 0}));
}

TEST(Saturation, InConstantsToo) {
  const Graph graph = saturate(applied("input %x: f32[3]\nconst %m: f32[3] = [0, -inf, 100000]\n%y = Binary(%x, %m) function=max\noutput %y\n", force_fp16));
  EXPECT_EQ(run(graph, Tensor::of<float>({3}, {-INFINITY, -INFINITY, -INFINITY})), (std::vector<float>{0, -65504, 65504}));
}

TEST(Saturation, NotWhereThereAre32Bits) {
  const Graph graph = graph_of("input %x: f32[1]\n%y = Unary(%x) function=exp\noutput %y\n");
  EXPECT_EQ(to_text(saturate(graph)), to_text(graph));
}

}  // namespace
}  // namespace ropeway::chip
