// Single layers of the article's networks, each as a model of one node, on one thread: how near they come to what the processor can do.
//   cmake --preset release -DROPEWAY_BENCH=ON && cmake --build --preset release && build/release/bench/bench_kernels
// Quote minima: --benchmark_repetitions=10 --benchmark_report_aggregates_only=false.
#include <benchmark/benchmark.h>

#include "chip/numerics.h"
#include "engine/model.h"
#include "formats/formats.h"
#include "ops/builder.h"
#include "passes/pipeline.h"

namespace ropeway {
namespace {

Tensor zeros(Shape shape) { return Tensor({DType::f32, std::move(shape)}); }

// Runs the graph of one node; counts its work.
void run(benchmark::State& state, Graph graph) {
  SessionOptions options;
  options.threads = 1;
  const auto model = Model::compile(std::move(graph), options);
  const auto context = model->make_context();
  const std::vector<Tensor> inputs = generated_inputs(model->inputs());
  std::vector<Tensor> outputs;
  for (const ValueInfo& output : model->outputs()) outputs.emplace_back(output.type);
  for (auto _ : state) model->run(*context, inputs, outputs, nullptr);
  double flops = 0, bytes = 0;
  for (const StepInfo& step : model->executables()[0]->steps()) flops += step.flops, bytes += step.bytes;
  state.counters["FLOP/s"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["B/s"] = benchmark::Counter(bytes, benchmark::Counter::kIsIterationInvariantRate);
}

void convolution(benchmark::State& state) {
  const int64_t in = state.range(0), out = state.range(1), size = state.range(2), kernel = state.range(3), stride = state.range(4), padding = state.range(5), group = state.range(6);
  GraphBuilder builder("conv", "bench");
  const ValueId x = builder.input("x", {DType::f32, {1, in, size, size}});
  const ConvParams params{{stride, stride}, {padding, padding, padding, padding}, {1, 1}, group};
  builder.output(builder.add1(Op::Conv, params, {x, builder.constant("w", zeros({out, in / group, kernel, kernel})), builder.constant("b", zeros({out}))}, "y"));
  run(state, builder.finish());
}
BENCHMARK(convolution)
    ->Unit(benchmark::kMillisecond)
    ->ArgNames({"in", "out", "size", "kernel", "stride", "pad", "groups"})
    ->Args({3, 64, 224, 7, 2, 3, 1})  // ResNet-34
    ->Args({64, 64, 56, 3, 1, 1, 1})
    ->Args({64, 128, 56, 3, 2, 1, 1})
    ->Args({64, 128, 56, 1, 2, 0, 1})
    ->Args({128, 128, 28, 3, 1, 1, 1})
    ->Args({256, 256, 14, 3, 1, 1, 1})
    ->Args({512, 512, 7, 3, 1, 1, 1})
    ->Args({3, 64, 224, 11, 4, 1, 1})  // AlexNet
    ->Args({64, 192, 26, 5, 1, 2, 1})
    ->Args({192, 384, 12, 3, 1, 1, 1})
    ->Args({3, 6, 224, 5, 1, 2, 1})  // LeNet
    ->Args({6, 16, 112, 5, 1, 0, 1})
    ->Args({96, 96, 112, 3, 2, 1, 96});  // MobileNetV2

void fully_connected(benchmark::State& state) {
  const int64_t batch = state.range(0), in = state.range(1), out = state.range(2);
  GraphBuilder builder("linear", "bench");
  const ValueId x = builder.input("x", {DType::f32, {batch, in}});
  GemmParams params;
  params.transB = true;
  builder.output(builder.add1(Op::Gemm, params, {x, builder.constant("w", zeros({out, in})), builder.constant("b", zeros({out}))}, "y"));
  run(state, builder.finish());
}
BENCHMARK(fully_connected)->Unit(benchmark::kMillisecond)->ArgNames({"batch", "in", "out"})->Args({1, 9216, 4096})->Args({1, 4096, 4096})->Args({1, 46656, 1024})->Args({8, 9216, 4096})->Args({197, 192, 768});

// What the chip's rounding costs: the article's networks, as they are and rounded.
void network(benchmark::State& state, const char* name, bool rounded) {
  Graph graph = run_passes(read_model(name, {}), pipeline(), {});
  run(state, rounded ? chip::apply_numerics(std::move(graph)) : std::move(graph));
}
BENCHMARK_CAPTURE(network, alexnet, "alexnet", false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(network, alexnet_rounded, "alexnet", true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(network, resnet34, "resnet34", false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(network, resnet34_rounded, "resnet34", true)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ropeway
