// Single layers of networks, each as a model of one node: how near each comes to what the processor can do.
//   bench/compare.py --kernels     builds it, and compares with the committed times of the same kind of machine
// of_peak is the part of this machine's measured peak (src/cpu/peak.h): of its FLOP/s, counted as the direct algorithm needs them, so that Winograd forms may be above 1; for
// products of one row, of its reading of memory. Quote minima: --benchmark_repetitions=10.
#include <benchmark/benchmark.h>

#include "chip/numerics.h"
#include "cpu/peak.h"
#include "engine/model.h"
#include "formats/formats.h"
#include "ops/builder.h"
#include "passes/pipeline.h"

namespace ropeway {
namespace {

// Zeros that nobody wrote are all one page of memory: they would be read too fast.
Tensor weights(Shape shape) {
  Tensor tensor({DType::f32, std::move(shape)});
  int i = 0;
  for (float& value : tensor.data<float>()) value = static_cast<float>(++i % 13 - 6) / 64;
  return tensor;
}

enum class Limit { none, arithmetic, memory };

const cpu::Peak& peak(int threads) {
  static std::map<int, cpu::Peak> peaks;
  const auto found = peaks.find(threads);
  return found != peaks.end() ? found->second : peaks.emplace(threads, cpu::measure_peak(threads)).first->second;
}

// Runs the graph; counts its work, and names its kernels.
void run(benchmark::State& state, Graph graph, Limit limit, int threads, const std::string& precision = "") try {
  SessionOptions options;
  options.weight_growth = 1000;  // the model of one layer, as most are here, has no other weights to make up for its own
  options.threads = threads;
  options.precision = precision;
  const auto model = Model::compile(std::move(graph), options);
  const auto context = model->make_context();
  const std::vector<Tensor> inputs = generated_inputs(model->inputs());
  std::vector<Tensor> outputs;
  for (const ValueInfo& output : model->outputs()) outputs.emplace_back(output.type);
  const double flops_peak = peak(threads).gflops * 1e9, bytes_peak = peak(threads).gb_per_s * 1e9;  // measured before the clock starts
  for (auto _ : state) model->run(*context, inputs, outputs, nullptr);
  double flops = 0, bytes = 0;
  std::string kernels;
  for (const StepInfo& step : model->executables()[0]->steps()) {
    flops += step.flops, bytes += step.bytes;
    if (!step.nodes.empty()) kernels += (kernels.empty() ? "" : ", ") + step.kernel;
  }
  const auto rate = [&](const char* name, double work) { state.counters[name] = benchmark::Counter(work, benchmark::Counter::kIsIterationInvariantRate); };
  rate("FLOP/s", flops);
  rate("B/s", bytes);
  if (limit == Limit::arithmetic) rate("of_peak", flops / flops_peak);
  if (limit == Limit::memory) rate("of_peak", bytes / bytes_peak);
  state.SetLabel(kernels);
} catch (const Error& error) {
  state.SkipWithError(error.message().c_str());
}

void convolution(benchmark::State& state) {
  const int64_t in = state.range(0), out = state.range(1), size = state.range(2), kernel = state.range(3), stride = state.range(4), padding = state.range(5), group = state.range(6);
  GraphBuilder builder("conv", "bench");
  const ValueId x = builder.input("x", {DType::f32, {1, in, size, size}});
  const ConvParams params{{stride, stride}, {padding, padding, padding, padding}, {1, 1}, group};
  builder.output(builder.add1(Op::Conv, params, {x, builder.constant("w", weights({out, in / group, kernel, kernel})), builder.constant("b", weights({out}))}, "y"));
  run(state, builder.finish(), Limit::arithmetic, static_cast<int>(state.range(7)));
}
void convolutions(benchmark::internal::Benchmark* benchmark) {
  const std::vector<int64_t> shapes[] = {
      {3, 64, 224, 7, 2, 3, 1},  // ResNet's
      {64, 64, 56, 3, 1, 1, 1},
      {128, 128, 28, 3, 1, 1, 1},
      {256, 256, 14, 3, 1, 1, 1},
      {512, 512, 7, 3, 1, 1, 1},
      {64, 128, 56, 3, 2, 1, 1},
      {128, 256, 28, 3, 2, 1, 1},
      {256, 512, 14, 3, 2, 1, 1},
      {64, 128, 56, 1, 2, 0, 1},
      {64, 256, 56, 1, 1, 0, 1},
      {1024, 256, 14, 1, 1, 0, 1},
      {3, 64, 224, 11, 4, 1, 1},  // AlexNet's
      {64, 192, 26, 5, 1, 2, 1},
      {192, 384, 12, 3, 1, 1, 1},
      {384, 256, 12, 3, 1, 1, 1},
      {256, 256, 12, 3, 1, 1, 1},
      {3, 6, 224, 5, 1, 2, 1},  // LeNet's
      {6, 16, 112, 5, 1, 0, 1},
      {96, 96, 112, 3, 2, 1, 96},  // MobileNetV2's
      {144, 144, 56, 3, 1, 1, 144},
  };
  for (std::vector<int64_t> shape : shapes) {
    for (const int64_t threads : {1, 2}) {
      shape.resize(7);
      shape.push_back(threads);
      benchmark->Args(shape);
    }
  }
}
BENCHMARK(convolution)->Unit(benchmark::kMillisecond)->UseRealTime()->ArgNames({"in", "out", "size", "kernel", "stride", "pad", "groups", "threads"})->Apply(convolutions);

void fully_connected(benchmark::State& state, const char* precision) {
  const int64_t batch = state.range(0), in = state.range(1), out = state.range(2);
  GraphBuilder builder("linear", "bench");
  const ValueId x = builder.input("x", {DType::f32, {batch, in}});
  GemmParams params;
  params.transB = true;
  builder.output(builder.add1(Op::Gemm, params, {x, builder.constant("w", weights({out, in})), builder.constant("b", weights({out}))}, "y"));
  run(state, builder.finish(), batch == 1 ? Limit::memory : Limit::arithmetic, static_cast<int>(state.range(3)), precision);
}
void vector_products(benchmark::internal::Benchmark* benchmark) { benchmark->ArgsProduct({{1}, {9216}, {4096}, {1, 2}})->ArgsProduct({{1}, {4096}, {4096}, {1, 2}})->ArgsProduct({{1}, {46656}, {1024}, {1, 2}}); }
void products(benchmark::internal::Benchmark* benchmark) {
  vector_products(benchmark);
  benchmark->Args({8, 9216, 4096, 1})->ArgsProduct({{4, 49, 196}, {64, 256, 512}, {256}, {1}})->ArgsProduct({{197}, {192}, {576, 768}, {1, 2}});
}
BENCHMARK_CAPTURE(fully_connected, fp32, "")->Unit(benchmark::kMillisecond)->UseRealTime()->ArgNames({"batch", "in", "out", "threads"})->Apply(products);
BENCHMARK_CAPTURE(fully_connected, fp16, "fp16")->Unit(benchmark::kMillisecond)->UseRealTime()->ArgNames({"batch", "in", "out", "threads"})->Apply(vector_products);

// ViT-Tiny's.
void attention(benchmark::State& state) {
  GraphBuilder builder("attention", "bench");
  const TensorType type{DType::f32, {1, 3, 197, 64}};
  const ValueId q = builder.input("q", type), k = builder.input("k", type), v = builder.input("v", type);
  builder.output(builder.add1(Op::ScaledDotProductAttention, AttentionParams{0.125}, {q, k, v}, "y"));
  run(state, builder.finish(), Limit::arithmetic, static_cast<int>(state.range(0)));
}
BENCHMARK(attention)->Unit(benchmark::kMillisecond)->UseRealTime()->ArgName("threads")->Arg(1)->Arg(2);

// An operator of one input and no weights.
void single(benchmark::State& state, Op op, const Params& params, const Shape& x) {
  GraphBuilder builder("single", "bench");
  builder.output(builder.add1(op, params, {builder.input("x", {DType::f32, x})}, "y"));
  run(state, builder.finish(), Limit::none, 1);
}
BENCHMARK_CAPTURE(single, softmax, Op::Softmax, AxisParams{3}, {1, 3, 197, 197})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(single, layer_norm, Op::LayerNormalization, NormParams{2, 1e-6}, {1, 197, 192})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(single, gelu, Op::Unary, UnaryParams{UnaryFunction::gelu, 0, 0}, {1, 197, 768})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(single, max_pool_lenet, Op::MaxPool, PoolParams{{2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}}, {1, 6, 224, 224})->Unit(benchmark::kMillisecond)->UseRealTime();

// What the chip's rounding costs: the article's networks, as they are and rounded.
void network(benchmark::State& state, const char* name, bool rounded) {
  Graph graph = run_passes(read_model(name, {}), pipeline(), {});
  run(state, rounded ? chip::apply_numerics(std::move(graph)) : std::move(graph), Limit::none, 1);
  state.SetLabel("");  // of forty kernels
}
BENCHMARK_CAPTURE(network, alexnet, "alexnet", false)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(network, alexnet_rounded, "alexnet", true)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(network, resnet34, "resnet34", false)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(network, resnet34_rounded, "resnet34", true)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace ropeway
