// Dropout in training mode: what the masks are like, and when they are the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <set>
#include <thread>

#include "engine/compile.h"
#include "engine/model.h"
#include "ir/text.h"
#include "ops/convert.h"
#include "ops/operator.h"
#include "support/errors.h"

namespace ropeway {
namespace {

constexpr double kSigmas = 5;  // of a mean over many draws, that it is off by at most

// Ones through a dropout: what comes out is its mask.
Graph masks_of(const std::string& params, const std::string& shape, const std::string& dtype = "f32", int count = 1) {
  std::string text = fmt::format("graph masks\ninput %x: {0}[{1}]\n", dtype, shape);
  for (int i = 0; i < count; ++i) text += fmt::format("%y{0} = Dropout(%x) training_mode=true {1} : {2}[{3}] @ layer.{0} (dropout_{0})\n", i, params, dtype, shape);
  for (int i = 0; i < count; ++i) text += fmt::format("output %y{}\n", i);
  return parse_graph(text, infer);
}

Tensor ones(const TensorType& type) { return filled(type, 1); }

std::vector<Tensor> run(const Model& model) {
  std::vector<Tensor> inputs, results;
  for (const ValueInfo& input : model.inputs()) inputs.push_back(ones(input.type));
  for (const ValueInfo& output : model.outputs()) results.emplace_back(output.type);
  model.run(*model.make_context(), inputs, results, nullptr);
  return results;
}

std::vector<float> mask(const Model& model, size_t output = 0) {
  const Tensor result = convert(run(model)[output], DType::f32);
  return {result.data<float>().begin(), result.data<float>().end()};
}

std::shared_ptr<const Model> compile(const Graph& graph, uint64_t seed = 0) {
  SessionOptions options;
  options.seed = seed;
  return Model::compile(graph, options);
}

double mean(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// Of two masks of the same ratio, 0 when they are independent; its standard deviation is 1 / √n.
double correlation(const std::vector<float>& a, const std::vector<float>& b, double ratio) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - 1.0) * (b[i] - 1.0);
  return sum / static_cast<double>(a.size()) / (ratio / (1 - ratio));
}

TEST(Dropout, MasksKeepTheMeanAndHaveTheVariance) {
  const double n = 200000;
  for (const double p : {0.1, 0.5, 0.9}) {
    const auto values = mask(*compile(masks_of(fmt::format("ratio={}", p), "200,1000")));
    const double variance = p / (1 - p), scale = 1 / (1 - p);
    size_t kept = 0;
    double squares = 0;
    for (const float value : values) {
      ASSERT_TRUE(value == 0 || value == static_cast<float>(scale)) << value;
      kept += value != 0;
      squares += (value - 1.0) * (value - 1.0);
    }
    EXPECT_NEAR(static_cast<double>(kept) / n, 1 - p, kSigmas * std::sqrt(p * (1 - p) / n));
    EXPECT_NEAR(mean(values), 1, kSigmas * std::sqrt(variance / n));
    const double fourth = (1 - p) * std::pow(scale - 1, 4) + p;  // central moment
    EXPECT_NEAR(squares / n, variance, kSigmas * std::sqrt((fourth - variance * variance) / n));
  }
}

TEST(Dropout, RunsNodesAndSeedsAreIndependentAndASeedRepeats) {
  const Graph graph = masks_of("ratio=0.3", "100,1000", "f32", 2);
  const auto first = compile(graph), again = compile(graph), other = compile(graph, 1);
  const auto a = run(*first), b = run(*first), a_again = run(*again), b_again = run(*again), c = run(*other);
  const auto floats = [](const Tensor& tensor) { return std::vector<float>(tensor.data<float>().begin(), tensor.data<float>().end()); };
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(floats(a[i]), floats(a_again[i]));
    EXPECT_EQ(floats(b[i]), floats(b_again[i]));
  }
  const double bound = kSigmas / std::sqrt(100000.0);
  EXPECT_NEAR(correlation(floats(a[0]), floats(b[0]), 0.3), 0, bound);
  EXPECT_NEAR(correlation(floats(a[0]), floats(a[1]), 0.3), 0, bound);
  EXPECT_NEAR(correlation(floats(a[0]), floats(c[0]), 0.3), 0, bound);
  // Neighbours within a mask, too.
  std::vector<float> shifted = floats(a[0]);
  std::rotate(shifted.begin(), shifted.begin() + 1, shifted.end());
  EXPECT_NEAR(correlation(floats(a[0]), shifted, 0.3), 0, bound);
}

TEST(Dropout, WholeChannelsGoTogether) {
  const auto values = mask(*compile(masks_of("ratio=0.4 whole_channels=true", "50,40,3,5")));
  size_t kept = 0;
  for (size_t channel = 0; channel < 2000; ++channel) {
    const std::set<float> different(values.begin() + static_cast<std::ptrdiff_t>(channel * 15), values.begin() + static_cast<std::ptrdiff_t>(channel * 15 + 15));
    ASSERT_EQ(different.size(), 1u);
    kept += *different.begin() != 0;
  }
  EXPECT_NEAR(static_cast<double>(kept) / 2000, 0.6, kSigmas * std::sqrt(0.24 / 2000));
}

TEST(Dropout, EveryFloatingPointType) {
  for (const char* dtype : {"f32", "f64", "f16", "bf16"}) {
    const auto values = mask(*compile(masks_of("ratio=0.5", "1000", dtype)));
    EXPECT_EQ(std::set<float>(values.begin(), values.end()), (std::set<float>{0, 2})) << dtype;
  }
}

TEST(Dropout, NothingIsDrawnAtTheEnds) {
  for (const auto& [ratio, expected] : {std::pair("0", 1.0f), std::pair("1", 0.0f)}) {
    const auto model = compile(masks_of(fmt::format("ratio={}", ratio), "100"));
    EXPECT_EQ(mask(*model), std::vector<float>(100, expected));
    EXPECT_TRUE(model->notes().empty());
    EXPECT_EQ(model->graph().inputs.size(), 1u);
  }
}

TEST(Dropout, MasksAreNoInputsOfTheCallersAndAreSaid) {
  const auto model = compile(masks_of("ratio=0.5", "4", "f32", 2), 7);
  EXPECT_EQ(model->inputs().size(), 1u);
  ASSERT_EQ(model->notes().size(), 1u);
  EXPECT_EQ(model->notes()[0], "the model has 2 dropouts in training mode: each run draws masks of its own, by --seed 7");
}

// Many callers: no two runs draw the same, and together they draw what one caller does.
TEST(Dropout, ManyCallersShareOneSequence) {
  const Graph graph = masks_of("ratio=0.5", "64");
  const auto alone = compile(graph), shared = compile(graph);
  std::set<std::vector<float>> expected, drawn;
  for (int i = 0; i < 40; ++i) expected.insert(mask(*alone));
  EXPECT_EQ(expected.size(), 40u);
  std::mutex mutex;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        const auto values = mask(*shared);
        const std::lock_guard lock(mutex);
        drawn.insert(values);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(drawn, expected);
}

TEST(Dropout, PiecesDrawTheSameMasks) {
  const Graph graph = masks_of("ratio=0.5", "64", "f32", 3);
  const auto whole = compile(graph);
  const std::vector<int> rows = {0, 1, 2};
  const auto pieces = Model::compile(graph, {}, rows);
  EXPECT_EQ(pieces->plan().segments.size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(mask(*compile(graph), i), mask(*Model::compile(graph, {}, rows), i));
}

// Of a linear model the mean over many runs is what it computes at inference.
TEST(Dropout, TheMeanOfALinearModelIsThatOfInference) {
  const std::string text = "graph g\ninput %x: f32[1,50]\n%d = Dropout(%x) ratio=0.2{} : f32[1,50] @ drop (d)\n%y = Reduce(%d) function=sum axes=[1] : f32[1,1] @ (s)\noutput %y\n";
  const auto inference = compile(parse_graph(fmt::format(fmt::runtime(text), ""), infer)), training = compile(parse_graph(fmt::format(fmt::runtime(text), " training_mode=true"), infer));
  double sum = 0;
  constexpr int kRuns = 4000;
  for (int i = 0; i < kRuns; ++i) sum += mask(*training)[0];
  EXPECT_NEAR(sum / kRuns, mask(*inference)[0], kSigmas * std::sqrt(50 * 0.25 / kRuns));
}

TEST(Dropout, ACompiledFileCannotDraw) {
  SessionOptions options;
  options.device = "virtual-npu";
  std::vector<std::string> notes;
  test::expect_error([&] { compile_for_npu(masks_of("ratio=0.5", "4"), "Ascend310B1", options, notes); }, ErrorCode::unsupported, "Dropout at layer.0 (dropout_0)");
}

}  // namespace
}  // namespace ropeway
