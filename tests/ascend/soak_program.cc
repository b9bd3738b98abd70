// Loads, runs and unloads a small model again and again in one process: memory must stay flat.
//   soak_program RUNS
// Prints a line for each tenth of the runs; exits with 0 when, from the end of the first tenth on, resident memory has grown by less than 2 MB at every sample, and neither
// device memory nor an open file was left taken at any.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "ascend/backend.h"
#include "ascend/small_model.h"
#include "engine/model.h"
#include "ops/operator.h"
#include "ropeway/error.h"

namespace ropeway::ascend {
namespace {

constexpr int kTenths = 10;
constexpr long kMostGrowth = 2000;  // kB

struct Sample {
  long resident_kb = 0;
  size_t device_bytes = 0;  // taken
  long files = 0;           // open
};

Sample take_sample(const Device& device) {
  Sample sample;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) sample.resident_kb = std::atol(line.c_str() + 6);
  }
  sample.files = std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  const auto entered = device.enter();
  sample.device_bytes = device.memory_bytes() - device.free_bytes();
  return sample;
}

bool live(const AscendBackend& backend, bool time_steps) {
  static const std::vector<Tensor> inputs = generated_inputs({{"x", {DType::f32, {1, 3, 8, 8}}}});
  static const std::vector<Tensor> reference = evaluate(small_model(), inputs);
  CompileOptions options;
  options.time_steps = time_steps;
  const auto executable = backend.compile(small_model(), options);
  std::vector<Tensor> outputs = {Tensor({DType::f32, {1, 10}})};
  Trace trace;
  executable->run(*executable->make_context(), inputs, outputs, &trace);
  const auto actual = outputs[0].data<float>();
  const auto expected = reference[0].data<float>();
  return std::equal(actual.begin(), actual.end(), expected.begin(), [](float a, float b) { return std::abs(a - b) <= 1e-2f * std::max(1.0f, std::abs(b)); });
}

int run(int runs) {
  const cann::Installation installation = *cann::installation_at(ROPEWAY_VIRTUAL_HOME);
  const AscendBackend backend(installation);
  const auto device = Device::open(installation);
  const auto begin = std::chrono::steady_clock::now();
  Sample warm;
  bool flat = true;
  for (int tenth = 1; tenth <= kTenths; ++tenth) {
    const auto runs_until = [&](int end) { return static_cast<int>(int64_t{runs} * end / kTenths); };
    for (int i = runs_until(tenth - 1); i < runs_until(tenth); ++i) {
      if (!live(backend, i % 2 == 1)) {
        std::printf("run %d gives wrong numbers\n", i);
        return 1;
      }
    }
    const Sample now = take_sample(*device);
    if (tenth == 1) warm = now;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::printf("%6d runs %7.1f s: resident %ld kB (%+ld), device memory taken %zu bytes, open files %ld\n", runs_until(tenth), seconds, now.resident_kb, now.resident_kb - warm.resident_kb, now.device_bytes, now.files);
    std::fflush(stdout);
    flat = flat && now.resident_kb - warm.resident_kb < kMostGrowth && now.device_bytes == 0 && now.files == warm.files;
  }
  std::puts(flat ? "flat" : "not flat");
  return flat ? 0 : 1;
}

}  // namespace
}  // namespace ropeway::ascend

int main(int argc, char** argv) {
  const int runs = argc < 2 ? 0 : std::atoi(argv[1]);
  if (runs < 10) {
    std::fputs("usage: soak_program RUNS (10 or more)\n", stderr);
    return 5;
  }
  try {
    return ropeway::ascend::run(runs);
  } catch (const ropeway::Error& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
