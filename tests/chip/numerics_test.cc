#include "chip/numerics.h"

#include <algorithm>

#include "ops/builder.h"
#include "passes/pipeline.h"
#include "support/cases.h"

namespace ropeway {
namespace {

Graph network() {
  return parse_graph(
      "graph net\n"
      "input %x: f32[1,3,8,8]\n"
      "input %w: f32[16,3,3,3]\n"
      "input %v: f32[1024,10]\n"
      "%c = Conv(%x, %w) strides=[1,1] pads=[1,1,1,1] dilations=[1,1] group=1 : f32[1,16,8,8]\n"
      "%r = Unary(%c) function=relu : f32[1,16,8,8]\n"
      "%f = Reshape(%r) shape=[1,1024] : f32[1,1024]\n"
      "%y = MatMul(%f, %v) : f32[1,10]\n"
      "output %y\n",
      infer);
}

std::vector<Tensor> inputs_of(const Graph& graph) {
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.inputs) inputs.push_back(test::case_input(graph.value(id)));
  return inputs;
}

size_t count(const Graph& graph, Op op) {
  return static_cast<size_t>(std::count_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) { return node.op == op; }));
}

bool is_half(float value) { return f16_to_f32(f32_to_f16(value)) == value; }

TEST(Numerics, RoundsWhatOperatorsTakeAndGive) {
  const Graph graph = network();
  Graph rounded = apply_numerics(graph);
  const std::vector<Tensor> inputs = inputs_of(graph);
  const Tensor exact = evaluate(graph, inputs)[0], half = evaluate(rounded, inputs)[0];
  EXPECT_TRUE(test::close_to(half, exact, 1e-2));
  EXPECT_FALSE(test::close_to(half, exact, 1e-5));
  // Every number that an operator of the chip reads or leaves is one of 16 bits.
  for (const Node& node : rounded.nodes) {
    if (node.op == Op::Cast) continue;
    for (const ValueId id : node.inputs) rounded.outputs.push_back(id);
  }
  const std::vector<Tensor> all = evaluate(rounded, inputs);
  size_t tested = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    const Value& value = rounded.value(rounded.outputs[i]);
    if (value.name == "c") continue;  // before its relu, inside one operator
    for (const float each : all[i].data<float>()) EXPECT_TRUE(is_half(each)) << value.name;
    ++tested;
  }
  EXPECT_EQ(tested, 6u);
}

TEST(Numerics, PutsNoRoundingWhereItChangesNothing) {
  const Graph rounded = apply_numerics(network());
  EXPECT_EQ(count(rounded, Op::Cast), 2u * (3 + 1 + 1)) << "three inputs, the relu and the product; not the convolution, nor the reshape\n" << to_text(rounded);
  // The convolution rounded before its relu too: the same numbers.
  Graph twice = network();
  const ValueId half = twice.add_value("half", {DType::f16, {1, 16, 8, 8}}), full = twice.add_value("full", {DType::f32, {1, 16, 8, 8}});
  twice.nodes.insert(twice.nodes.begin() + 1, {{Op::Cast, CastParams{DType::f16}, {twice.nodes[0].outputs[0]}, {half}, {}}, {Op::Cast, CastParams{DType::f32}, {half}, {full}, {}}});
  twice.nodes[3].inputs = {full};
  const std::vector<Tensor> inputs = inputs_of(rounded);
  EXPECT_TRUE(test::close_to(evaluate(apply_numerics(twice), inputs)[0], evaluate(rounded, inputs)[0], 0));
}

TEST(Numerics, KeepsWeightsInSixteenBits) {
  Graph graph = network();
  for (const char* name : {"w", "v"}) {
    for (Value& value : graph.values) {
      if (value.name == name) value.constant = test::case_input(value);
    }
  }
  graph.inputs.resize(1);
  const Graph rounded = apply_numerics(graph);
  for (const Value& value : rounded.values) {
    if (value.constant) {
      EXPECT_EQ(value.constant->dtype(), DType::f16) << value.name;
    }
  }
  EXPECT_EQ(rounded.value(rounded.outputs[0]).name, "y");
  EXPECT_EQ(rounded.type(rounded.outputs[0]).dtype, DType::f32);
  // Folding the casts of the constants leaves a graph for any backend, with the same numbers.
  const Graph folded = remove_dead_code(fold_constants(rounded));
  EXPECT_LT(count(folded, Op::Cast), count(rounded, Op::Cast));
  const std::vector<Tensor> inputs = inputs_of(graph);
  EXPECT_TRUE(test::close_to(evaluate(folded, inputs)[0], evaluate(rounded, inputs)[0], 0));
}

TEST(Numerics, LeavesOtherDtypesAlone) {
  const Graph graph = parse_graph(
      "graph ints\n"
      "input %i: i64[3]\n"
      "input %d: f64[3]\n"
      "%a = Binary(%i, %i) function=add : i64[3]\n"
      "%b = Unary(%d) function=exp : f64[3]\n"
      "output %a\n"
      "output %b\n",
      infer);
  EXPECT_EQ(to_text(apply_numerics(graph)), to_text(graph));
}

TEST(Numerics, HandsInputsAndConstantsThrough) {
  Graph graph = parse_graph("graph through\ninput %x: f32[2]\n%y = Unary(%x) function=exp : f32[2]\noutput %y\noutput %x\n", infer);
  const Graph rounded = apply_numerics(graph);
  EXPECT_EQ(rounded.value(rounded.outputs[0]).name, "y");
  const std::vector<Tensor> outputs = evaluate(rounded, {Tensor::of<float>({2}, {0.1f, 1})});
  EXPECT_TRUE(is_half(outputs[1].data<float>()[0]));
}

// Every case goes through without a failure, and what it gives has the types that it had.
TEST(Numerics, TakesEveryOperator) {
  for (const test::Case& each : test::all_cases()) {
    const std::vector<Tensor> outputs = evaluate(apply_numerics(each.graph), each.inputs);
    ASSERT_EQ(outputs.size(), each.expected.size());
    for (size_t i = 0; i < outputs.size(); ++i) EXPECT_EQ(outputs[i].type(), each.expected[i].type()) << each.name();
  }
}

}  // namespace
}  // namespace ropeway
