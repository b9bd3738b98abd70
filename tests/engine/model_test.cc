// The whole pipeline on small graphs: results against the reference, whatever is switched off; many callers; no allocation while running.
#include "engine/model.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <new>
#include <thread>

#include "base/random.h"
#include "ir/text.h"
#include "ops/builder.h"
#include "ops/operator.h"
#include "support/errors.h"

namespace {
std::atomic<long> allocations{0};
}  // namespace

// Not inlined: the compiler would take the pairs of new and free for mistakes.
__attribute__((noinline)) void* operator new(size_t bytes) {
  ++allocations;
  if (void* block = std::malloc(bytes)) return block;
  throw std::bad_alloc();
}
__attribute__((noinline)) void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes);
}
__attribute__((noinline)) void operator delete(void* block) noexcept { std::free(block); }
__attribute__((noinline)) void operator delete(void* block, size_t) noexcept { std::free(block); }

namespace ropeway {
namespace {

Tensor uniform(const std::string& name, Shape shape, float offset = 0) {
  Tensor tensor({DType::f32, std::move(shape)});
  fill_uniform(tensor.data<float>(), stream_seed(name));
  for (float& element : tensor.data<float>()) element += offset;
  return tensor;
}

// A residual block with batch norm, pooling and a classifier, on odd sizes.
Graph small_network() {
  GraphBuilder b("small", "test");
  const auto conv = [&](ValueId x, const std::string& name, int64_t out, int64_t kernel, int64_t stride, int64_t group) {
    const int64_t pad = kernel / 2;
    return b.add1(Op::Conv, ConvParams{{stride, stride}, {pad, pad, pad, pad}, {1, 1}, group}, {x, b.constant(name + ".w", uniform(name + ".w", {out, b.shape(x)[1] / group, kernel, kernel}))}, name);
  };
  const auto norm = [&](ValueId x, const std::string& name) {
    const int64_t c = b.shape(x)[1];
    return b.add1(Op::BatchNormalization, EpsilonParams{}, {x, b.constant(name + ".s", uniform(name + ".s", {c})), b.constant(name + ".b", uniform(name + ".b", {c})),
                                                            b.constant(name + ".m", uniform(name + ".m", {c})), b.constant(name + ".v", uniform(name + ".v", {c}, 1.5f))}, name);
  };
  const auto relu = [&](ValueId x, const std::string& name) { return b.add1(Op::Unary, UnaryParams{UnaryFunction::relu, 0, 0}, {x}, name); };
  const ValueId x = b.input("x", {DType::f32, {2, 3, 19, 17}});
  const ValueId stem = relu(norm(conv(x, "stem", 20, 3, 2, 1), "bn0"), "relu0");
  const ValueId depthwise = b.add1(Op::Unary, UnaryParams{UnaryFunction::hard_swish, 0, 0}, {conv(stem, "dw", 20, 3, 1, 20)}, "swish");
  const ValueId grouped = norm(conv(depthwise, "grouped", 20, 3, 1, 4), "bn1");
  const ValueId sum = relu(b.add1(Op::Binary, BinaryParams{}, {grouped, stem}, "add"), "relu1");
  const ValueId pooled = b.add1(Op::MaxPool, PoolParams{{3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}, false, false, 0}, {sum}, "pool");
  const ValueId adaptive = b.add1(Op::AdaptiveAveragePool, AdaptivePoolParams{{2, 3}}, {pooled}, "adaptive");
  const ValueId flat = b.add1(Op::Reshape, ShapeParams{{2, 120}}, {adaptive}, "flat");
  GemmParams transposed;
  transposed.transB = true;
  const ValueId fc = b.add1(Op::Gemm, transposed, {flat, b.constant("fc.w", uniform("fc.w", {37, 120})), b.constant("fc.b", uniform("fc.b", {37}))}, "fc");
  b.output(b.add1(Op::Softmax, AxisParams{1}, {fc}, "softmax"));
  b.output(sum);
  return b.finish();
}

double error(const Tensor& a, const Tensor& b) {
  double difference = 0, largest = 0;
  for (size_t i = 0; i < a.data<float>().size(); ++i) {
    difference = std::max(difference, std::fabs(static_cast<double>(a.data<float>()[i]) - b.data<float>()[i]));
    largest = std::max(largest, std::fabs(static_cast<double>(b.data<float>()[i])));
  }
  return difference / largest;
}

std::vector<Tensor> results_of(const Model& model) {
  std::vector<Tensor> results;
  for (const ValueInfo& output : model.outputs()) results.emplace_back(output.type);
  return results;
}

TEST(Model, AgreesWithTheReferenceWhateverIsSwitchedOff) {
  const Graph graph = small_network();
  for (const std::string pass : {"", "fuse", "fold_constants", "recover_adaptive_pooling", "remove_no_ops", "fold_batch_norm"}) {
    for (const int threads : {1, 2}) {
      SessionOptions options;
      options.threads = threads;
      if (!pass.empty()) options.disabled_passes = {pass};
      const auto model = Model::compile(graph, options);
      const auto inputs = generated_inputs(model->inputs());
      const auto expected = evaluate(graph, inputs);
      auto results = results_of(*model);
      model->run(*model->make_context(), inputs, results, nullptr);
      for (size_t i = 0; i < results.size(); ++i) EXPECT_LT(error(results[i], expected[i]), 1e-5) << "without " << pass << ", " << threads << " threads, output " << i;
    }
  }
}

TEST(Model, AllocatesNothingWhileRunning) {
  for (const int threads : {1, 2}) {
    SessionOptions options;
    options.threads = threads;
    const auto model = Model::compile(small_network(), options);
    const auto inputs = generated_inputs(model->inputs());
    auto results = results_of(*model);
    const auto context = model->make_context();
    std::vector<Trace> traces;
    model->run(*context, inputs, results, &traces);
    const long before = allocations;
    model->run(*context, inputs, results, nullptr);
    model->run(*context, inputs, results, &traces);
    EXPECT_EQ(allocations - before, 0);
  }
}

TEST(Model, ServesManyCallersAtOnce) {
  SessionOptions options;
  options.threads = 2;
  const auto model = Model::compile(small_network(), options);
  const auto inputs = generated_inputs(model->inputs());
  auto expected = results_of(*model);
  model->run(*model->make_context(), inputs, expected, nullptr);
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      const auto context = model->make_context();
      auto results = results_of(*model);
      for (int run = 0; run < 20; ++run) {
        model->run(*context, inputs, results, nullptr);
        wrong += error(results[0], expected[0]) != 0;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Model, TracesEveryStep) {
  const auto model = Model::compile(small_network(), {});
  auto results = results_of(*model);
  std::vector<Trace> traces;
  model->run(*model->make_context(), generated_inputs(model->inputs()), results, &traces);
  ASSERT_EQ(traces.size(), 1u);
  EXPECT_EQ(traces[0].step_ms.size(), model->executables()[0]->steps().size());
}

TEST(Model, SaysWhichInputIsWrong) {
  const auto model = Model::compile(small_network(), {});
  auto results = results_of(*model);
  const std::vector<Tensor> wrong = {Tensor({DType::f32, {1, 3, 19, 17}})};
  try {
    model->run(*model->make_context(), wrong, results, nullptr);
    FAIL();
  } catch (const Error& caught) {
    EXPECT_EQ(caught.code(), ErrorCode::invalid_argument);
    EXPECT_STREQ(caught.what(), "input x must be f32[2,3,19,17], but f32[1,3,19,17] is given");
  }
  EXPECT_THROW(model->run(*model->make_context(), {}, results, nullptr), Error);
}

TEST(Model, NamesDevicesAndPasses) {
  SessionOptions options;
  options.device = "gpu";
  EXPECT_THROW(Model::compile(small_network(), options), Error);
  options.device = "cpu";
  options.disabled_passes = {"no_such_pass"};
  EXPECT_THROW(Model::compile(small_network(), options), Error);
  options.disabled_passes = {"remove_dead_code"};
  EXPECT_THROW(Model::compile(small_network(), options), Error);
}

// Of a layer that several kernels serve, the one that is forced runs, and computes the same.
TEST(Model, AForcedKernelRuns) {
  const auto conv = [](const Shape& x, const Shape& w, int64_t stride, int64_t group) {
    GraphBuilder b("layer", "test");
    const int64_t pad = w[2] / 2;
    const ConvParams params{{stride, stride}, {pad, pad, pad, pad}, {1, 1}, group};
    b.output(b.add1(Op::Conv, params, {b.input("x", {DType::f32, x}), b.constant("w", uniform("w", w))}, "y"));
    return b.finish();
  };
  const auto pool = [] {
    GraphBuilder b("layer", "test");
    b.output(b.add1(Op::MaxPool, PoolParams{{3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}}, {b.input("x", {DType::f32, {1, 3, 11, 9}})}, "y"));
    return b.finish();
  };
  const auto linear = [] {
    GraphBuilder b("layer", "test");
    b.output(b.add1(Op::Gemm, GemmParams{1, 1, false, true}, {b.input("x", {DType::f32, {1, 40}}), b.constant("w", uniform("w", {33, 40}))}, "y"));
    return b.finish();
  };
  const std::pair<Graph, std::vector<std::string>> layers[] = {
      {conv({1, 20, 11, 9}, {40, 20, 3, 3}, 1, 1), {"conv.winograd_f4x3", "conv.winograd_f2x3", "conv.direct", "reference"}}, {conv({1, 20, 11, 9}, {4, 20, 5, 5}, 1, 1), {"conv.planar", "conv.winograd_f3x5", "conv.direct"}},
      {conv({1, 3, 21, 19}, {20, 3, 7, 7}, 2, 1), {"conv.folded", "conv.direct"}},                 {conv({1, 20, 11, 9}, {20, 1, 3, 3}, 1, 20), {"conv.depthwise", "conv.direct"}},
      {pool(), {"max_pool.plain", "max_pool.blocked", "reference"}},                               {linear(), {"gemm.vector", "gemm.packed", "reference"}},
  };
  for (const auto& [graph, kernels] : layers) {
    for (const std::string& kernel : kernels) {
      SCOPED_TRACE(kernel);
      SessionOptions options;
      options.force_kernel = kernel;
      const auto model = Model::compile(graph, options);
      std::vector<std::string> used;
      for (const StepInfo& step : model->executables()[0]->steps()) {
        if (step.kernel != "to_blocked" && step.kernel != "to_plain") used.push_back(step.kernel);
      }
      EXPECT_EQ(used, std::vector<std::string>{kernel});
      auto results = results_of(*model);
      const auto inputs = generated_inputs(model->inputs());
      model->run(*model->make_context(), inputs, results, nullptr);
      EXPECT_LT(error(results[0], evaluate(graph, inputs)[0]), 1e-5);
    }
  }
}

TEST(Model, AForcedKernelThatNothingCanUseIsAnError) {
  for (const std::string kernel : {"conv.winograd_f3x5", "winograd"}) {  // serves another layer; there is none
    SessionOptions options;
    options.force_kernel = kernel;
    GraphBuilder b("layer", "test");
    b.output(b.add1(Op::Unary, UnaryParams{UnaryFunction::relu, 0, 0}, {b.input("x", {DType::f32, {2}})}, "y"));
    test::expect_error([&] { Model::compile(b.finish(), options); }, ErrorCode::invalid_argument, "no step of layer can use the kernel '" + kernel + "'; without it they use unary");
  }
}

TEST(Model, HandsInputsAndConstantsThrough) {
  GraphBuilder b("through", "test");
  const ValueId x = b.input("x", {DType::f32, {2}});
  const ValueId c = b.constant("c", Tensor::of<float>({2}, {3, 4}));
  b.output(x);
  b.output(c);
  b.output(b.add1(Op::Reshape, ShapeParams{{2, 1}}, {x}, "r"));
  const auto model = Model::compile(b.finish(), {});
  auto results = results_of(*model);
  const std::vector<Tensor> inputs = {Tensor::of<float>({2}, {1, 2})};
  model->run(*model->make_context(), inputs, results, nullptr);
  EXPECT_EQ(results[0].data<float>()[1], 2);
  EXPECT_EQ(results[1].data<float>()[1], 4);
  EXPECT_EQ(results[2].data<float>()[1], 2);
}

TEST(Model, AnErrorWhileRunningNamesOperatorAndModule) {
  const Graph graph = parse_graph(
      "graph lookup\n"
      "input %i: i64[2]\n"
      "const %table: f32[3,1] = [1, 2, 3]\n"
      "%y = Gather(%table, %i) axis=0 : f32[2,1] @ encoder.words (embedding)\n"
      "output %y\n",
      infer);
  const auto model = Model::compile(graph, {});
  auto results = results_of(*model);
  const std::vector<Tensor> inputs = {Tensor::of<int64_t>({2}, {1, 3})};
  test::expect_error([&] { model->run(*model->make_context(), inputs, results, nullptr); }, ErrorCode::invalid_argument,
                     "Gather: index 3 is outside a dimension of 3\n  while computing Gather encoder.words (embedding)");
}

// Passes may take a node that does nothing away, but not the name that callers know its output by.
TEST(Model, KeepsNamesOfOutputs) {
  GraphBuilder b("names", "test");
  const ValueId x = b.input("x", {DType::f32, {2}});
  const ValueId y = b.add1(Op::Unary, UnaryParams{UnaryFunction::relu, 0, 0}, {x}, "y");
  for (const char* name : {"y", "again", "y"}) b.output(y, name);
  b.output(x, "same");
  const auto model = Model::compile(b.finish(), {});
  std::vector<std::string> names;
  for (const ValueInfo& output : model->outputs()) names.push_back(output.name);
  EXPECT_EQ(names, (std::vector<std::string>{"y", "again", "y_1", "same"}));
}

}  // namespace
}  // namespace ropeway
