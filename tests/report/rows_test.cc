// Steps gathered into rows, on graphs and steps made by hand.
#include "report/rows.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "ir/text.h"
#include "ops/operator.h"

namespace ropeway {
namespace {

using Strings = std::vector<std::string>;

// Scaling, then two convolutions with what follows them, then a classifier; block.b and block.a take turns.
Graph network() {
  return parse_graph(
      "graph net\n"
      "input %x: f32[1,2,4,4]\n"
      "const %k: f32[] = [2]\nconst %w: f32[2,2,1,1] = fill(1)\nconst %f: f32[32,3] = fill(1)\nconst %c: f32[3] = fill(1)\n"
      "%0 = Binary(%x, %k) function=mul @ (scale)\n"
      "%1 = Conv(%0, %w) strides=[1,1] pads=[0,0,0,0] dilations=[1,1] group=1 @ block.a.conv (n1)\n"
      "%2 = Unary(%1) function=relu @ block.a.act (n2)\n"
      "%3 = Conv(%2, %w) strides=[1,1] pads=[0,0,0,0] dilations=[1,1] group=1 @ block.b.conv (n3)\n"
      "%4 = Binary(%3, %1) function=add @ block.a (n4)\n"
      "%5 = Reshape(%4) shape=[1,32] @ (view)\n"
      "%6 = MatMul(%5, %f) @ head (n6)\n"
      "%7 = Binary(%6, %c) function=add @ head (n7)\n"
      "output %7\n",
      infer);
}
// Node 2 is fused into 1 and 7 into 6; the reshape needs no step, but a change of layout is made for it, another for the classifier.
const std::vector<ModelStep> kSteps = {{{0}, -1, "multiply", "", 1, 10}, {{1, 2}, -1, "conv", "", 2, 20},   {{3}, -1, "conv", "", 4, 40}, {{4}, -1, "add", "", 8, 80},
                                       {{}, 5, "to_plain", "", 0, 160},  {{}, 6, "pack", "", 0, 320}, {{6, 7}, -1, "gemm", "", 16, 640}};

Strings paths(const std::vector<Row>& rows) {
  Strings result;
  for (const Row& row : rows) result.push_back(row.path);
  return result;
}
Strings descriptions(const std::vector<Row>& rows) {
  Strings result;
  for (const Row& row : rows) result.push_back(row.description);
  return result;
}
std::vector<std::vector<int>> steps(const std::vector<Row>& rows) {
  std::vector<std::vector<int>> result;
  for (const Row& row : rows) result.push_back(row.steps);
  return result;
}
using Steps = std::vector<std::vector<int>>;

TEST(Rows, ByLayer) {
  const std::vector<Row> rows = make_rows(network(), kSteps, RowGrouping::layer);
  EXPECT_EQ(paths(rows), (Strings{"block.a.conv", "block.b.conv", "head"}));
  EXPECT_EQ(descriptions(rows), (Strings{"Conv2d(2, 2, kernel_size=(1, 1), stride=(1, 1), bias=False)", "Conv2d(2, 2, kernel_size=(1, 1), stride=(1, 1), bias=False)",
                                         "Linear(in_features=32, out_features=3, bias=True)"}));
  // The scaling goes with the first layer; a change of layout with the layer that needs it, or, for a node without a step, with the layer before.
  EXPECT_EQ(steps(rows), (Steps{{0, 1}, {2, 3, 4}, {5, 6}}));
  EXPECT_EQ(rows[1].flops, 4 + 8);
  EXPECT_EQ(rows[1].bytes, 40 + 80 + 160);
}

TEST(Rows, ByModule) {
  const Graph graph = network();
  const std::vector<Row> outer = make_rows(graph, kSteps, RowGrouping::module, 1);
  EXPECT_EQ(paths(outer), (Strings{"(model)", "block", "head"}));
  EXPECT_EQ(steps(outer), (Steps{{0, 4}, {1, 2, 3}, {5, 6}}));
  EXPECT_EQ(descriptions(outer), (Strings{"mul", "2 Conv2d, ReLU, add", "Linear"}));
  EXPECT_EQ(outer[1].flops, 2 + 4 + 8);
  // A module whose operators run apart has one row, at the place of its first step.
  const std::vector<Row> inner = make_rows(graph, kSteps, RowGrouping::module, 2);
  EXPECT_EQ(paths(inner), (Strings{"(model)", "block.a", "block.b", "head"}));
  EXPECT_EQ(steps(inner), (Steps{{0, 4}, {1, 3}, {2}, {5, 6}}));
  // Without a depth as deep as can be.
  const std::vector<Row> deepest = make_rows(graph, kSteps, RowGrouping::module);
  EXPECT_EQ(paths(deepest), (Strings{"(model)", "block.a.conv", "block.b.conv", "block.a", "head"}));
}

TEST(Rows, ModulesAreDescribedByTheirClass) {
  Graph graph = network();
  graph.nodes[1].origin.modules = {{"", "Net"}, {"block", "Block"}, {"block.a", "Branch"}, {"block.a.conv", "Conv2d"}};
  graph.nodes[2].origin.modules = {{"", "Net"}, {"block", "Block"}, {"block.a", "Branch"}, {"block.a.act", "ReLU"}};
  graph.nodes[3].origin.modules = {{"", "Net"}, {"block", "Block"}, {"block.b", "Branch(2, stride=1)"}, {"block.b.conv", "Conv2d"}};
  EXPECT_EQ(descriptions(make_rows(graph, kSteps, RowGrouping::module, 1))[1], "Block(2 Conv2d, ReLU, add)");
  EXPECT_EQ(descriptions(make_rows(graph, kSteps, RowGrouping::module, 2))[2], "Branch(2, stride=1)");  // a class name with parameters says it all
  EXPECT_EQ(descriptions(make_rows(graph, kSteps, RowGrouping::module, 3))[1], "Conv2d(2, 2, kernel_size=(1, 1), stride=(1, 1), bias=False) + ReLU");
}

TEST(Rows, ByOperator) {
  const std::vector<Row> rows = make_rows(network(), kSteps, RowGrouping::op);
  EXPECT_EQ(paths(rows), (Strings{"scale", "block.a.conv", "block.b.conv", "block.a", "view", "head", "head"}));
  EXPECT_EQ(descriptions(rows), (Strings{"mul", "Conv2d(2, 2, kernel_size=(1, 1), stride=(1, 1), bias=False) + ReLU", "Conv2d(2, 2, kernel_size=(1, 1), stride=(1, 1), bias=False)", "add",
                                         "change of layout (to_plain)", "change of layout (pack)", "Linear(in_features=32, out_features=3, bias=True)"}));
}

TEST(Rows, LabelsComeFirst) {
  const Graph read = parse_graph(
      "graph g\ninput %x: f32[1,2,4,4]\nconst %w: f32[5,2,2,2] = fill(1)\n"
      "%1 = Conv(%x, %w) strides=[1,1] pads=[0,0,0,0] dilations=[1,1] group=1 @ block.a.conv (n1)\noutput %1\n", infer);
  EXPECT_EQ(make_rows(network(), kSteps, RowGrouping::layer, 0, Labels(read))[0].description, "Conv2d(2, 5, kernel_size=(2, 2), stride=(1, 1), bias=False)");
}

TEST(Rows, WithoutWeightsOrSteps) {
  const Graph graph = parse_graph("graph g\ninput %x: f32[4]\n%a = Unary(%x) function=relu\n%b = Unary(%a) function=exp\n%c = Unary(%b) function=relu\noutput %c\n", infer);
  const std::vector<ModelStep> three = {{{0}, -1, "", "", 0, 0}, {{1}, -1, "", "", 0, 0}, {{2}, -1, "", "", 0, 0}};
  const std::vector<Row> rows = make_rows(graph, three, RowGrouping::layer);
  EXPECT_EQ(paths(rows), (Strings{"(model)"}));
  EXPECT_EQ(descriptions(rows), (Strings{"2 ReLU, exp"}));
  for (const RowGrouping grouping : {RowGrouping::automatic, RowGrouping::layer, RowGrouping::module, RowGrouping::op}) EXPECT_TRUE(make_rows(graph, {}, grouping).empty());
}

// `count` layers one behind the other, called blocks.K.fc where `paths` is set; one step each.
std::vector<Row> automatic(int count, bool has_paths) {
  std::string text = "graph g\ninput %0: f32[1,2]\nconst %w: f32[2,2] = fill(1)\n";
  std::vector<ModelStep> each;
  for (int i = 0; i < count; ++i) {
    text += fmt::format("%{} = MatMul(%{}, %w) @ {}(n{})\n", i + 1, i, has_paths ? fmt::format("blocks.{}.fc ", i % 3) : "", i);
    each.push_back({{i}, -1, "", "", 0, 0});
  }
  return make_rows(parse_graph(text + fmt::format("output %{}\n", count), infer), each, RowGrouping::automatic);
}

TEST(Rows, AutomaticIsByLayerWhileThatCanBeRead) {
  EXPECT_EQ(automatic(kReadableRows, true).size(), static_cast<size_t>(kReadableRows));
  EXPECT_EQ(paths(automatic(kReadableRows + 1, true)), (Strings{"blocks.0.fc", "blocks.1.fc", "blocks.2.fc"}));
  EXPECT_EQ(automatic(kReadableRows + 1, false).size(), static_cast<size_t>(kReadableRows) + 1);  // there are no modules to go by
}

TEST(Rows, ModulesAreCutWhereThatCanBeRead) {
  std::string text = "graph g\ninput %0: f32[1,2]\nconst %w: f32[2,2] = fill(1)\n";
  std::vector<ModelStep> each;
  for (int i = 0; i < 30; ++i) {
    text += fmt::format("%{} = MatMul(%{}, %w) @ blocks.{}.{}.fc (n{})\n", i + 1, i, i / 5, i % 5, i);
    each.push_back({{i}, -1, "", "", 0, 0});
  }
  const Graph graph = parse_graph(text + "output %30\n", infer);
  EXPECT_EQ(paths(make_rows(graph, each, RowGrouping::module)), (Strings{"blocks.0", "blocks.1", "blocks.2", "blocks.3", "blocks.4", "blocks.5"}));
  EXPECT_EQ(make_rows(graph, each, RowGrouping::module, 3).size(), 30u);  // a depth that was asked for is kept
}

}  // namespace
}  // namespace ropeway
