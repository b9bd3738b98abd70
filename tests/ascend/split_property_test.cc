// Random graphs of operators that the NPU has and that it lacks, with branches, joins and several outputs: results as the CPU's alone, within the chip's precision.
#include <map>
#include <thread>

#include "accuracy/difference.h"
#include "ascend/split_model.h"
#include "engine/model.h"
#include "support/cases.h"
#include "support/environment.h"

namespace ropeway {
namespace {

constexpr int kGraphs = 40;
constexpr int64_t kSide = 72, kChannels = 16;  // an image of 332 KB; as one row it is wider than a convolution's 4096
constexpr double kTolerance = 1e-2;

// Values are images of one size, near 1 in magnitude, so that any two can be joined. Whatever picks elements by their size does so by inputs, which no rounding has touched.
class RandomGraph {
 public:
  explicit RandomGraph(uint64_t seed) : seed_(seed), image_(b_.input("x", {DType::f32, kImage})), integers_(b_.input("k", {DType::i64, {1, 4, kSide, kSide}})), wide_(b_.input("d", {DType::f64, kImage})), values_{image_} {
    const int steps = 5 + below(8);
    for (int i = 0; i < steps; ++i) step();
    b_.output(values_.back());
    for (int i = below(3); i > 0; --i) b_.output(some());
    if (below(4) == 0) b_.output(values_.back());  // once more
    if (below(4) == 0) b_.output(image_);
    if (below(4) == 0) b_.output(constant("c", {3}, 1));
    if (below(4) == 0) b_.output(b_.add1(Op::ArgMax, ArgParams{1, true}, {integers_}, "label"));
    if (below(4) == 0) b_.output(b_.add1(Op::Cast, CastParams{DType::f64}, {some()}, "f64"));
  }
  Graph finish() { return b_.finish(); }

 private:
  uint64_t next() { return random_bits(seed_, draws_++); }
  int below(int n) { return static_cast<int>(next() % static_cast<uint64_t>(n)); }
  // Near the end of what there is, so that graphs become deep; at times from far back.
  ValueId some() { return values_[values_.size() - 1 - static_cast<size_t>(below(below(3) == 0 ? static_cast<int>(values_.size()) : std::min(2, static_cast<int>(values_.size()))))]; }
  ValueId constant(const std::string& name, Shape shape, float scale) {
    Tensor tensor({DType::f32, std::move(shape)});
    fill_uniform(tensor.data<float>(), next(), scale);
    return b_.constant(name, std::move(tensor));
  }
  ValueId unary(UnaryFunction function, ValueId x) { return b_.add1(Op::Unary, UnaryParams{function, 0, 0}, {x}, "unary"); }
  ValueId binary(BinaryFunction function, ValueId x, ValueId y) { return b_.add1(Op::Binary, BinaryParams{function}, {x, y}, "binary"); }
  ValueId cast(ValueId x, DType dtype) { return b_.add1(Op::Cast, CastParams{dtype}, {x}, "cast"); }
  ValueId reshape(ValueId x, Shape shape) { return b_.add1(Op::Reshape, ShapeParams{std::move(shape)}, {x}, "shaped"); }

  void step() {
    switch (below(10)) {
      case 0:
      case 1:
      case 2: return add(conv(conv(some())));
      case 3: return add(unary(below(2) == 0 ? UnaryFunction::relu : UnaryFunction::tanh, some()));
      case 4: return add(unary(UnaryFunction::tanh, binary(BinaryFunction::add, some(), some())));
      case 5: return add(both_halves(some()));
      case 6: return add(cast(unary(UnaryFunction::relu, cast(some(), DType::bf16)), DType::f32));
      case 7: return add(unpooled(some()));
      case 8: return add(binary(BinaryFunction::add, some(), labels()));
      default: return add(below(2) == 0 ? wide_conv(some()) : binary(BinaryFunction::mul, unary(UnaryFunction::tanh, some()), cast(unary(UnaryFunction::sigmoid, wide_), DType::f32)));
    }
  }
  void add(ValueId id) { values_.push_back(id); }
  ValueId conv(ValueId x) { return b_.add1(Op::Conv, ConvParams{{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}, {x, constant("w", {kChannels, kChannels, 3, 3}, 0.14f)}, "conv"); }
  // Two results of one operator, read apart.
  ValueId both_halves(ValueId x) {
    const std::vector<ValueId> halves = b_.add(Op::Split, SplitParams{1, {kChannels / 2, kChannels / 2}}, {x}, "half");
    return b_.add1(Op::Concat, AxisParams{1}, {unary(UnaryFunction::relu, halves[1]), halves[0]}, "joined");
  }
  // MaxUnpool2d of what a pool finds, placed where another found the input's.
  ValueId unpooled(ValueId x) {
    const PoolParams pool{{2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}, false, false, 0};
    const Shape small = {1, kChannels, kSide * kSide / 4};
    const ValueId found = reshape(b_.add1(Op::MaxPoolIndices, pool, {image_}, "found"), small), largest = reshape(b_.add1(Op::MaxPool, pool, {x}, "largest"), small);
    const ValueId zeros = b_.constant("zeros", Tensor({DType::f32, {1, kChannels, kSide * kSide}}));
    return reshape(b_.add1(Op::ScatterElements, ScatterParams{2, "none"}, {zeros, found, largest}, "unpooled"), kImage);
  }
  ValueId labels() { return binary(BinaryFunction::mul, cast(b_.add1(Op::ArgMax, ArgParams{1, true}, {integers_}, "argmax"), DType::f32), b_.constant("quarter", Tensor::of<float>({}, {0.25f}))); }
  // Wider than the chip's convolutions may be.
  ValueId wide_conv(ValueId x) {
    return reshape(b_.add1(Op::Conv, ConvParams{{1, 1}, {0, 1, 0, 1}, {1, 1}, 1}, {reshape(x, {1, kChannels, 1, kSide * kSide}), constant("w", {kChannels, kChannels, 1, 3}, 0.25f)}, "wide"), kImage);
  }

  const Shape kImage = {1, kChannels, kSide, kSide};
  const uint64_t seed_;
  uint64_t draws_ = 0;
  GraphBuilder b_{"random", "test"};
  const ValueId image_, integers_, wide_;
  std::vector<ValueId> values_;
};

std::vector<Tensor> inputs_of(const Model& model) {
  std::vector<Tensor> result = generated_inputs(model.inputs());
  for (size_t i = 0; i < result.size(); ++i) {
    if (result[i].dtype() != DType::i64) continue;
    for (size_t k = 0; k < result[i].data<int64_t>().size(); ++k) result[i].data<int64_t>()[k] = static_cast<int64_t>(random_bits(1, k) % 1000);
  }
  return result;
}

std::vector<Tensor> run(const Model& model, ModelContext& context, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> results;
  for (const ValueInfo& output : model.outputs()) results.emplace_back(output.type);
  model.run(context, inputs, results, nullptr);
  return results;
}
std::vector<Tensor> run(const Model& model, const std::vector<Tensor>& inputs) { return run(model, *model.make_context(), inputs); }

void expect_close(const std::vector<Tensor>& actual, const std::vector<Tensor>& expected, const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_TRUE(test::close_to(actual[i], expected[i], kTolerance)) << what << ", output " << i;
}

bool both_compute(const Model& model) { return model.is_split() && std::ranges::any_of(model.plan().segments, [](const Segment& each) { return each.backend == 0; }); }

class SplitProperty : public ::testing::Test {
 private:
  const test::ScopedVariable home_{"ROPEWAY_VIRTUAL_HOME", ROPEWAY_VIRTUAL_HOME};
};

TEST_F(SplitProperty, RandomGraphsGiveWhatTheCpuGives) {
  int split = 0;
  for (uint64_t seed = 0; seed < kGraphs; ++seed) {
    const Graph graph = RandomGraph(seed).finish();
    const auto cpu = Model::compile(graph, {}), npu = Model::compile(graph, {.device = "virtual-npu"});
    const std::vector<Tensor> inputs = inputs_of(*cpu);
    const auto context = npu->make_context();
    const std::vector<Tensor> results = run(*npu, *context, inputs);
    expect_close(results, run(*cpu, inputs), fmt::format("graph {}", seed));
    const std::vector<Tensor> again = run(*npu, *context, inputs);
    for (size_t i = 0; i < again.size(); ++i) EXPECT_TRUE(std::equal(again[i].raw(), again[i].raw() + again[i].bytes(), results[i].raw())) << "graph " << seed << " gives something else in its second run";
    split += both_compute(*npu);
    if (HasFailure()) FAIL() << to_string(npu->plan(), npu->graph());
  }
  EXPECT_GE(split, kGraphs / 3);
}

// As for rows that are timed one by one.
TEST_F(SplitProperty, PiecesGiveTheSame) {
  for (const uint64_t seed : {1, 2, 3}) {
    const Graph graph = RandomGraph(seed).finish();
    const auto whole = Model::compile(graph, {.device = "virtual-npu"});
    std::vector<int> pieces;
    for (size_t n = 0; n < whole->graph().nodes.size(); ++n) pieces.push_back(static_cast<int>(n / 4));
    const auto apart = Model::compile(graph, {.device = "virtual-npu"}, pieces);
    EXPECT_GT(apart->plan().segments.size(), whole->plan().segments.size());
    for (size_t n = 0; n < pieces.size(); ++n) EXPECT_EQ(apart->plan().placements[n].backend, whole->plan().placements[n].backend);
    const std::vector<Tensor> inputs = inputs_of(*whole);
    expect_close(run(*apart, inputs), run(*Model::compile(graph, {}), inputs), fmt::format("graph {}", seed));
  }
}

// A gate of small values between large ones: while these stay on the NPU, it is worth no copies. In bfloat16 at the end, so that there is something to share.
Graph gated() {
  GraphBuilder b("gated", "test");
  Tensor weight({DType::f32, {16, 16, 3, 3}});
  fill_uniform(weight.data<float>(), 1, 0.1F);
  const ValueId w = b.constant("w", std::move(weight));
  const auto conv = [&](ValueId x) { return b.add1(Op::Conv, ConvParams{{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}, {x, w}, "conv"); };
  const ValueId large = conv(conv(b.input("x", {DType::f32, {1, 16, 72, 72}})));
  ValueId gate = b.add1(Op::Reduce, ReduceParams{ReduceFunction::mean, {2, 3}, true}, {large}, "mean");
  for (const UnaryFunction function : {UnaryFunction::tanh, UnaryFunction::abs, UnaryFunction::sigmoid}) gate = b.add1(Op::Unary, UnaryParams{function, 0, 0}, {gate}, "gate");
  const ValueId gated = conv(conv(b.add1(Op::Binary, BinaryParams{BinaryFunction::mul}, {large, gate}, "gated")));
  b.output(b.add1(Op::Cast, CastParams{DType::f32}, {b.add1(Op::Cast, CastParams{DType::bf16}, {gated}, "half")}, "y"));
  return b.finish();
}

size_t nodes_on_cpu(const Model& model) {
  return static_cast<size_t>(std::ranges::count(model.plan().placements, size_t{1}, &Placement::backend));
}

// What is within, taken out of a model, is computed where the model computes it, though every value then crosses to the host.
TEST_F(SplitProperty, LikeTheWholeEachOperatorStaysWhereItIs) {
  std::vector<Graph> graphs = {gated()};
  for (const uint64_t seed : {1, 2, 3, 4, 5}) graphs.push_back(RandomGraph(seed).finish());
  for (size_t g = 0; g < graphs.size(); ++g) {
    const Graph& graph = graphs[g];
    const auto whole = Model::compile(graph, {.device = "virtual-npu"});
    Graph observed = graph;
    for (const Node& node : graph.nodes) {
      if (std::ranges::find(observed.outputs, node.outputs[0]) == observed.outputs.end()) observed.outputs.push_back(node.outputs[0]);
    }
    if (g == 0) {
      EXPECT_GT(nodes_on_cpu(*Model::compile(observed, {.device = "virtual-npu"})), nodes_on_cpu(*whole)) << "here it matters";
    }
    const auto like = Model::compile_like(*whole, observed, {.device = "virtual-npu"});
    const std::vector<Tensor> inputs = inputs_of(*whole), actual = run(*like, inputs), expected = run(*Model::compile(observed, {}), inputs);
    for (size_t i = 0; i < actual.size(); ++i) EXPECT_LE(difference(actual[i], expected[i]).relative(), kTolerance) << graph.name << " " << g << ", " << like->outputs()[i].name;
    std::map<std::string, size_t> backends;
    for (size_t n = 0; n < whole->graph().nodes.size(); ++n) backends[whole->graph().value(whole->graph().nodes[n].outputs[0]).name] = whole->plan().placements[n].backend;
    for (size_t n = 0; n < like->graph().nodes.size(); ++n) {
      const auto at = backends.find(like->graph().value(like->graph().nodes[n].outputs[0]).name);
      if (at == backends.end()) continue;
      EXPECT_EQ(like->plan().placements[n].backend, at->second) << graph.name << " " << g << ", node " << n;
    }
  }
}

// Runs of one model in eight threads draw the masks that as many runs in a row draw, each once, and mix up nothing.
TEST_F(SplitProperty, EightThreadsShareASplitModel) {
  constexpr size_t kThreads = 8, kRuns = 4;
  const Graph graph = ascend::split_model(true);
  const auto bytes_of = [](const std::vector<Tensor>& results) { return std::string(reinterpret_cast<const char*>(results[0].raw()), results[0].bytes()); };
  const auto alone = Model::compile(graph, {.device = "virtual-npu", .threads = 1}), shared = Model::compile(graph, {.device = "virtual-npu", .threads = 1});
  ASSERT_TRUE(both_compute(*shared));
  const std::vector<Tensor> inputs = inputs_of(*alone);
  std::vector<std::string> expected, actual(kThreads * kRuns);
  for (size_t i = 0; i < kThreads * kRuns; ++i) expected.push_back(bytes_of(run(*alone, inputs)));
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto context = shared->make_context();
      for (size_t i = 0; i < kRuns; ++i) actual[t * kRuns + i] = bytes_of(run(*shared, *context, inputs));
    });
  }
  for (std::thread& each : threads) each.join();
  std::ranges::sort(expected);
  std::ranges::sort(actual);
  EXPECT_TRUE(std::ranges::adjacent_find(expected) == expected.end()) << "each run has masks of its own";
  EXPECT_TRUE(actual == expected);
}

}  // namespace
}  // namespace ropeway
