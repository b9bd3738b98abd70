// Files that PyTorch wrote (tools/golden_pt2.py) give PyTorch's numbers, and every node knows its module.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "formats/pt2/modules.h"
#include "ops/operator.h"
#include "pt2_archive.h"
#include "support/near.h"

namespace ropeway::pt2_test {
namespace {

using Names = std::vector<std::string>;

class GoldenPt2 : public ::testing::TestWithParam<const char*> {};

TEST_P(GoldenPt2, GivesPyTorchsNumbers) {
  const std::string file = GetParam(), model = file.substr(0, file.find('.'));
  const Graph graph = read_golden(file + ".pt2");
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.inputs) inputs.push_back(read_npy(golden(fmt::format("{}.{}.npy", model, graph.value(id).name))));
  const std::vector<Tensor> outputs = evaluate(graph, inputs);
  EXPECT_EQ(outputs.size(), model == "mixed" ? 3u : model == "structure" ? 5u : model == "writes" ? 6u : 1u);
  for (size_t i = 0; i < outputs.size(); ++i) test::expect_near(outputs[i], read_npy(golden(fmt::format("{}.y{}.npy", model, i))));
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenPt2,
                         ::testing::Values("lenet.training", "lenet.functional", "lenet.core", "alexnet.training", "alexnet.functional", "alexnet.core", "resnet.training", "resnet.functional",
                                           "resnet.core", "mobilenet.training", "mobilenet.functional", "mobilenet.core", "vit.training", "vit.functional", "vit.core", "vit.dynamic",
                                           "mixed.training", "mixed.functional", "mixed.core", "structure.training", "structure.core", "writes.training", "writes.core"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

// "path op" of every node.
Names modules_of(const Graph& graph) {
  Names result;
  for (const Node& node : graph.nodes) {
    EXPECT_FALSE(node.origin.node.empty());
    EXPECT_FALSE(node.origin.modules.empty()) << node.origin.node;
    result.push_back(node.origin.module_path() + " " + name(node.op));
  }
  return result;
}

TEST(Pt2Modules, EveryNodeKnowsItsOwn) {
  const Names stem = {"conv1 Conv", "bn1 BatchNormalization", "relu Unary", "maxpool MaxPool"};
  const Names block = {"layer1.0.conv1 Conv", "layer1.0.bn1 BatchNormalization", "layer1.0.relu Unary", "layer1.0.conv2 Conv", "layer1.0.bn2 BatchNormalization", "layer1.0 Binary", "layer1.0.relu Unary"};
  for (const char* file : {"resnet.training.pt2", "resnet.functional.pt2", "resnet.core.pt2"}) {
    const Names modules = modules_of(read_golden(file));
    ASSERT_GT(modules.size(), 12u);
    EXPECT_EQ(Names(modules.begin(), modules.begin() + 4), stem);
    EXPECT_EQ(Names(modules.begin() + 4, modules.begin() + 11), block);
    EXPECT_EQ(modules.back(), "fc Gemm");
  }
}

TEST(Pt2Modules, StacksAreReadFromOutermostToInnermost) {
  const std::string text = "L__self__,,models.Net;L__self__layer1,layer1,torch.nn.modules.container.Sequential;L__self__layer1.0.relu@1,layer1.0.relu,torch.nn.modules.activation.ReLU";
  EXPECT_EQ(pt2::parse_module_stack(text), (std::vector<ModuleFrame>{{"", "Net"}, {"layer1", "Sequential"}, {"layer1.0.relu", "ReLU"}}));
  EXPECT_EQ(pt2::parse_module_stack("L__self__,,Net;k,layers.slice(0, 2, None),torch.nn.Sequential"), (std::vector<ModuleFrame>{{"", "Net"}, {"layers.slice(0, 2, None)", "Sequential"}}));
  for (const char* none : {"", "_empty_nn_module_stack_from_metadata_hook,_empty_nn_module_stack_from_metadata_hook,_empty_nn_module_stack_from_metadata_hook", "a,b", "a,b,c,d"}) {
    EXPECT_TRUE(pt2::parse_module_stack(none).empty()) << none;
  }
}

TEST(Pt2Graph, NamesInputsAndOutputsAsTheModelDoes) {
  const Graph graph = read_golden("structure.training.pt2");
  Names inputs, outputs;
  for (const ValueId id : graph.inputs) inputs.push_back(graph.value(id).name);
  for (const ValueId id : graph.outputs) outputs.push_back(graph.value(id).name);
  EXPECT_EQ(inputs, (Names{"x", "y"}));
  EXPECT_EQ(outputs, (Names{"logits", "aux.0", "aux.1", "aux.2", "mask"}));
  const Graph lenet = read_golden("lenet.training.pt2");
  EXPECT_EQ(lenet.value(lenet.outputs[0]).name, "log_softmax");
}

TEST(Pt2Graph, SharedWeightsShareMemory) {
  const Graph graph = read_golden("structure.training.pt2");
  std::vector<const std::byte*> weights;
  for (const Node& node : graph.nodes) {
    if (node.op == Op::Gemm) weights.push_back(graph.value(node.inputs[1]).constant->raw());
  }
  ASSERT_EQ(weights.size(), 2u);
  EXPECT_EQ(weights[0], weights[1]);
}

TEST(Pt2Graph, LoadsWhatWasSavedOnCuda) {
  Entries entries = entries_of("lenet.training.pt2");
  for (const char* name : {"models/model.json", "data/weights/model_weights_config.json"}) {
    std::string& text = entries.at(name);
    const std::string cpu = "\"cpu\"", cuda = "\"cuda\"";
    size_t found = 0;
    for (size_t at = text.find(cpu); at != std::string::npos; at = text.find(cpu, at)) text.replace(at, cpu.size(), cuda), ++found;
    EXPECT_GT(found, 0u);
  }
  const Graph graph = read_bytes(packed(entries));
  test::expect_near(evaluate(graph, {read_npy(golden("lenet.x.npy"))})[0], read_npy(golden("lenet.y0.npy")));
}

TEST(Pt2Graph, AnyRootFolderWillDo) {
  const Entries entries = entries_of("lenet.training.pt2");
  for (const char* root : {"archive/", "lenet/", "a.b/"}) EXPECT_EQ(read_bytes(packed(entries, root)).inputs.size(), 1u) << root;
}

TEST(Pt2Graph, NewerMinorSchemasAndUnknownFieldsAreRead) {
  const auto edit = [](Json& json) {
    json["schema_version"]["minor"] = 99;
    json["from_the_future"] = 1;
    json["graph_module"]["graph"]["nodes"][0]["hint"] = "x";
  };
  EXPECT_EQ(read_bytes(packed(edited("lenet.training.pt2", edit))).outputs.size(), 1u);
}

TEST(Pt2Shapes, OpenSizesComeFromTheCallerOrTheExample) {
  Graph graph = read_golden("vit.dynamic.pt2");
  EXPECT_EQ(graph.type(graph.outputs[0]).shape, (Shape{2, 10}));  // as it was exported
  ReadOptions options;
  options.batch = 5;
  graph = read_golden("vit.dynamic.pt2", options);
  EXPECT_EQ(graph.type(graph.outputs[0]).shape, (Shape{5, 10}));
  options = {};
  options.input_shapes["y"] = {7, 4};
  graph = read_golden("structure.training.pt2", options);
  EXPECT_EQ(graph.type(graph.inputs[0]).shape, (Shape{7, 4}));
  EXPECT_EQ(graph.type(graph.outputs[0]).shape, (Shape{14, 2}));
}

TEST(Pt2Shapes, WhatTheFileFixesCannotBeChosen) {
  const auto expect = [](const std::string& file, const ReadOptions& options, const std::string& part) { test::expect_error([&] { read_golden(file, options); }, ErrorCode::invalid_argument, part); };
  ReadOptions options;
  options.batch = 3;
  expect("resnet.training.pt2", options, "the file fixes dimension 0 of input x to 2, but 3 is asked for. Export with dynamic_shapes");
  options.batch = 17;
  expect("vit.dynamic.pt2", options, "exported for at most 16 where 17 is asked for (dimension 0 of input x)");
  options.batch = 1;
  expect("structure.training.pt2", options, "exported for at least 2 where 1 is asked for (dimension 0 of input x)");
  options = {};
  options.input_shapes = {{"x", {3, 4}}, {"y", {4, 4}}};
  expect("structure.training.pt2", options, "dimension 0 of input y must be 3, as other inputs have it, but 4 is asked for");
  options.input_shapes = {{"x", {3, 4, 1}}};
  expect("structure.training.pt2", options, "input x has 2 dimensions, but the shape given for it, [3,4,1], has 3");
  options.input_shapes = {{"image", {3, 4}}};
  expect("structure.training.pt2", options, "the model's inputs are x and y");
}

}  // namespace
}  // namespace ropeway::pt2_test
