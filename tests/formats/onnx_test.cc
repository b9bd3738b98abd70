// Files that PyTorch wrote (tools/golden_onnx.py) give PyTorch's numbers, and every node knows its module.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "formats/npy.h"
#include "formats/onnx/modules.h"
#include "onnx_writer.h"
#include "ops/operator.h"
#include "support/near.h"

namespace ropeway::onnx_test {
namespace {

std::filesystem::path golden(const std::string& name) { return std::filesystem::path(ROPEWAY_TEST_DATA) / "golden/onnx" / name; }

Graph read_golden(const std::string& name, const ReadOptions& options = {}) {
  const File file(golden(name));
  EXPECT_TRUE(recognises_onnx(file)) << name;
  Graph graph = read_onnx(file, options);
  verify(graph);
  return graph;
}

class GoldenOnnx : public ::testing::TestWithParam<const char*> {};

TEST_P(GoldenOnnx, GivesPyTorchsNumbers) {
  const std::string file = GetParam(), model = file.substr(0, file.find('.'));
  ReadOptions options;
  options.batch = model == "alexnet" ? 1 : 2;
  const Graph graph = read_golden(file, options);
  ASSERT_EQ(graph.inputs.size(), 1u);
  const std::vector<Tensor> outputs = evaluate(graph, {read_npy(golden(model + ".x.npy"))});
  ASSERT_EQ(outputs.size(), model == "mixed" ? 3u : 1u);
  for (size_t i = 0; i < outputs.size(); ++i) test::expect_near(outputs[i], read_npy(golden(fmt::format("{}.y{}.npy", model, i))));
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenOnnx,
                         ::testing::Values("lenet.d20.onnx", "lenet.legacy13.onnx", "lenet.legacy11.onnx", "alexnet.d20.onnx", "resnet.d18.onnx", "resnet.d20.onnx", "resnet.plain.onnx",
                                           "resnet.legacy17.onnx", "resnet.dynamic.onnx", "mobilenet.d20.onnx", "mobilenet.legacy13.onnx", "vit.d23.onnx", "vit.dynamic.onnx",
                                           "vit.legacy_dynamic.onnx", "mixed.d18.onnx", "mixed.plain.onnx", "mixed.legacy17.onnx"),
                         [](const auto& test) {
                           std::string name = test.param;
                           name.resize(name.size() - 5);
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

// "path op" of every node that belongs to a module below the model itself.
Names modules_of(const Graph& graph) {
  Names result;
  for (const Node& node : graph.nodes) {
    EXPECT_FALSE(node.origin.node.empty());
    EXPECT_FALSE(node.origin.modules.empty()) << node.origin.node;
    if (!node.origin.module_path().empty()) result.push_back(node.origin.module_path() + " " + name(node.op));
  }
  return result;
}

const Names kResNetModules = {"conv1 Conv",          "relu Unary",           "maxpool MaxPool",     "layer1.0.conv1 Conv", "layer1.0.relu Unary", "layer1.0.conv2 Conv",
                              "layer1.0 Binary",     "layer1.0.relu Unary",  "layer1.1.downsample.0 Conv", "layer1.1.conv1 Conv", "layer1.1.relu Unary", "layer1.1.conv2 Conv",
                              "layer1.1 Binary",     "layer1.1.relu Unary"};

TEST(OnnxModules, ConvolutionsWithFoldedBatchNormKeepTheirOwnPath) {
  Names wanted = kResNetModules;
  wanted.insert(wanted.end(), {"avgpool Reduce", "fc Gemm"});
  EXPECT_EQ(modules_of(read_golden("resnet.d20.onnx")), wanted);
}

TEST(OnnxModules, NamesOfTheOldExporterTellThePathAndRepeatedCalls) {
  Names wanted = kResNetModules;
  wanted.insert(wanted.end(), {"avgpool AdaptiveAveragePool", "fc Gemm"});
  EXPECT_EQ(modules_of(read_golden("resnet.legacy17.onnx")), wanted);
}

TEST(OnnxModules, BatchNormThatStandsKeepsItsPath) {
  const Names modules = modules_of(read_golden("resnet.plain.onnx"));
  EXPECT_NE(std::find(modules.begin(), modules.end(), "layer1.1.downsample.1 BatchNormalization"), modules.end());
  EXPECT_NE(std::find(modules.begin(), modules.end(), "bn1 BatchNormalization"), modules.end());
}

// ln_1 and act_1 are names: only a suffix that counts calls is taken off.
TEST(OnnxModules, SuffixesOfNamesStay) {
  const Names modules = modules_of(read_golden("vit.legacy_dynamic.onnx"));
  EXPECT_NE(std::find(modules.begin(), modules.end(), "layers.0.ln_1 LayerNormalization"), modules.end());
  EXPECT_NE(std::find(modules.begin(), modules.end(), "layers.0.ln_2 LayerNormalization"), modules.end());
}

TEST(OnnxModules, AdaptivePoolingWithOverlappingWindowsBelongsToItsModule) {
  int nodes = 0;
  for (const Node& node : read_golden("alexnet.d20.onnx").nodes) nodes += node.origin.module_path() == "avgpool";
  EXPECT_GT(nodes, 5);
}

TEST(OnnxModules, FramesCarryClassesFromOutermostToInnermost) {
  const Graph graph = read_golden("resnet.d20.onnx");
  const auto node = std::find_if(graph.nodes.begin(), graph.nodes.end(), [](const Node& each) { return each.origin.module_path() == "layer1.0.relu"; });
  ASSERT_NE(node, graph.nodes.end());
  const std::vector<ModuleFrame> wanted = {{"", "ResNet"}, {"layer1", "Sequential"}, {"layer1.0", "Block"}, {"layer1.0.relu", "ReLU"}};
  EXPECT_EQ(node->origin.modules, wanted);
  EXPECT_EQ(node->origin.node, "node_relu_1");
}

TEST(OnnxModules, StringListsAsPythonPrintsThem) {
  EXPECT_EQ(onnx::parse_string_list("['', 'layer1', \"it's\"]"), (Names{"", "layer1", "it's"}));
  EXPECT_EQ(onnx::parse_string_list("['a\\'b']"), Names{"a'b"});
  EXPECT_EQ(onnx::parse_string_list("[]"), Names{});
  for (const char* wrong : {"", "layer1", "['a'", "['a", "['a\\", "[a]", "('a')"}) EXPECT_EQ(onnx::parse_string_list(wrong), Names{}) << wrong;
}

TEST(OnnxGraph, KeepsNamesOfInputsAndOutputs) {
  const Graph graph = read_golden("mixed.d18.onnx");
  EXPECT_EQ(graph.name, "mixed.d18");
  EXPECT_EQ(graph.value(graph.inputs[0]).name, "x");
  EXPECT_EQ(graph.outputs.size(), 3u);
  const Graph split = read(model({{node("Split", {"x"}, {"left", "right"}, {integer("num_outputs", 2)})}, {}, {value_info("x", {{"4"}})}, {"right", "left"}}));
  EXPECT_EQ(split.value(split.outputs[0]).name, "right");
  EXPECT_EQ(split.value(split.outputs[1]).name, "left");
}

TEST(OnnxGraph, WeightsAmongTheInputsAreConstants) {
  const Graph graph = read(model({{node("Add", {"x", "w"}, {"y"})}, {floats("w", {2}, {1, 2})}, {value_info("x", {{"2"}}), value_info("w", {{"2"}})}, {"y"}}));
  ASSERT_EQ(graph.inputs.size(), 1u);
  EXPECT_EQ(evaluate(graph, {Tensor::of<float>({2}, {10, 20})})[0].data<float>()[1], 22);
}

// Symbolic dimensions.
const std::string kDynamic = model({{node("Concat", {"x", "y"}, {"z"}, {integer("axis", 1)})}, {}, {value_info("x", {{"N", "3", ""}}), value_info("y", {{"N", "H", "4"}})}, {"z"}});

TEST(OnnxShapes, SymbolsAreBoundFromBatchShapesAndEachOther) {
  ReadOptions options;
  options.input_shapes["x"] = {5, 3, 4};
  Graph graph = read(kDynamic, options);
  EXPECT_EQ(graph.type(graph.inputs[1]).shape, (Shape{5, 1, 4}));
  EXPECT_EQ(graph.type(graph.outputs[0]).shape, (Shape{5, 4, 4}));
  options = {};
  options.batch = 7;
  options.input_shapes["y"] = {7, 2, 4};
  options.input_shapes["x"] = {7, 3, 4};
  graph = read(kDynamic, options);
  EXPECT_EQ(graph.type(graph.outputs[0]).shape, (Shape{7, 5, 4}));
  const Graph vit = read_golden("vit.dynamic.onnx");
  EXPECT_EQ(vit.type(vit.outputs[0]).shape, (Shape{1, 10}));
}

TEST(OnnxShapes, WhatTheFileFixesCannotBeChosen) {
  ReadOptions options;
  options.batch = 3;
  expect_error([&] { read_golden("resnet.d20.onnx", options); }, ErrorCode::invalid_argument, "the file fixes dimension 0 of input x to 2, but 3 is asked for");
  options = {};
  options.input_shapes["x"] = {1, 4, 4};
  expect_read_error(kDynamic, ErrorCode::invalid_argument, "fixes dimension 1 of input x to 3", options);
  options.input_shapes["x"] = {1, 3};
  expect_read_error(kDynamic, ErrorCode::invalid_argument, "has 3 dimensions", options);
  options.input_shapes = {{"image", {1, 3, 4}}};
  expect_read_error(kDynamic, ErrorCode::invalid_argument, "the model's inputs are x and y", options);
  options.input_shapes = {{"x", {2, 3, 4}}, {"y", {3, 1, 4}}};
  expect_read_error(kDynamic, ErrorCode::invalid_argument, "the file's 'N', which is 2 elsewhere", options);
  options.input_shapes = {{"x", {2, 3, 0}}};
  expect_read_error(kDynamic, ErrorCode::invalid_argument, "must be at least 1", options);
  options.input_shapes = {{"x", {2, 3, 4}}};
  options.batch = 4;
  expect_read_error(kDynamic, ErrorCode::invalid_argument, "contradicts the batch of 4", options);
}

TEST(OnnxShapes, ShapesThatDoNotFitNameTheAssumedDimensions) {
  expect_read_error(kDynamic, ErrorCode::invalid_argument, "symbolic dimensions taken as 1, because nothing settles them: N of x, dimension 2 of x, N of y and H of y");
  ReadOptions options;
  options.input_shapes = {{"x", {2, 3, 9}}};
  expect_read_error(kDynamic, ErrorCode::invalid_argument, "while importing Concat node Concat_0 of model.onnx", options);
}

TEST(OnnxShapes, InputsWithoutAnyShapeNeedOne) {
  const std::string bytes = model({{node("Relu", {"x"}, {"y"})}, {}, {value_info("x", std::nullopt)}, {"y"}});
  expect_read_error(bytes, ErrorCode::invalid_argument, "how many dimensions input x has: give its shape");
  ReadOptions options;
  options.input_shapes["x"] = {2, 3};
  const Graph graph = read(bytes, options);
  EXPECT_EQ(graph.type(graph.outputs[0]).shape, (Shape{2, 3}));
}

}  // namespace
}  // namespace ropeway::onnx_test
