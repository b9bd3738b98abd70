// Eight threads load, run and unload three models, and all run two more that they share, one of them split between NPU and CPU with masks that each run draws, in one
// process: most of all for the thread sanitizer.
//   threads_program ROUNDS
// Prints what was done, or each thread's error; exits with 0 when every output was right.
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "ascend/backend.h"
#include "ascend/compiler.h"
#include "ascend/small_model.h"
#include "ascend/split_model.h"
#include "base/text.h"
#include "engine/model.h"
#include "ops/operator.h"
#include "support/environment.h"

namespace ropeway::ascend {
namespace {

constexpr int kThreads = 8;

Graph perceptron() {
  GraphBuilder builder("perceptron", "test");
  const auto weight = [&](const std::string& name, Shape shape) {
    Tensor tensor({DType::f32, std::move(shape)});
    fill_uniform(tensor.data<float>(), stream_seed(name), 0.2f);
    return builder.constant(name, tensor);
  };
  const ValueId x = builder.input("x", {DType::f32, {4, 32}});
  ValueId y = builder.add1(Op::Gemm, GemmParams{}, {x, weight("w1", {32, 64})}, "hidden");
  y = builder.add1(Op::Unary, UnaryParams{UnaryFunction::tanh, 0, 0}, {y}, "tanh");
  builder.output(builder.add1(Op::Gemm, GemmParams{}, {y, weight("w2", {64, 8})}, "y"));
  return builder.finish();
}

// Several inputs, one of them broadcast, and two outputs.
Graph elementwise() {
  GraphBuilder builder("elementwise", "test");
  const ValueId a = builder.input("a", {DType::f32, {8, 16}}), b = builder.input("b", {DType::f32, {8, 16}}), c = builder.input("c", {DType::f32, {16}});
  const ValueId sum = builder.add1(Op::Binary, BinaryParams{BinaryFunction::add}, {a, c}, "sum");
  builder.output(builder.add1(Op::Binary, BinaryParams{BinaryFunction::mul}, {sum, b}, "product"));
  builder.output(builder.add1(Op::Unary, UnaryParams{UnaryFunction::sigmoid, 0, 0}, {sum}, "gate"));
  return builder.finish();
}

// A model, its inputs, and what it gives: near the reference, and the same in every thread.
class Sample {
 public:
  explicit Sample(Graph graph) : graph_(std::move(graph)), inputs_(generated_inputs(describe(graph_, graph_.inputs))), reference_(evaluate(graph_, inputs_)) {}

  const Graph& graph() const { return graph_; }

  void run(const Executable& executable, Context& context, Trace* trace) {
    std::vector<Tensor> outputs;
    for (const ValueId id : graph_.outputs) outputs.emplace_back(graph_.type(id));
    executable.run(context, inputs_, outputs, trace);
    check(outputs);
  }

 private:
  void check(const std::vector<Tensor>& outputs) {
    std::vector<float> all;
    for (size_t i = 0; i < outputs.size(); ++i) {
      const auto actual = outputs[i].data<float>(), expected = reference_[i].data<float>();
      for (size_t k = 0; k < expected.size(); ++k) ensure(std::abs(actual[k] - expected[k]) <= 1e-2f * std::max(1.0f, std::abs(expected[k])), "{}: element {} of output {} is {}, not {}", graph_.name, k, i, actual[k], expected[k]);
      all.insert(all.end(), actual.begin(), actual.end());
    }
    const std::lock_guard lock(mutex_);
    if (first_.empty()) first_ = all;
    ensure(all == first_, "{} gives other numbers than in the first run", graph_.name);
  }

  const Graph graph_;
  const std::vector<Tensor> inputs_, reference_;
  std::mutex mutex_;
  std::vector<float> first_;
};

// A model that NPU and CPU share; by their masks, runs give something else each time.
void run_split(const Model& model, ModelContext& context, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> outputs = {Tensor(model.outputs()[0].type)};
  model.run(context, inputs, outputs, nullptr);
  for (const float value : outputs[0].data<float>()) ensure(std::isfinite(value), "{} gives {}", model.graph().name, value);
}

struct Counts {
  std::atomic<int> loads = 0, runs = 0, failures = 0;
};

// A thread's part; each begins with another model, and takes the operators' times in every second round.
void work(std::vector<std::unique_ptr<Sample>>& samples, Sample& shared, const Executable& shared_executable, const Model& split, int thread, int rounds, Counts& counts) {
  const AscendBackend backend(*cann::installation_at(ROPEWAY_VIRTUAL_HOME));
  const auto shared_context = shared_executable.make_context();
  const auto split_context = split.make_context();
  const std::vector<Tensor> split_inputs = generated_inputs(split.inputs());
  for (int round = 0; round < rounds; ++round) {
    Sample& sample = *samples[static_cast<size_t>(thread + round) % samples.size()];
    CompileOptions options;
    options.time_steps = round % 2 == 1;
    const auto executable = backend.compile(sample.graph(), options);
    ++counts.loads;
    const auto context = executable->make_context();
    Trace trace;
    sample.run(*executable, *context, nullptr);
    sample.run(*executable, *context, &trace);
    shared.run(shared_executable, *shared_context, round % 2 == 0 ? &trace : nullptr);
    run_split(split, *split_context, split_inputs);
    counts.runs += 4;
  }
}

int run(int rounds) {
  const cann::Installation installation = *cann::installation_at(ROPEWAY_VIRTUAL_HOME);
  std::vector<std::unique_ptr<Sample>> samples;
  for (Graph& graph : std::vector<Graph>{small_model(), perceptron(), elementwise()}) samples.push_back(std::make_unique<Sample>(std::move(graph)));
  for (const auto& sample : samples) compile_om(make_atc_input(sample->graph()), sample->graph().name, installation, {"Ascend310B1"});  // into the cache
  Sample shared(small_model(6));
  const auto shared_executable = AscendBackend(installation).compile(shared.graph(), {});
  const test::ScopedVariable home("ROPEWAY_VIRTUAL_HOME", ROPEWAY_VIRTUAL_HOME);
  const auto split = Model::compile(split_model(true), {.device = "virtual-npu"});
  ensure(split->is_split() && split->plan().segments.size() == 3, "the model is not split");
  Counts counts;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      try {
        work(samples, shared, *shared_executable, *split, thread, rounds, counts);
      } catch (const Error& error) {
        ++counts.failures;
        std::printf("thread %d: %s: %s\n", thread, name(error.code()), error.what());
      }
    });
  }
  for (std::thread& each : threads) each.join();
  std::printf("%d threads: %d loads and unloads of 3 models, %d runs, %d threads failed\n", kThreads, counts.loads.load(), counts.runs.load(), counts.failures.load());
  return counts.failures == 0 && counts.loads == kThreads * rounds ? 0 : 1;
}

}  // namespace
}  // namespace ropeway::ascend

int main(int argc, char** argv) {
  const int rounds = argc < 2 ? 0 : std::atoi(argv[1]);
  if (rounds < 1) {
    std::fputs("usage: threads_program ROUNDS\n", stderr);
    return 5;
  }
  try {
    return ropeway::ascend::run(rounds);
  } catch (const ropeway::Error& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
