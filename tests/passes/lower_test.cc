// The way to ONNX opset 17 changes no number: every case of every operator, lowered, and then written and read again.
#include "passes/lower.h"

#include <set>

#include "formats/onnx/onnx.h"
#include "formats/onnx/writer.h"
#include "support/cases.h"
#include "support/errors.h"

namespace ropeway {
namespace {

double tolerance(const Tensor& tensor) { return tensor.dtype() == DType::f64 ? 1e-13 : 2e-6; }

void expect_equal(const Graph& graph, const test::Case& each) {
  const std::vector<Tensor> outputs = evaluate(graph, each.inputs);
  ASSERT_EQ(outputs.size(), each.expected.size());
  for (size_t i = 0; i < outputs.size(); ++i) EXPECT_TRUE(test::close_to(outputs[i], each.expected[i], tolerance(outputs[i]))) << to_text(graph);
}

class Lower : public testing::TestWithParam<test::Case> {};

TEST_P(Lower, KeepsTheNumbers) { expect_equal(lower_to_onnx17(GetParam().graph), GetParam()); }

TEST_P(Lower, AndSoDoesTheFile) {
  const test::Case& each = GetParam();
  if (each.file == "MaxPoolIndices") {  // left to the CPU
    test::expect_error([&] { write_onnx(lower_to_onnx17(each.graph)); }, ErrorCode::unsupported, "the indices of a MaxPool are left to the CPU");
    return;
  }
  const Graph read = read_onnx(write_onnx(lower_to_onnx17(each.graph)), "written.onnx", {});
  ASSERT_EQ(read.inputs.size(), each.graph.inputs.size());
  for (size_t i = 0; i < read.inputs.size(); ++i) EXPECT_EQ(read.value(read.inputs[i]).name, each.graph.value(each.graph.inputs[i]).name);
  for (size_t i = 0; i < read.outputs.size(); ++i) EXPECT_EQ(read.value(read.outputs[i]).name, each.graph.value(each.graph.outputs[i]).name);
  expect_equal(read, each);
}

INSTANTIATE_TEST_SUITE_P(Cases, Lower, testing::ValuesIn(test::all_cases()), [](const auto& each) { return each.param.name(); });

// PyTorch has no mask together with is_causal; ONNX models do.
TEST(LowerAttention, MaskAndCausalTogetherMayHideEverything) {
  const Graph graph = parse_graph(
      "graph hidden\n"
      "input %q: f32[2,3,4]\n"
      "input %k: f32[2,3,4]\n"
      "input %v: f32[2,3,4]\n"
      "const %mask: f32[3,3] = [-inf, 1, 1, 0.5, -inf, 0, 0, -1, 0.25]\n"
      "%y = ScaledDotProductAttention(%q, %k, %v, %mask) scale=0.5 is_causal=true\n"
      "output %y\n",
      infer);
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.inputs) inputs.push_back(test::case_input(graph.value(id)));
  const Tensor expected = evaluate(graph, inputs)[0];
  EXPECT_EQ(expected.data<float>()[0], 0);
  EXPECT_TRUE(test::close_to(evaluate(lower_to_onnx17(graph), inputs)[0], expected, 2e-6));
}

// A constant mask that leaves every query something needs no more than the sum.
TEST(LowerAttention, MaskThatHidesNoWholeRowIsAdded) {
  const Graph graph = parse_graph(
      "graph added\n"
      "input %q: f32[2,4]\n"
      "const %mask: f32[2,2] = [0, -inf, -inf, 0]\n"
      "%y = ScaledDotProductAttention(%q, %q, %q, %mask) scale=0.5\n"
      "output %y\n",
      infer);
  for (const Node& node : lower_to_onnx17(graph).nodes) EXPECT_NE(node.op, Op::Where);
}

// attention with a name: what follows from a node keeps its origin, and every node of the file has a name of its own.
TEST(Writer, KeepsNames) {
  const Graph graph = parse_graph(
      "graph named\n"
      "input %x: f32[1,2,4,4]\n"
      "%a = Unary(%x) function=gelu : f32[1,2,4,4] @ features.0 (gelu)\n"
      "%b = Unary(%a) function=relu : f32[1,2,4,4] @ features.1 (relu)\n"
      "output %b\n",
      infer);
  const Graph read = read_onnx(write_onnx(lower_to_onnx17(graph)), "x.onnx", {});
  std::set<std::string> names;
  for (const Node& node : read.nodes) {
    EXPECT_TRUE(node.origin.node.starts_with("features.0/gelu") || node.origin.node == "features.1/relu") << node.origin.node;
    EXPECT_TRUE(names.insert(node.origin.node).second) << node.origin.node;
  }
  EXPECT_EQ(names.size(), 6u);
}

TEST(Writer, DeliversInputsConstantsAndDoubles) {
  Graph graph;
  graph.name = "handed_through";
  const ValueId x = graph.add_value("x", {DType::f32, {2}});
  const ValueId c = graph.add_constant("c", Tensor::of<float>({2}, {1, 2}));
  const ValueId y = graph.add_value("y", {DType::f32, {2}});
  graph.nodes.push_back({Op::Unary, UnaryParams{}, {x}, {y}, {}});
  graph.inputs = {x};
  graph.outputs = {x, c, y, y};
  const Graph read = read_onnx(write_onnx(graph), "x.onnx", {});
  const std::vector<Tensor> outputs = evaluate(read, {Tensor::of<float>({2}, {-1, 3})});
  ASSERT_EQ(outputs.size(), 4u);
  EXPECT_EQ(outputs[0].data<float>()[0], -1);
  EXPECT_EQ(outputs[1].data<float>()[1], 2);
  EXPECT_EQ(outputs[2].data<float>()[0], 0);
  EXPECT_EQ(outputs[3].data<float>()[1], 3);
}

TEST(Writer, RefusesWhatOpset17CannotSay) {
  const auto refuses = [](const std::string& line, const std::string& part) {
    const Graph graph = parse_graph("graph g\ninput %x: f32[1,2,4,4]\n%y = " + line + " : f32[1,2,4,4] @ features.3 (node)\noutput %y\n", infer);
    test::expect_error([&] { write_onnx(lower_to_onnx17(graph)); }, ErrorCode::unsupported, part);
    test::expect_error([&] { write_onnx(lower_to_onnx17(graph)); }, ErrorCode::unsupported, "features.3 (node)");
  };
  refuses("Dropout(%x) ratio=0.5 training_mode=true", "dropout in training mode");
  refuses("AveragePool(%x) kernel_shape=[2,2] strides=[1,1] pads=[1,1,1,1] dilations=[2,2]", "average pools have dilations since opset 19");
}

TEST(Writer, RefusesWhatNoFileHolds) {
  Graph graph;
  graph.name = "huge";
  graph.inputs = {graph.add_value("x", {DType::f32, {1}})};
  const Tensor block({DType::u8, {700'000'000}});  // zeroed by the system when it is touched, which it is not
  for (int i = 0; i < 4; ++i) graph.outputs.push_back(graph.add_constant("c", block));
  test::expect_error([&] { write_onnx(graph); }, ErrorCode::unsupported, "an ONNX file holds less than 2 GB");
}

}  // namespace
}  // namespace ropeway
