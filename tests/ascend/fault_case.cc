// One case of the fault sweep, in a process of its own because CANN can be initialised once: loads, times, runs and unloads a two-layer model, then does it all again.
// ROPEWAY_VIRTUAL_FAULTS says what goes wrong. Prints the first time's error, or "ok"; exits with 0 when the second time works, gives what it should, and nothing of the
// device's memory is left taken.
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmath>
#include <cstdio>
#include <string>

#include "ascend/backend.h"
#include "ascend/small_model.h"
#include "ascend/split_model.h"
#include "support/environment.h"
#include "engine/model.h"
#include "ops/operator.h"
#include "ropeway/error.h"

namespace ropeway::ascend {
namespace {

constexpr double kRunSeconds = 0.5;

// `note`: what the executable says of its operators' times.
std::vector<float> whole_life(bool time_steps, std::string& note) {
  const AscendBackend backend(*cann::installation_at(ROPEWAY_VIRTUAL_HOME));
  CompileOptions options;
  options.run_seconds = kRunSeconds;
  options.time_steps = time_steps;
  const auto executable = backend.compile(small_model(), options);
  note = executable->steps()[0].note;
  const std::vector<Tensor> inputs = generated_inputs({{"x", {DType::f32, {1, 3, 8, 8}}}});
  std::vector<Tensor> outputs = {Tensor({DType::f32, {1, 10}})};
  Trace trace;
  executable->run(*executable->make_context(), inputs, outputs, &trace);
  const auto values = outputs[0].data<float>();
  return {values.begin(), values.end()};
}

bool is_right(const std::vector<float>& values) {
  const Tensor reference = evaluate(small_model(), generated_inputs({{"x", {DType::f32, {1, 3, 8, 8}}}}))[0];
  const auto expected = reference.data<float>();
  for (size_t i = 0; i < values.size(); ++i) {
    if (!(std::abs(values[i] - expected[i]) <= 1e-2f * std::max(1.0f, std::abs(expected[i])))) return false;
  }
  return true;
}

size_t memory_taken() {
  const auto device = Device::open(*cann::installation_at(ROPEWAY_VIRTUAL_HOME));
  const auto entered = device->enter();
  return device->memory_bytes() - device->free_bytes();
}

// Files that are opened after a failure get the numbers of those that were closed by it: nothing of the device's may come into them until it is reset, which waits for it.
bool other_files_stay_empty() {
  int files[8];
  for (int& each : files) each = memfd_create("other", MFD_CLOEXEC);
  Device::open(*cann::installation_at(ROPEWAY_VIRTUAL_HOME));
  for (const int each : files) {
    struct stat state {};
    if (fstat(each, &state) != 0 || state.st_size != 0) return false;
  }
  return true;
}

// Loads and runs a model that CPU and NPU share, then runs it once more, or when it could not be loaded loads it again: "--split". The same is expected of the second
// time as of a model that the NPU has wholly.
int run_split() {
  const test::ScopedVariable home("ROPEWAY_VIRTUAL_HOME", ROPEWAY_VIRTUAL_HOME);
  const Graph graph = split_model();
  const std::vector<Tensor> inputs = generated_inputs({{"x", graph.type(graph.inputs[0])}});
  const Tensor expected = evaluate(graph, inputs)[0];
  const auto is_near = [&](const Model& model) {
    std::vector<Tensor> outputs = {Tensor(expected.type())};
    model.run(*model.make_context(), inputs, outputs, nullptr);
    double largest = 0, error = 0;
    for (size_t i = 0; i < expected.data<float>().size(); ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(expected.data<float>()[i])));
      error = std::max(error, std::abs(static_cast<double>(outputs[0].data<float>()[i]) - expected.data<float>()[i]));
    }
    return error <= 2e-2 * largest;
  };
  const auto load = [&] { return Model::compile(graph, {.device = "virtual-npu", .run_seconds = kRunSeconds}); };
  std::shared_ptr<const Model> model;
  try {
    model = load();
    std::puts(is_near(*model) ? "ok" : "wrong numbers");
  } catch (const Error& error) {
    std::printf("%s: %s\n", name(error.code()), error.what());
  }
  try {
    if (model && is_near(*model)) return 0;  // nothing was lost but the run
  } catch (const Error& error) {
    std::printf("the next run: %s\n", error.what());  // a lost device takes its models along
  }
  try {
    model.reset();
    return is_near(*load()) ? 0 : 1;
  } catch (const Error& error) {
    std::printf("the second load fails: %s\n", error.what());
    return 1;
  }
}

// "--once": the first time alone, to see what it calls; "--late-writes": then other_files_stay_empty(); "--memory-may-stay": what is left taken is not looked at.
int run(const std::string& option) {
  if (option == "--split") return run_split();
  std::string note;
  try {
    std::puts(!is_right(whole_life(true, note)) ? "wrong numbers" : note.empty() ? "ok" : note.c_str());
  } catch (const Error& error) {
    std::printf("%s: %s\n", name(error.code()), error.what());
  }
  if (option == "--once") return 0;
  try {
    if (option == "--late-writes") return other_files_stay_empty() ? 0 : 1;
    if (!is_right(whole_life(true, note)) || !note.empty() || !is_right(whole_life(false, note))) {
      std::puts("the second time gives wrong numbers");
      return 1;
    }
    if (const size_t taken = memory_taken(); option != "--memory-may-stay" && taken != 0) {
      std::printf("%zu bytes of device memory are left\n", taken);
      return 1;
    }
  } catch (const Error& error) {
    std::printf("the second time fails: %s\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace ropeway::ascend

int main(int argc, char** argv) { return ropeway::ascend::run(argc < 2 ? "" : argv[1]); }
