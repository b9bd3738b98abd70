// One round of Ropeway for bench/compare.py, through the public interface alone: what bench/engines.py does for the others, in the same order.
//   bench_session MODEL INPUT OUTPUT THREADS SECONDS [PRECISION]    INPUT and OUTPUT: files of raw values
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "ropeway/session.h"

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kLeastRuns = 5;
constexpr double kWarmup = 0.3;  // of the seconds that count, before these

double milliseconds_since(Clock::time_point begin) { return std::chrono::duration<double, std::milli>(Clock::now() - begin).count(); }

// Of /proc/self/status, in MB of 10^6 bytes.
double memory_mb(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key + ":")) return std::stod(line.substr(key.size() + 1)) * 1024 / 1e6;
  }
  return 0;
}

ropeway::Tensor read_input(const char* path, const ropeway::TensorType& type) {
  ropeway::Tensor tensor(type);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(tensor.raw()), static_cast<std::streamsize>(tensor.bytes()));
  if (!file || file.peek() != EOF) throw ropeway::Error(ropeway::ErrorCode::invalid_argument, std::string(path) + " does not hold a value of type " + to_string(type));
  return tensor;
}

// The least time of a run; warm-up runs do not count.
double best_ms(const ropeway::Session& session, const std::vector<ropeway::Tensor>& inputs, double seconds, int* runs) {
  for (const auto begin = Clock::now(); milliseconds_since(begin) < kWarmup * seconds * 1e3;) session.run(inputs);
  double best = 1e300;
  *runs = 0;
  for (const auto begin = Clock::now(); *runs < kLeastRuns || milliseconds_since(begin) < seconds * 1e3; ++*runs) {
    const auto run = Clock::now();
    session.run(inputs);
    best = std::min(best, milliseconds_since(run));
  }
  return best;
}

void measure(const char* model, const char* input, const char* output, int threads, double seconds, const char* precision) {
  std::ofstream("/proc/self/clear_refs") << "5";  // VmHWM begins anew
  const double before = memory_mb("VmRSS");
  ropeway::SessionOptions options;
  options.device = "cpu";
  options.threads = threads;
  options.precision = precision;
  const auto begin = Clock::now();
  const ropeway::Session session = ropeway::Session::load(model, options);
  double load_ms = milliseconds_since(begin);
  const std::vector<ropeway::Tensor> inputs = {read_input(input, session.inputs().at(0).type)};
  const auto first = Clock::now();
  const std::vector<ropeway::Tensor> outputs = session.run(inputs);
  load_ms += milliseconds_since(first);
  const double rest = memory_mb("VmRSS"), peak = memory_mb("VmHWM");
  std::ofstream(output, std::ios::binary).write(reinterpret_cast<const char*>(outputs.at(0).raw()), static_cast<std::streamsize>(outputs[0].bytes()));
  int runs = 0;
  const double ms = best_ms(session, inputs, seconds, &runs);
  std::printf("{\"ms\": %.6f, \"runs\": %d, \"load_ms\": %.3f, \"rest_mb\": %.3f, \"peak_mb\": %.3f, \"process_mb\": %.3f}\n", ms, runs, load_ms, rest - before, peak - before, rest);
}

}  // namespace

int main(int count, char** values) {
  if (count < 6 || count > 7) {
    std::fprintf(stderr, "usage: bench_session MODEL INPUT OUTPUT THREADS SECONDS [PRECISION]\n");
    return 5;
  }
  try {
    measure(values[1], values[2], values[3], std::stoi(values[4]), std::stod(values[5]), count == 7 ? values[6] : "");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
