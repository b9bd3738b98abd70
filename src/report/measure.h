// Measuring a model.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/model.h"

namespace ropeway {

// Runs from its construction.
class Stopwatch {
 public:
  double milliseconds() const { return std::chrono::duration<double, std::milli>(Clock::now() - begin_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point begin_ = Clock::now();
};

inline constexpr int kDefaultWarmup = 3;
inline constexpr int kLeastIterations = 5;
inline constexpr double kDefaultSeconds = 1;
inline constexpr int kMostIterations = 10000;

struct MeasureOptions {
  int warmup = kDefaultWarmup;    // runs that are not counted
  std::optional<int> iterations;  // without: until kDefaultSeconds have passed, but at least kLeastIterations and at most kMostIterations
  std::function<void(int iterations, double seconds)> progress;  // after each iteration: those done, and the time they took
};

struct Measurement {
  std::vector<double> end_to_end_ms;         // by iteration
  std::vector<std::vector<double>> step_ms;  // by iteration, then by step as in steps_of()
};

// Where times are predicted they are the device's own, the same at every run: once is enough, unless `options` asks for more.
// Elsewhere an iteration is two runs: one without a clock in it, timed end to end, and one in which every step is timed. They alternate, so that whatever else
// the machine does meets both alike.
Measurement measure(const Model& model, std::span<const Tensor> inputs, const MeasureOptions& options);

// The most memory that this process has held at once, in MB (10^6 bytes), since the last reset.
double peak_rss_mb();
// Begins a new peak where the kernel can do that; elsewhere the peak remains that of the whole process.
void reset_peak_rss();
// What it holds now.
double resident_mb();

}  // namespace ropeway
