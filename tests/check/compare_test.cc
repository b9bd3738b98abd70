// A device's values beside a reference's: which operator is named, and why.
#include "check/compare.h"

#include <gtest/gtest.h>

#include "ascend/split_model.h"
#include "base/random.h"
#include "check/within.h"
#include "formats/npy.h"
#include "formats/zip_writer.h"
#include "ops/builder.h"
#include "ops/operator.h"
#include "report/table.h"
#include "report/width.h"
#include "support/cases.h"
#include "support/environment.h"
#include "support/errors.h"

namespace ropeway {
namespace {

// A network in modules: each function adds a node in the module `path`.
class Network {
 public:
  explicit Network(Shape shape) : last_(builder_.input("x", {DType::f32, std::move(shape)})) {}
  ValueId last() const { return last_; }
  Network& linear(const std::string& path, int64_t width, float scale = 1) {
    Tensor weight({DType::f32, {builder_.shape(last_)[1], width}});
    fill_uniform(weight.data<float>(), stream_seed(path), scale);
    return add(Op::MatMul, NoParams{}, {last_, builder_.constant(path + ".weight", weight)}, path, "Linear");
  }
  Network& unary(const std::string& path, UnaryFunction function) { return add(Op::Unary, UnaryParams{function, 0, 0}, {last_}, path, "Function"); }
  Network& times(const std::string& path, float factor) { return add(Op::Binary, BinaryParams{BinaryFunction::mul}, {last_, builder_.constant(path + ".factor", Tensor::of<float>({1}, {factor}))}, path, "Scale"); }
  Network& times_itself(const std::string& path) { return add(Op::Binary, BinaryParams{BinaryFunction::mul}, {last_, last_}, path, "Square"); }
  Graph finish() {
    builder_.output(last_, "y");
    return builder_.finish();
  }

 private:
  Network& add(Op op, Params params, std::vector<ValueId> inputs, const std::string& path, const std::string& kind) {
    const std::string node = fmt::format("node_{}", ++nodes_);
    last_ = builder_.add1(op, std::move(params), std::move(inputs), "value_" + node, {node, {{"", "Network"}, {path.substr(0, path.find('.')), "Block"}, {path, kind}}});
    return *this;
  }
  GraphBuilder builder_{"network", "test"};
  ValueId last_;
  int nodes_ = 0;
};

Graph small_network(float scale = 1) {
  return Network({4, 8}).linear("block.up", 16, 0.5f).unary("block.relu", UnaryFunction::relu).linear("block.down", 8, scale).unary("act", UnaryFunction::tanh).linear("head", 3, 0.5f).finish();
}
Graph overflowing() {
  return Network({4, 8}).linear("up", 16, 0.5f).times("scale", 4000).times_itself("norm.square").unary("norm.root", UnaryFunction::sqrt).linear("head", 3, 0.5f).finish();
}
std::vector<Tensor> inputs_of(const Graph& graph) { return generated_inputs(describe(graph, graph.inputs)); }

CompareOptions on(const std::string& device) {
  CompareOptions options;
  options.session.device = device;
  return options;
}

// A .npz file with these arrays.
class Archive {
 public:
  explicit Archive(const std::vector<std::pair<std::string, Tensor>>& arrays) {
    std::vector<zip_test::Member> members;
    for (const auto& [name, tensor] : arrays) {
      write_npy(folder_ / "array.npy", tensor);
      members.push_back(zip_test::stored(name + ".npy", test::read_text(folder_ / "array.npy")));
    }
    write_file(folder_ / "out.npz", zip_test::archive(members));
  }
  NamedValues match(const Graph& graph) const { return match_names(graph, Npz(folder_ / "out.npz")); }

 private:
  const test::TestFolder folder_;
};

// The references' value of each name, by value name.
Tensor reference_value(const Graph& graph, const std::string& value) {
  for (const ValueId id : results_of_nodes(graph)) {
    if (graph.value(id).name != value) continue;
    Graph observed = graph;
    observed.outputs = {id};
    return evaluate(observed, inputs_of(graph))[0];
  }
  ADD_FAILURE() << value;
  return {};
}

class Compare : public ::testing::Test {
 private:
  const test::ScopedVariable home_{"ROPEWAY_VIRTUAL_HOME", ROPEWAY_VIRTUAL_HOME};
};

TEST_F(Compare, OutputsAreEnoughWhenTheyAreWithinTolerance) {
  const Graph graph = small_network();
  CompareOptions options = on("virtual-npu");
  options.say = [](const std::string& sentence) { ADD_FAILURE() << "nothing that takes long is needed: " << sentence; };
  const Comparison result = compare(graph, inputs_of(graph), options);
  ASSERT_EQ(result.outputs.size(), 1u);
  EXPECT_EQ(result.outputs[0].name, "y");
  EXPECT_EQ(result.outputs[0].path, "head");
  EXPECT_GT(result.outputs[0].difference.relative(), 1e-6) << "16 bits are not fp32";
  EXPECT_FALSE(result.over());
  EXPECT_FALSE(result.layers_compared);
  EXPECT_TRUE(result.predicted);
  EXPECT_EQ(result.tolerance, kTolerance16);
  EXPECT_EQ(compare(graph, inputs_of(graph), on("cpu")).tolerance, kTolerance32);
}

TEST_F(Compare, LayersStandInTheirOrder) {
  const Graph graph = small_network();
  CompareOptions options = on("virtual-npu");
  options.layers = true;
  std::vector<std::string> said;
  options.say = [&](const std::string& sentence) { said.push_back(sentence); };
  const Comparison whole = compare(graph, inputs_of(graph), options);
  std::vector<std::string> paths;
  for (const ComparedValue& layer : whole.layers) paths.push_back(layer.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"block.up", "block.relu", "block.down", "act", "head"}));
  EXPECT_FALSE(whole.first_over);
  EXPECT_EQ(said, (std::vector<std::string>{"to look into network, atc compiles it once more, with 5 values as further outputs, and 816 B are copied back; on a board, that takes minutes each time"}));

  said.clear();
  options.batch_bytes = 304;  // of 256, 256, 128, 128 and 48
  const Comparison apart = compare(graph, inputs_of(graph), options);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("atc compiles it 3 times more"), std::string::npos) << said[0];
  ASSERT_EQ(apart.layers.size(), whole.layers.size());
  for (size_t i = 0; i < apart.layers.size(); ++i) EXPECT_EQ(apart.layers[i].path, whole.layers[i].path);
}

TEST_F(Compare, NamesTheOperatorThatOverflows) {
  const Graph graph = overflowing();
  const Comparison result = compare(graph, inputs_of(graph), on("virtual-npu"));
  EXPECT_TRUE(result.outputs_over());
  ASSERT_TRUE(result.first_over);
  const ComparedValue& first = result.layers[*result.first_over];
  EXPECT_EQ(first.path, "norm.square");
  EXPECT_EQ(first.node, "node_3");
  EXPECT_EQ(first.difference.result_at, 65504);
  EXPECT_GT(first.difference.reference_at, 1e6);
  ASSERT_TRUE(result.own);
  EXPECT_FALSE(result.own->within(result.tolerance));
  const std::string table = to_table(result, false);
  for (const char* part : {"first over tolerance: mul at norm.square (node_3)\n  error 1 of the largest value, at [", ": virtual-npu has 65504, the reference ", "65504 is the largest number in 16 bits", "it is the operator's own", "no NPU has run", "\nover tolerance\n"}) {
    EXPECT_NE(table.find(part), std::string::npos) << part << "\n" << table;
  }
}

TEST_F(Compare, OperatorsOfASplitModelStayWhereTheyAre) {
  const Graph graph = ascend::split_model();
  CompareOptions options = on("virtual-npu");
  options.layers = true;
  const Comparison result = compare(graph, inputs_of(graph), options);
  EXPECT_FALSE(result.over()) << to_table(result, true);
  EXPECT_TRUE(result.split.starts_with("split: 3 segments: virtual-npu 4 operators, cpu 3 (Cast at ")) << result.split;
  EXPECT_EQ(result.title, "virtual Ascend310B1 + cpu");
  std::vector<std::string> on_cpu;
  for (const ComparedValue& layer : result.layers) {
    if (layer.on_cpu) on_cpu.push_back(layer.name);
  }
  EXPECT_EQ(on_cpu, (std::vector<std::string>{"narrow", "relu", "widen"}));
  EXPECT_FALSE(result.outputs.at(0).on_cpu);
  const std::string table = to_table(result, true);
  EXPECT_NE(table.find("\nsplit: 3 segments: "), std::string::npos) << table;
  EXPECT_NE(table.find("  cpu\n"), std::string::npos) << table;
  EXPECT_NE(to_json(result).find("\"on_cpu\": true"), std::string::npos);
  options.session.fallback = false;
  test::expect_error([&] { compare(graph, inputs_of(graph), options); }, ErrorCode::unsupported, "--no-fallback keeps them from the cpu");
}

// Both sides draw the same masks: the device in the run for its outputs, and again in that which looks within.
TEST_F(Compare, DropoutInTrainingMode) {
  const Graph graph = ascend::split_model(true);
  CompareOptions options = on("virtual-npu");
  options.layers = true;
  options.batch_bytes = 300000;  // several runs, each of which is a first one
  options.session.seed = 7;
  const Comparison result = compare(graph, inputs_of(graph), options);
  EXPECT_FALSE(result.over()) << to_table(result, true);
  EXPECT_EQ(std::ranges::count(result.layers, std::string("Dropout"), &ComparedValue::kind), 2) << to_table(result, true);
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_NE(result.notes[0].find("by --seed 7"), std::string::npos) << result.notes[0];
  options.tolerance = 1e-5;
  const Comparison over = compare(graph, inputs_of(graph), options);
  ASSERT_TRUE(over.own);
  EXPECT_LT(over.own->relative(), 1e-2) << "an operator by itself has the same masks, too";
}

TEST_F(Compare, PrecisionAutoKeepsWithinWhatItKeepsInTheModel) {
  const Graph graph = overflowing();
  CompareOptions options = on("virtual-npu");
  options.session.precision = "auto";
  options.layers = true;
  const Comparison result = compare(graph, inputs_of(graph), options);
  EXPECT_FALSE(result.outputs_over()) << to_table(result, true);
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_NE(result.notes[0].find("Binary at norm.square"), std::string::npos) << result.notes[0];
  EXPECT_FALSE(result.over()) << to_table(result, true);
}

TEST_F(Compare, TheReferenceIsTheModelWithoutSubstitutions) {
  GraphBuilder builder("pools", "test");
  builder.output(builder.add1(Op::MaxPool, PoolParams{{2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}, false, false, 0}, {builder.input("x", {DType::f32, {1, 2, 4, 4}})}, "y", {"pool", {}}));
  const Graph graph = builder.finish();
  CompareOptions options = on("cpu");
  EXPECT_FALSE(compare(graph, inputs_of(graph), options).over());
  options.session.substitutions = {"maxpool=avgpool"};
  const Comparison result = compare(graph, inputs_of(graph), options);
  EXPECT_TRUE(result.outputs_over());
  ASSERT_TRUE(result.own);
  EXPECT_FALSE(result.own->within(0.1)) << "it is the operator's own";
}

// The device's values are of 32 bits where the reference's have 64.
TEST_F(Compare, Float64) {
  GraphBuilder builder("double", "test");
  ValueId x = builder.input("x", {DType::f64, {4, 8}});
  Tensor weight({DType::f64, {8, 4}});
  for (size_t i = 0; i < 32; ++i) weight.data<double>()[i] = static_cast<double>(random_uniform(1, i));
  x = builder.add1(Op::MatMul, NoParams{}, {x, builder.constant("w", std::move(weight))}, "product", {"product", {}});
  builder.output(builder.add1(Op::Unary, UnaryParams{UnaryFunction::tanh, 0, 0}, {x}, "y", {"act", {}}));
  const Graph graph = builder.finish();
  CompareOptions options = on("virtual-npu");
  options.layers = true;
  const Comparison result = compare(graph, inputs_of(graph), options);
  EXPECT_FALSE(result.over()) << to_table(result, true);
  ASSERT_EQ(result.layers.size(), 2u);
  for (const ComparedValue& layer : result.layers) EXPECT_GT(layer.difference.relative(), 1e-6);
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_TRUE(result.notes[0].starts_with("float64 is not supported by Ascend310B1: ")) << result.notes[0];
}

TEST_F(Compare, ToldApartFromErrorsThatAddUp) {
  Network network({4, 64});
  for (int i = 0; i < 30; ++i) network.times(fmt::format("scale{}", i), 1.1f);  // which in 16 bits is 1.0996
  const Graph graph = network.finish();
  CompareOptions options = on("virtual-npu");
  options.tolerance = 2e-3;
  const Comparison result = compare(graph, inputs_of(graph), options);
  ASSERT_TRUE(result.first_over);
  EXPECT_GT(*result.first_over, 2u);
  ASSERT_TRUE(result.own);
  EXPECT_TRUE(result.own->within(2e-3));
  EXPECT_NE(to_table(result, false).find("it comes from the operators before, added up"), std::string::npos);
}

TEST_F(Compare, FindsTheLayerThatIsNotTheReferences) {
  const Graph graph = small_network(), other = small_network(1.5f);  // in block.down
  const Archive archive({{"block.up", reference_value(graph, "value_node_1")}, {"value_node_2", reference_value(graph, "value_node_2")}, {"node_3", reference_value(graph, "value_node_3")},
                         {"block", reference_value(graph, "value_node_3")}, {"act", reference_value(graph, "value_node_4")}, {"output", evaluate(graph, inputs_of(graph))[0]}, {"x", inputs_of(graph)[0]},
                         {"missing", Tensor({DType::f32, {1}})}});
  const NamedValues same = archive.match(graph);
  EXPECT_EQ(same.unmatched, std::vector<std::string>{"missing"});
  ASSERT_EQ(same.outputs.size(), 1u);
  CompareOptions options = on("cpu");
  options.layers = true;
  const Comparison equal = compare(graph, inputs_of(graph), options, &same);
  EXPECT_EQ(equal.layers.size(), 5u);
  EXPECT_FALSE(equal.over()) << to_table(equal, true);

  for (const std::string device : {"cpu", "virtual-npu"}) {
    const NamedValues named = archive.match(other);
    const Comparison result = compare(other, inputs_of(other), on(device), &named);
    EXPECT_TRUE(result.outputs_over());
    ASSERT_TRUE(result.first_over) << to_table(result, true);
    EXPECT_EQ(*result.first_over, 2u);
    EXPECT_EQ(result.layers[2].name, "node_3");
    EXPECT_EQ(result.layers[2].path, "block.down");
    EXPECT_FALSE(result.own) << "a file need not have what the operator reads";
  }
}

TEST_F(Compare, SaysWhenNoLayerIsOver) {
  const Graph graph = small_network();
  const Archive behind({{"y", Tensor({DType::f32, {4, 3}})}, {"block.up", reference_value(graph, "value_node_1")}});
  const NamedValues named = behind.match(graph);
  const Comparison result = compare(graph, inputs_of(graph), on("cpu"), &named);
  EXPECT_TRUE(result.over());
  EXPECT_FALSE(result.first_over);
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_NE(result.notes[0].find("none of the layers that the reference has"), std::string::npos);
  const Archive outputs_alone({{"arr_0", Tensor({DType::f32, {4, 3}})}});
  const NamedValues output = outputs_alone.match(graph);
  EXPECT_NE(compare(graph, inputs_of(graph), on("cpu"), &output).notes.at(0).find("add them by module path"), std::string::npos);
  EXPECT_EQ(compare(graph, inputs_of(graph), on("virtual-npu"), &output).layers.size(), 5u);
  const Archive layers_alone({{"act", reference_value(graph, "value_node_4")}});
  const NamedValues layer = layers_alone.match(graph);
  EXPECT_EQ(compare(graph, inputs_of(graph), on("cpu"), &layer).layers.size(), 1u);
}

TEST_F(Compare, NonFiniteValuesCountOnEachSide) {
  const Graph graph = Network({1, 4}).unary("log", UnaryFunction::log).finish();
  const std::vector<Tensor> inputs = {Tensor::of<float>({1, 4}, {1, 2, 0, -1})};
  const Comparison result = compare(graph, inputs, on("cpu"));
  EXPECT_FALSE(result.over());
  EXPECT_EQ(result.outputs[0].difference.reference_nans, 1);
  EXPECT_EQ(result.outputs[0].difference.result_infinities, 1);
  EXPECT_NE(to_table(result, false).find("1|1"), std::string::npos);
}

TEST(NamedValues, ShapesAndNamesThatDoNotFit) {
  const Graph graph = small_network();
  test::expect_error([&] { Archive({{"block.up", Tensor({DType::f32, {4, 17}})}}).match(graph); }, ErrorCode::invalid_argument, "out.npz is f32[4,17], but value_node_1 of network is f32[4,16]");
  test::expect_error([&] { Archive({{"a", Tensor()}, {"b", Tensor()}}).match(graph); }, ErrorCode::invalid_argument, "its outputs are y; a value, a node or a module path may be named, too, but the file holds a and b");
  std::vector<std::pair<std::string, Tensor>> many;
  for (int i = 0; i < 500; ++i) many.emplace_back(fmt::format("n{}", i), Tensor());
  test::expect_error([&] { Archive(many).match(graph); }, ErrorCode::invalid_argument, "n8, n9 and 490 more");
  test::expect_error([&] { Archive({}).match(graph); }, ErrorCode::invalid_argument, "the file holds nothing");
}

TEST(NamedValues, TheLastCallOfAModule) {
  const Graph graph = Network({2, 4}).unary("act", UnaryFunction::relu).linear("fc", 4).unary("act", UnaryFunction::relu).linear("head", 2).finish();
  const NamedValues named = Archive({{"act", Tensor({DType::f32, {2, 4}})}}).match(graph);
  EXPECT_EQ(graph.value(named.layers.at(0).value).name, "value_node_3");
}

TEST(Observe, WhatNobodyReadsIsNotTakenOut) {
  GraphBuilder builder("split", "test");
  const std::vector<ValueId> parts = builder.add(Op::Split, SplitParams{1, {1, 2, 1}}, {builder.input("x", {DType::f32, {1, 4}})}, "part");
  builder.output(builder.add1(Op::Unary, UnaryParams{UnaryFunction::relu, 0, 0}, {parts[1]}, "y"));
  const Graph graph = builder.finish();
  EXPECT_EQ(results_of_nodes(graph).size(), 2u);
  EXPECT_EQ(with_outputs(graph, results_of_nodes(graph)).outputs.size(), 2u) << "y is an output already";
}

TEST(Observe, Batches) {
  const Graph graph = small_network();
  const std::vector<ValueId> values = results_of_nodes(graph);
  EXPECT_EQ(bytes_of(graph, values), 816u);
  EXPECT_EQ(in_batches(graph, values, 816).size(), 1u);
  EXPECT_EQ(in_batches(graph, values, 815).size(), 2u);
  EXPECT_EQ(in_batches(graph, values, 1).size(), 5u) << "at least one each";
  EXPECT_TRUE(in_batches(graph, {}, 1).empty());
}

TEST(CompareTable, OneScreen) {
  Comparison comparison;
  for (int i = 0; i < 500; ++i) {
    ComparedValue value{"v", fmt::format("a.long.path.of.modules.in.modules.in.modules.{}", i), "n", "AdaptiveAvgPool2d", {DType::f32, {100, 1000, 1000, 1000}}, {}, false};
    value.difference = {.largest_error = i * 1e-7, .index = 12345678901, .largest_value = 1, .reference_infinities = 123456};
    comparison.layers.push_back(value);
  }
  comparison.layers[3].over = comparison.layers[3].on_cpu = true;
  comparison.first_over = 3;
  const std::string table = to_table(comparison, false);
  const std::vector<std::string> lines = split(table, '\n');
  EXPECT_LT(lines.size(), 24u);
  EXPECT_NE(table.find("\n  4  "), std::string::npos) << table;
  EXPECT_NE(table.find("the worst 12 of 500"), std::string::npos);
  for (const std::string& line : lines) EXPECT_LE(display_width(line), kTableWidth) << line;
  EXPECT_GT(split(to_table(comparison, true), '\n').size(), 500u);
}

}  // namespace
}  // namespace ropeway
