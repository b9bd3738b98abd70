#include "ir/text.h"

#include <cmath>
#include <limits>

#include "base/random.h"
#include "ir/verify.h"
#include "support/cases.h"

namespace ropeway {
namespace {

constexpr const char* kExample =
    "graph alexnet\n"
    "input %x: f32[1,3,6,6]\n"
    "const %features.0.weight: f32[2,3,1,1] = [1, -2.5, 0.1, 1e-30, 0, -0]\n"
    "%conv2d = Conv(%x, %features.0.weight) strides=[1,1] pads=[0,0,0,0] dilations=[1,1] group=1 : f32[1,2,6,6] @ features.0 (conv2d)\n"
    "%a, %b = Split(%conv2d) axis=1 split=[1,1] : f32[1,1,6,6], f32[1,1,6,6] @ (split)\n"
    "%n = LayerNormalization(%a, _, %b) axis=1 epsilon=1e-05 : f32[1,1,6,6] @ norm\n"
    "%c = Cast(%n) to=i64 : i64[1,1,6,6]\n"
    "%p = Pad(%c) mode=constant pads=[0,0,0,0,0,0,0,1] value=0.5 : i64[1,1,6,7]\n"
    "%r = Reduce(%p) function=max axes=[0,1,2,3] keepdims=false : i64[]\n"
    "output %r\n"
    "output %b\n";

TEST(Text, OfAGraph) { EXPECT_EQ(to_text(parse_graph(kExample)), kExample); }

TEST(Text, ParsesIntoTheGraph) {
  const Graph graph = parse_graph(kExample);
  verify(graph);
  EXPECT_EQ(graph.name, "alexnet");
  ASSERT_EQ(graph.nodes.size(), 6u);
  EXPECT_EQ(graph.nodes[0].op, Op::Conv);
  EXPECT_EQ(graph.nodes[0].get<ConvParams>(), (ConvParams{{1, 1}, {0, 0, 0, 0}, {1, 1}, 1}));
  EXPECT_EQ(graph.nodes[0].origin.module_path(), "features.0");
  EXPECT_EQ(graph.nodes[0].origin.node, "conv2d");
  EXPECT_EQ(graph.nodes[1].outputs.size(), 2u);
  EXPECT_EQ(graph.nodes[2].inputs[1], kNoValue);
  EXPECT_EQ(graph.nodes[5].get<ReduceParams>().function, ReduceFunction::max);
  EXPECT_EQ(graph.type(graph.outputs[0]), (TensorType{DType::i64, {}}));
  EXPECT_EQ(graph.values[1].constant->data<float>()[1], -2.5f);
  EXPECT_TRUE(std::signbit(graph.values[1].constant->data<float>()[5]));
}

// Printing and parsing are inverse, for every operator.
TEST(Text, OfEveryCase) {
  for (const test::Case& each : test::all_cases()) {
    const std::string text = to_text(each.graph);
    const Graph again = parse_graph(text);
    verify(again);
    EXPECT_EQ(to_text(again).substr(0, text.find("const")), text.substr(0, text.find("const"))) << each.name();
    ASSERT_EQ(again.nodes.size(), each.graph.nodes.size()) << text;
    for (size_t i = 0; i < again.nodes.size(); ++i) {
      EXPECT_EQ(again.nodes[i].op, each.graph.nodes[i].op);
      EXPECT_EQ(again.nodes[i].inputs.size(), each.graph.nodes[i].inputs.size());
      EXPECT_EQ(to_text(again, again.nodes[i]), to_text(each.graph, each.graph.nodes[i]));
      EXPECT_TRUE(again.nodes[i].params == each.graph.nodes[i].params) << text;
    }
  }
}

TEST(Text, QuotesUnusualNames) {
  Graph graph;
  graph.name = "a model";
  graph.inputs.push_back(graph.add_value("x:0", {DType::f32, {2}}));
  const ValueId y = graph.add_value("_", {DType::f32, {2}});
  Node node;
  node.inputs = graph.inputs;
  node.outputs = {y};
  node.origin = {"say \"hi\\\"\n", {{"block[0]", ""}}};
  graph.nodes.push_back(node);
  graph.outputs = {y};
  const std::string text = to_text(graph);
  EXPECT_EQ(text,
            "graph \"a model\"\ninput %\"x:0\": f32[2]\n%\"_\" = Identity(%\"x:0\") : f32[2] @ \"block[0]\" (\"say \\\"hi\\\\\\\"\\x0a\")\noutput %\"_\"\n");
  const Graph again = parse_graph(text);
  EXPECT_EQ(to_text(again), text);
  EXPECT_EQ(again.nodes[0].origin.node, node.origin.node);
}

Tensor constant_of(const std::string& type, const std::string& elements) {
  return *parse_graph("graph g\nconst %c: " + type + " = " + elements).values[0].constant;
}

std::string printed(const Tensor& tensor) {
  Graph graph;
  graph.add_constant("c", tensor);
  const std::string text = to_text(graph);
  const size_t begin = text.find("= ") + 2;
  return text.substr(begin, text.size() - begin - 1);
}

TEST(Text, OfConstants) {
  EXPECT_EQ(printed(Tensor::of<float>({4}, {0.1f, std::numeric_limits<float>::infinity(), -0.0f, 16777216.0f})), "[0.1, inf, -0, 16777216]");
  EXPECT_EQ(printed(Tensor::of<int64_t>({2}, {std::numeric_limits<int64_t>::min(), 9007199254740993})), "[-9223372036854775808, 9007199254740993]");
  EXPECT_EQ(printed(Tensor::of<uint8_t>({2}, {255, 65})), "[255, 65]");
  EXPECT_EQ(printed(Tensor::of<int8_t>({1}, {-128})), "[-128]");
  EXPECT_EQ(printed(Tensor({DType::boolean, {2}})), "[false, false]");
  EXPECT_EQ(printed(Tensor({DType::f32, {0, 3}})), "[]");
  EXPECT_EQ(printed(filled({DType::f16, {2}}, 1)), "[0x3c00, 0x3c00]");
  EXPECT_EQ(printed(filled({DType::f32, {3, 3}}, 0.5)), "fill(0.5)");
  EXPECT_EQ(printed(filled({DType::bf16, {9}}, 1)), "fill(0x3f80)");
}

TEST(Text, LargeConstantsStandAsTheirHash) {
  const Tensor first = uniform_tensor({DType::f32, {9}}, "w");
  Tensor second = first.clone();
  second.data<float>()[8] += 1;
  EXPECT_EQ(printed(first), printed(first.clone()));
  EXPECT_NE(printed(first), printed(second));
  EXPECT_TRUE(printed(first).starts_with("data(0x")) << printed(first);

  const Tensor stand_in = constant_of("f32[9]", printed(first));
  EXPECT_TRUE(test::close_to(stand_in, constant_of("f32[9]", printed(first)), 0));
  EXPECT_NE(stand_in.data<float>()[0], constant_of("f32[9]", printed(second)).data<float>()[0]);
  EXPECT_EQ(constant_of("i64[3]", "data(0x12)").data<int64_t>()[2], 0);
}

TEST(Text, ConstantsReadBack) {
  for (const float value : {0.1f, 1e-45f, 3.4028235e38f, -1.1754944e-38f, 0.33333334f}) {
    EXPECT_EQ(constant_of("f32[1]", printed(Tensor::of<float>({1}, {value}))).data<float>()[0], value);
  }
  EXPECT_TRUE(std::isnan(constant_of("f32[1]", printed(Tensor::of<float>({1}, {NAN}))).data<float>()[0]));
  EXPECT_EQ(constant_of("u64[1]", "[18446744073709551615]").data<uint64_t>()[0], std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(constant_of("f64[1]", printed(Tensor::of<double>({1}, {1.0 / 3}))).data<double>()[0], 1.0 / 3);
  EXPECT_EQ(convert(constant_of("f16[1]", "[0x3c00]"), DType::f32).data<float>()[0], 1.0f);
  EXPECT_TRUE(constant_of("bool[12]", "fill(true)").data<bool>()[11]);
}

TEST(Text, UniformConstants) {
  const Tensor tensor = constant_of("f32[5]", "uniform(weights, 0.5)");
  for (uint64_t i = 0; i < 5; ++i) EXPECT_EQ(tensor.data<float>()[i], 0.5f * random_uniform(stream_seed("weights"), i));
  const Tensor integers = constant_of("i64[100]", "uniform(n, 3)"), bytes = constant_of("u8[100]", "uniform(n, 3)");
  for (size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(integers.data<int64_t>()[i], static_cast<int64_t>(3 * random_uniform(stream_seed("n"), i)));
    EXPECT_EQ(bytes.data<uint8_t>()[i], std::abs(integers.data<int64_t>()[i]));
  }
}

TEST(Text, CommentsAndDefaults) {
  const Graph graph = parse_graph("# a comment\n\ngraph g\r\ninput %x: f32[2]\n  # another\n%y = Unary(%x)\noutput %y", infer);
  EXPECT_EQ(graph.nodes[0].get<UnaryParams>(), UnaryParams{});
  EXPECT_EQ(graph.type(graph.outputs[0]), (TensorType{DType::f32, {2}}));
}

struct BadText {
  const char* name;
  const char* text;
  const char* message;  // how it begins
};
void PrintTo(const BadText& each, std::ostream* stream) { *stream << each.name; }

class WrongText : public testing::TestWithParam<BadText> {};

TEST_P(WrongText, IsRefusedWithItsLine) {
  try {
    parse_graph(GetParam().text, infer);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_TRUE(error.message().starts_with(GetParam().message)) << error.message();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Texts, WrongText,
    testing::Values(BadText{"empty", "", "the text of a graph is empty"}, BadText{"comments_only", "# nothing\n", "the text of a graph is empty"},
                    BadText{"no_graph", "input %x: f32[1]", "line 1: a text begins with 'graph NAME', not with 'input'"},
                    BadText{"node_first", "%x = Identity(%x)", "line 1: graph, input"}, BadText{"two_graphs", "graph a\ngraph b", "line 2: 'graph' may only"},
                    BadText{"keyword", "graph a\nimput %x: f32[1]", "line 2: 'imput' is none of"}, BadText{"no_percent", "graph a\ninput x: f32[1]", "line 2: '%' is expected before 'x: f32[1]'"},
                    BadText{"dtype", "graph a\ninput %x: f31[1]", "line 2: 'f31' is no dtype"}, BadText{"shape", "graph a\ninput %x: f32[1,]", "line 2: a number"},
                    BadText{"open_shape", "graph a\ninput %x: f32[1", "line 2: ']' is expected"}, BadText{"negative_size", "graph a\ninput %x: f32[-1]", "line 2: shape [-1] has a negative size"},
                    BadText{"huge_size", "graph a\ninput %x: f32[99999999999999999999]", "line 2: a number that fits"},
                    BadText{"huge_product", "graph a\ninput %x: f32[4611686018427387904,4]", "line 2: shape"}, BadText{"twice", "graph a\ninput %x: f32[1]\ninput %x: f32[1]", "line 3: %x is defined a second time"},
                    BadText{"unknown_value", "graph a\noutput %x", "line 2: %x is not defined above"},
                    BadText{"own_output", "graph a\n%x = Identity(%x) : f32[1]", "line 2: %x is not defined above"},
                    BadText{"operator_unknown", "graph a\ninput %x: f32[1]\n%y = Konv(%x)", "line 3: there is no operator 'Konv'"},
                    BadText{"parameter_unknown", "graph a\ninput %x: f32[1]\n%y = Softmax(%x) axes=1", "line 3: Softmax has no parameter 'axes'"},
                    BadText{"parameter_type", "graph a\ninput %x: f32[1]\n%y = Softmax(%x) axis=one", "line 3: a number that fits"},
                    BadText{"parameter_boolean", "graph a\ninput %x: f32[1]\n%y = Reduce(%x) keepdims=1", "line 3: '1' is neither true nor false"},
                    BadText{"parameter_enum", "graph a\ninput %x: f32[1]\n%y = Unary(%x) function=rely", "line 3: there is no function 'rely'"},
                    BadText{"left_over", "graph a\ninput %x: f32[1] x", "line 2: 'x' is left over"},
                    BadText{"inference", "graph a\ninput %x: f32[1]\n%y = Softmax(%x) axis=3", "line 3: Softmax: axis 3"},
                    BadText{"output_count", "graph a\ninput %x: f32[1]\n%y, %z = Identity(%x)", "line 3: 2 outputs have 1 types"},
                    BadText{"bare_input", "graph a\ninput %x: f32[1]\n%y = Identity(x)", "line 3: an input is written %name"},
                    BadText{"too_few_elements", "graph a\nconst %x: f32[2] = [1]", "line 2: ',' is expected"},
                    BadText{"too_many_elements", "graph a\nconst %x: f32[2] = [1, 2, 3]", "line 2: ']' is expected"},
                    BadText{"element_range", "graph a\nconst %x: i8[1] = [128]", "line 2: a number that fits"},
                    BadText{"element_kind", "graph a\nconst %x: f32[1] = zeros(1)", "line 2: 'zeros' is none of"},
                    BadText{"no_elements", "graph a\nconst %x: f32[1]", "line 2: '=' is expected"}, BadText{"open_quote", "graph \"a", "line 1: a quoted name does not end"},
                    BadText{"escape", "graph \"\\n\"", "line 1: only"}, BadText{"uniform_range", "graph a\nconst %x: i8[1] = uniform(x, 200)", "line 2: uniform(x, 200) is beyond i8"},
                    BadText{"uniform_half", "graph a\nconst %x: f16[1] = uniform(x)", "line 2: uniform(x) cannot fill f16[1]"}),
    [](const auto& each) { return each.param.name; });

TEST(Text, TypesAreNeededWithoutInference) {
  try {
    parse_graph("graph g\ninput %x: f32[2]\n%y = Unary(%x)");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_TRUE(error.message().starts_with("line 3: the types of the outputs are missing")) << error.message();
  }
}

}  // namespace
}  // namespace ropeway
