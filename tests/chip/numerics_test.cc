#include "chip/numerics.h"

#include <cstring>
#include <set>

#include "ir/verify.h"
#include "support/cases.h"

namespace ropeway::chip {
namespace {

const NumericsOptions kEverywhere{true};

Graph graph_of(const std::string& lines) { return parse_graph("graph g\n" + lines, infer); }

std::vector<Tensor> inputs_of(const Graph& graph) {
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.inputs) inputs.push_back(test::case_input(graph.value(id)));
  return inputs;
}

bool representable(float value) {
  const float rounded = f16_to_f32(f32_to_f16(value));
  return rounded == value || (std::isnan(rounded) && std::isnan(value));
}

// Same dtype and shape, same elements: 0 is -0, NaN is NaN.
void expect_equal(const std::vector<Tensor>& actual, const std::vector<Tensor>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(to_string(actual[i].type()), to_string(expected[i].type()));
    if (actual[i].dtype() != DType::f32) {
      EXPECT_EQ(std::memcmp(actual[i].raw(), expected[i].raw(), actual[i].bytes()), 0);
      continue;
    }
    const auto a = actual[i].data<float>(), e = expected[i].data<float>();
    for (size_t j = 0; j < a.size(); ++j) ASSERT_TRUE(a[j] == e[j] || (std::isnan(a[j]) && std::isnan(e[j]))) << "element " << j << ": " << a[j] << " and " << e[j];
  }
}

const char* const kNet = R"(
input %x: f32[1,3,12,12]
const %w: f32[8,3,3,3] = uniform(w, 0.4)
const %b: f32[8] = uniform(b)
const %v: f32[8,8,3,3] = uniform(v, 0.3)
const %m: f32[32,10] = uniform(m, 0.3)
const %c: f32[10] = uniform(c)
const %g: f32[10] = uniform(g)
%conv1 = Conv(%x, %w, %b) strides=[1,1] pads=[1,1,1,1] dilations=[1,1]
%relu1 = Unary(%conv1) function=relu
%pool1 = MaxPool(%relu1) kernel_shape=[2,2] strides=[2,2] pads=[0,0,0,0] dilations=[1,1]
%conv2 = Conv(%pool1, %v) strides=[1,1] pads=[1,1,1,1] dilations=[1,1]
%sum = Binary(%conv2, %pool1) function=add
%relu6 = Unary(%sum) function=clip alpha=0 beta=6
%pool2 = AveragePool(%relu6) kernel_shape=[3,3] strides=[3,3] pads=[0,0,0,0] dilations=[1,1]
%flat = Reshape(%pool2) shape=[1,32]
%product = MatMul(%flat, %m)
%linear = Binary(%product, %c) function=add
%norm = LayerNormalization(%linear, %g) axis=1
%gelu = Unary(%norm) function=gelu
%y = Softmax(%gelu) axis=1
output %y)";

// The lines of the nodes, without types, parameters and origins.
std::string nodes_of(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) {
    std::string line = to_text(graph, node);
    text += line.substr(0, line.find(')') + 1) + "\n";
  }
  return text;
}

TEST(Numerics, RoundingIsVisible) {
  const Graph graph = apply_numerics(graph_of(R"(
input %x: f32[2,4]
const %w: f32[4,4] = uniform(w)
const %b: f32[4] = uniform(b)
%p = MatMul(%x, %w)
%s = Binary(%p, %b) function=add
%r = Unary(%s) function=relu
%t = Transpose(%r) perm=[1,0]
%y = Softmax(%t) axis=1
output %y)"));
  verify(graph);
  EXPECT_EQ(nodes_of(graph), R"(%x.f16 = Cast(%x)
%x.rounded = Cast(%x.f16)
%w = Cast(%w.f16)
%p = MatMul(%x.rounded, %w)
%b = Cast(%b.f16)
%s = Binary(%p, %b)
%r.unrounded = Unary(%s)
%r.f16 = Cast(%r.unrounded)
%r = Cast(%r.f16)
%t = Transpose(%r)
%y.unrounded = Softmax(%t)
%y.f16 = Cast(%y.unrounded)
%y = Cast(%y.f16)
)");
}

TEST(Numerics, WeightsAreHeldIn16Bits) {
  const Graph graph = apply_numerics(graph_of(kNet));
  int halves = 0;
  for (const Value& value : graph.values) {
    if (!value.constant) continue;
    EXPECT_EQ(value.type.dtype, DType::f16) << value.name;
    ++halves;
  }
  EXPECT_EQ(halves, 6);
}

TEST(Numerics, WhatNodesReadIsRounded) {
  Graph graph = apply_numerics(graph_of(kNet));
  // What is left unrounded on purpose, and what the Casts are there to round.
  const std::set<std::string> unrounded = {"x", "conv1", "sum", "product"};
  graph.outputs.clear();
  for (const Node& node : graph.nodes) {
    for (const ValueId id : node.outputs) {
      const std::string& name = graph.value(id).name;
      if (graph.type(id).dtype == DType::f32 && !name.ends_with(".unrounded") && !unrounded.contains(name)) graph.outputs.push_back(id);
    }
  }
  ASSERT_EQ(graph.outputs.size(), 17u);  // %x, 6 constants, 10 results
  const std::vector<Tensor> values = evaluate(graph, inputs_of(graph));
  for (size_t i = 0; i < values.size(); ++i) {
    for (const float value : values[i].data<float>()) ASSERT_TRUE(representable(value)) << graph.value(graph.outputs[i]).name << ": " << value;
  }
}

TEST(Numerics, TheErrorIsThatOf16Bits) {
  const Graph exact = graph_of(kNet), rounded = apply_numerics(graph_of(kNet));
  const Tensor expected = evaluate(exact, inputs_of(exact))[0], actual = evaluate(rounded, inputs_of(rounded))[0];
  double largest = 0, error = 0;
  for (size_t i = 0; i < static_cast<size_t>(expected.count()); ++i) {
    largest = std::max(largest, std::fabs(static_cast<double>(expected.data<float>()[i])));
    error = std::max(error, std::fabs(static_cast<double>(expected.data<float>()[i]) - static_cast<double>(actual.data<float>()[i])));
  }
  EXPECT_GT(error, 1e-6 * largest);
  EXPECT_LT(error, 1e-2 * largest);
}

TEST(Numerics, RoundingLessOftenChangesNothing) {
  const Graph graph = graph_of(kNet), less = apply_numerics(graph), more = apply_numerics(graph, kEverywhere);
  EXPECT_GT(more.nodes.size(), less.nodes.size());
  expect_equal(evaluate(less, inputs_of(less)), evaluate(more, inputs_of(more)));
}

class EveryCase : public testing::TestWithParam<test::Case> {};

// Each operator by itself, with numbers from tiny to beyond what 16 bits hold.
TEST_P(EveryCase, RoundsOnceAndOnlyWhereItMatters) {
  const test::Case& each = GetParam();
  const Graph less = apply_numerics(each.graph), more = apply_numerics(each.graph, kEverywhere);
  verify(less);
  verify(more);
  ASSERT_EQ(less.inputs.size(), each.graph.inputs.size());
  for (size_t i = 0; i < less.inputs.size(); ++i) {
    EXPECT_EQ(less.value(less.inputs[i]).name, each.graph.value(each.graph.inputs[i]).name);
    EXPECT_EQ(less.type(less.inputs[i]), each.graph.type(each.graph.inputs[i]));
  }
  ASSERT_EQ(less.outputs.size(), each.graph.outputs.size());
  for (size_t i = 0; i < less.outputs.size(); ++i) {
    EXPECT_EQ(less.value(less.outputs[i]).name, each.graph.value(each.graph.outputs[i]).name);
    EXPECT_EQ(less.type(less.outputs[i]), each.graph.type(each.graph.outputs[i]));
  }
  for (const float scale : {1.0f, 1e-7f, 4e4f}) {
    std::vector<Tensor> inputs;
    for (const Tensor& tensor : each.inputs) {
      inputs.push_back(tensor.clone());
      if (tensor.dtype() != DType::f32) continue;
      for (float& value : inputs.back().data<float>()) value *= scale;
    }
    const std::vector<Tensor> outputs = evaluate(less, inputs);
    expect_equal(outputs, evaluate(more, inputs));
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i].dtype() != DType::f32) continue;
      for (const float value : outputs[i].data<float>()) ASSERT_TRUE(representable(value)) << value;
    }
  }
  EXPECT_EQ(to_text(apply_numerics(less)), to_text(less));  // twice is once
}

INSTANTIATE_TEST_SUITE_P(Cases, EveryCase, testing::ValuesIn(test::all_cases()), [](const auto& each) { return each.param.name(); });

TEST(Numerics, NoRoundingWhereItIsDoneAlready) {
  // By a Cast of the model's own; before what makes whole numbers.
  EXPECT_EQ(nodes_of(apply_numerics(graph_of("input %x: f32[4]\n%h = Cast(%x) to=f16\n%y = Unary(%h) function=exp\noutput %y\n"))), "%h = Cast(%x)\n%y = Unary(%h)\n");
  EXPECT_EQ(nodes_of(apply_numerics(graph_of("input %x: f16[4]\n%f = Cast(%x) to=f32\n%y = Unary(%f) function=floor\noutput %y\n"))), "%f = Cast(%x)\n%y = Unary(%f)\n");
}

TEST(Numerics, OtherDtypesStay) {
  for (const std::string lines : {"input %x: f64[4]\n%y = Unary(%x) function=exp\noutput %y\n", "input %x: i64[4]\n%y = Binary(%x, %x) function=mul\noutput %y\n",
                                  "input %x: f16[4]\n%y = Unary(%x) function=exp\noutput %y\n", "input %x: bf16[4]\n%y = Unary(%x) function=exp\noutput %y\n"}) {
    EXPECT_EQ(to_text(apply_numerics(graph_of(lines))), to_text(graph_of(lines)));
  }
  // But an f32 that is made of them is rounded.
  for (const char* dtype : {"f64", "bf16", "i32", "i64"}) {
    EXPECT_EQ(apply_numerics(graph_of(fmt::format("input %x: {}[4]\n%y = Cast(%x) to=f32\noutput %y\n", dtype))).nodes.size(), 3u) << dtype;
  }
}

TEST(Numerics, ARelusRoundingWaitsOnlyForOneReader) {
  const char* const two = "input %x: f32[4]\n%e = Unary(%x) function=exp\n%r = Unary(%e) function=relu\n%y = Binary(%r, %e) function=add\noutput %y\n";
  EXPECT_EQ(nodes_of(apply_numerics(graph_of(two))).find("%e = Unary("), std::string::npos);
  // A clip to a number that 16 bits do not hold does not commute with rounding.
  const char* const odd = "input %x: f32[4]\n%e = Unary(%x) function=exp\n%y = Unary(%e) function=clip alpha=0 beta=0.1\noutput %y\n";
  EXPECT_NE(nodes_of(apply_numerics(graph_of(odd))).find("%y.unrounded = Unary(%e)"), std::string::npos);
  EXPECT_NE(nodes_of(apply_numerics(graph_of(odd))).find("%e.unrounded = Unary("), std::string::npos);
}

TEST(Numerics, WhatIsDeliveredIsRounded) {
  const Graph graph = apply_numerics(graph_of("input %x: f32[4]\n%e = Unary(%x) function=exp\n%h = Cast(%e) to=f16\noutput %e\noutput %h\n"));
  const Tensor e = evaluate(graph, inputs_of(graph))[0];
  for (const float value : e.data<float>()) EXPECT_TRUE(representable(value)) << value;
}

TEST(Numerics, APadsValueIsRounded) {
  for (const double value : {0.5, 0.1}) {
    const Graph graph = apply_numerics(graph_of(fmt::format("input %x: f32[4]\n%y = Pad(%x) pads=[1,1] value={}\noutput %y\n", value)));
    EXPECT_EQ(graph.nodes.size(), value == 0.5 ? 3u : 5u);
    EXPECT_TRUE(representable(evaluate(graph, inputs_of(graph))[0].data<float>()[0]));
  }
}

// Cannot pass when rounding does not happen, or happens twice where it matters.
TEST(Numerics, RoundsToNearestEvenOnce) {
  const Graph graph = apply_numerics(graph_of("input %x: f32[5]\nconst %k: f32[] = [1]\n%y = Binary(%x, %k) function=mul\noutput %y\n"));
  const float ulp = 1.0f / 1024;
  const Tensor x = Tensor::of<float>({5}, {1 + ulp / 2, 1 + 3 * ulp / 2, 65519.0f, 65520.0f, 0x1.8p-25f});
  const Tensor y = evaluate(graph, {x})[0];
  EXPECT_EQ(std::vector<float>(y.data<float>().begin(), y.data<float>().end()), (std::vector<float>{1, 1 + 2 * ulp, 65504, INFINITY, 0x1p-24f}));
}

}  // namespace
}  // namespace ropeway::chip
